"""`EpochSummary`: what the batches of an epoch are like, and how much of them is padding."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlen.buckets import rounded_up
from varlen.data.plan._epoch import EpochBatches
from varlen.data.plan._form import in_order
from varlen.data.plan._lengths import ExampleLengths
from varlen.data.plan._limits import BatchLimits
from varlen.data.plan._permutation import permutation

_NAIVE = 2  # what the seed is used for, besides examples and batches


@dataclass(frozen=True)
class BatchesSummary:
    """What some batches are like.

    Attributes:
        shortest: the least length of an example, by each feature that batches are formed by.
        longest: the greatest.
        num_examples: in all of the batches.
        num_batches: how many there are.
        smallest_batch: the least number of examples in a batch.
        median_batch: the lower median.
        largest_batch: the greatest.
        real_steps: of all examples, all of these features together.
        padded_steps: of all batches, each padded to its longest, or to the next multiple.
    """

    shortest: tuple[int, ...]
    longest: tuple[int, ...]
    num_examples: int
    num_batches: int
    smallest_batch: int
    median_batch: int
    largest_batch: int
    real_steps: int
    padded_steps: int

    @property
    def padding(self) -> float:
        """The share of the steps that is padding."""
        return share_of_padding(self.real_steps, self.padded_steps)


@dataclass(frozen=True)
class EpochSummary:
    """What the batches of an epoch are like, beside those that nobody has planned.

    Attributes:
        epoch: its number.
        all_batches: all of them together; None if there is none.
        buckets: those of each bucket that has a batch, from the first to the last; without
            buckets, none.
        num_left_out: examples that are in no batch: those that policies leave out, and those of
            batches that are not full, with `drop_remainder`.
        num_steps: how many steps each of the plan's ranks makes.
        naive_size: examples in a batch of the naive ones: the mean of the plan's.
        naive_file_order: the share of padding in batches of so many, in the order of the files.
        naive_random_order: the same in random order.
    """

    epoch: int
    all_batches: BatchesSummary | None
    buckets: tuple[BatchesSummary, ...]
    num_left_out: int
    num_steps: int
    naive_size: int
    naive_file_order: float
    naive_random_order: float


@dataclass(frozen=True)
class _Formed:
    """Batches, and the lengths of the features they are formed by."""

    batches: EpochBatches
    steps: list[NDArray[np.int64]]
    multiple_of: int

    def padded(self) -> NDArray[np.int64]:
        """The padded steps of each batch, `[batches]`."""
        each = [
            self.batches.sizes * rounded_up(self.batches.longest(steps), self.multiple_of)
            for steps in self.steps
        ]
        padded: NDArray[np.int64] = np.sum(each, axis=0)
        return padded

    def real(self) -> NDArray[np.int64]:
        """The real steps of each batch, `[batches]`."""
        real: NDArray[np.int64] = np.sum([self.batches.sums(steps) for steps in self.steps], axis=0)
        return real


def summarize(
    batches: EpochBatches,
    lengths: ExampleLengths,
    features: Sequence[str],
    limits: BatchLimits,
    bucket_numbers: NDArray[np.int64] | None,
    kept: NDArray[np.int64],
    *,
    epoch: int,
    seed: int,
    num_ranks: int,
) -> EpochSummary:
    """Looks at the batches of an epoch.

    Args:
        batches: in any order.
        lengths: of all examples.
        features: what batches are formed by.
        limits: for what batches are padded to.
        bucket_numbers: of all examples; None without buckets.
        kept: the examples that may be in batches, in the order of the files.
        epoch: its number.
        seed: of a random order to compare with.
        num_ranks: that share the batches.
    """
    steps = [lengths.steps[name] for name in features]
    naive_size = round(int(batches.sizes.sum()) / len(batches)) if len(batches) else 0
    drawn = kept[permutation(len(kept), seed, epoch, stream=_NAIVE)]
    buckets = []
    if bucket_numbers is not None:
        of_batch = bucket_numbers[batches.positions[batches.begins]]
        for number in np.unique(of_batch):
            those = batches.taken(np.flatnonzero(of_batch == number))
            buckets.append(_summary(_Formed(those, steps, limits.multiple_of)))
    whole = _Formed(batches, steps, limits.multiple_of)
    return EpochSummary(
        epoch=epoch,
        all_batches=_summary(whole) if len(batches) else None,
        buckets=tuple(buckets),
        num_left_out=len(lengths) - int(batches.sizes.sum()),
        num_steps=-(-len(batches) // num_ranks),
        naive_size=naive_size,
        naive_file_order=_naive_padding(kept, naive_size, lengths, whole),
        naive_random_order=_naive_padding(drawn, naive_size, lengths, whole),
    )


def share_of_padding(real_steps: int, padded_steps: int) -> float:
    """The share of padded steps that are not real; 0 if there is none."""
    return 1 - real_steps / padded_steps if padded_steps else 0.0


def _naive_padding(
    order: NDArray[np.int64], size: int, lengths: ExampleLengths, formed: _Formed
) -> float:
    if not size:
        return 0.0
    batches = in_order(BatchLimits(size), lengths, order, full_only=False)
    naive = _Formed(batches, formed.steps, formed.multiple_of)
    return share_of_padding(int(naive.real().sum()), int(naive.padded().sum()))


def _summary(formed: _Formed) -> BatchesSummary:
    sizes = np.sort(formed.batches.sizes)
    positions = np.concatenate([*formed.batches])
    return BatchesSummary(
        shortest=tuple(int(steps[positions].min()) for steps in formed.steps),
        longest=tuple(int(steps[positions].max()) for steps in formed.steps),
        num_examples=int(sizes.sum()),
        num_batches=len(sizes),
        smallest_batch=int(sizes[0]),
        median_batch=int(sizes[(len(sizes) - 1) // 2]),
        largest_batch=int(sizes[-1]),
        real_steps=int(formed.real().sum()),
        padded_steps=int(formed.padded().sum()),
    )
