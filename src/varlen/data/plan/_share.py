"""Which batches of an epoch are a rank's: all ranks make the same steps, and nothing is lost."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from varlen.data._stage import check_integer
from varlen.data.plan._epoch import EpochBatches

_Batch = NDArray[np.int64]


def share(
    batches: EpochBatches | Sequence[_Batch], rank: int, num_ranks: int, *, begin: int = 0
) -> Iterator[_Batch]:
    """The batches of one rank, one for each step.

    In step s, rank r takes batch `begin + s * num_ranks + r`. If too few are left for a last step,
    their examples are divided among all ranks by `divide_rows`, so that every rank makes the same
    number of steps and every example comes once.

    Args:
        batches: those of an epoch.
        rank: from 0 up to, and without, `num_ranks`.
        num_ranks: how many there are.
        begin: how many of the batches were done before, by any number of ranks.

    Raises:
        TypeError: not integers.
        ValueError: a rank or a beginning that cannot be.
    """
    check_rank(rank, num_ranks)
    check_integer(begin, "begin", at_least=0)
    return (
        batch_of_rank(batches, at, rank, num_ranks) for at in range(begin, len(batches), num_ranks)
    )


def batch_of_rank(
    batches: EpochBatches | Sequence[_Batch], at: int, rank: int, num_ranks: int
) -> _Batch:
    """What a rank takes in the step that begins with batch `at`."""
    if at + num_ranks <= len(batches):
        return batches[at + rank]
    return divide_rows([batches[i] for i in range(at, len(batches))], num_ranks)[rank]


def divide_rows(batches: Sequence[_Batch], num_ranks: int) -> list[_Batch]:
    """Divides the examples of fewer batches than ranks among the ranks, in order.

    Each part is of one batch alone, so that it keeps the limits that its batch keeps. Ranks are
    given to batches such that the largest part is as small as can be, and parts of a batch differ
    by at most one example. A rank is without an example only if there are fewer examples than
    ranks; such ranks come last.

    Args:
        batches: positions of examples; at most `num_ranks` arrays.
        num_ranks: into how many parts.

    Raises:
        ValueError: more batches than ranks.
    """
    if len(batches) > num_ranks:
        raise ValueError(f"expected at most {num_ranks} batches to divide, found {len(batches)}")
    num_parts = [min(1, len(batch)) for batch in batches]
    for _ in range(num_ranks - sum(num_parts)):
        rows_each = [
            len(batch) / parts if parts < len(batch) else 0
            for batch, parts in zip(batches, num_parts, strict=True)
        ]
        if max(rows_each, default=0) == 0:
            break
        num_parts[int(np.argmax(rows_each))] += 1
    parts = [
        part
        for batch, num in zip(batches, num_parts, strict=True)
        if num
        for part in np.array_split(np.asarray(batch, np.int64), num)
    ]
    return parts + [np.empty(0, np.int64)] * (num_ranks - len(parts))


def check_rank(rank: int, num_ranks: int) -> None:
    """Refuses a rank that there is not."""
    check_integer(num_ranks, "num_ranks", at_least=1)
    check_integer(rank, "rank", at_least=0)
    if rank >= num_ranks:
        raise ValueError(f"rank: expected below {num_ranks}, the number of ranks, found {rank}")
