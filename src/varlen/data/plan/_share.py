"""Which batches of an epoch are a rank's: all ranks make the same steps, and nothing is lost."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from varlen.data._rows import divide
from varlen.data.plan._epoch import EpochBatches
from varlen.errors import check_integer

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

    Each part is of one batch alone, so that it keeps the limits that its batch keeps. A batch goes
    to as many ranks as come to it, and its parts differ by at most one example. A rank is without
    an example only if there are fewer examples than ranks.

    Args:
        batches: positions of examples; one array at least, none of them empty.
        num_ranks: into how many parts.

    Raises:
        ValueError: more batches than ranks.
    """
    if len(batches) > num_ranks:
        raise ValueError(f"expected at most {num_ranks} batches to divide, found {len(batches)}")
    parts = divide([{"positions": batch} for batch in batches], num_ranks)
    return [part["positions"] for part in parts]


def check_rank(rank: int, num_ranks: int) -> None:
    """Refuses a rank that there is not."""
    check_integer(num_ranks, "num_ranks", at_least=1)
    check_integer(rank, "rank", at_least=0)
    if rank >= num_ranks:
        raise ValueError(f"rank: expected below {num_ranks}, the number of ranks, found {rank}")
