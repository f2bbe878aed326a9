"""`Batch` and `BucketBySequenceLength`: examples into batches."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from varlen.data._collate import sequence_lengths
from varlen.data._stage import StageIterator
from varlen.data.plan import BatchLimits, PairBuckets
from varlen.data.stages._group import GroupIterator
from varlen.data.stages._sizes import sizes_by
from varlen.errors import check_integer


@dataclass(frozen=True)
class Batch:
    """Makes a batch of every `batch_size` examples in a row, or of as many as keep other limits.

    An example is a dict. In the batch, rows `JaggedSequence(values, length)` are one
    JaggedSequence, SparseValues have an axis more, and all else is an array `[batch, ...]`.

    With budgets of steps, padded steps or bytes, a batch is handed out when the example after it
    would exceed one of them.

    Args:
        batch_size: examples in a batch; or `BatchLimits`. There, a budget that names no feature
            holds for every JaggedSequence, and `max_bytes` wants raw records.
        drop_remainder: leave out the last batch if it is not full, or not by a budget.

    Raises:
        TypeError: a size that is not an integer; while iterating, examples of other kinds.
        ValueError: a size below 1; while iterating, examples that do not go together, or one that
            exceeds a budget alone, unless the limits have another policy.
    """

    batch_size: int | BatchLimits
    drop_remainder: bool = False
    makes_batches: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.batch_size, BatchLimits):
            check_integer(self.batch_size, "Batch: batch_size", at_least=1)

    def iterate(self, upstream: StageIterator) -> StageIterator:
        limits = as_limits(self.batch_size)
        return GroupIterator(
            upstream,
            lambda items: [0] * len(items),
            (limits,),
            sizes_by(limits, ()),
            drop_remainder=self.drop_remainder,
        )


@dataclass(frozen=True)
class BucketBySequenceLength:
    """Makes batches of examples of like length, so that there is little to pad.

    Bucket i takes the lengths from `boundaries[i - 1]` up to, and without, `boundaries[i]`; the
    first has no lower bound and the last no upper one. A batch is handed out the moment its
    bucket is full, and at the end what is left, from the shortest bucket to the longest. As
    `tf.data.experimental.bucket_by_sequence_length`.

    Args:
        name: the feature that has the length, a JaggedSequence; or a pair of them.
        boundaries: in rising order; of a pair `PairBuckets`.
        batch_size: examples in a batch, for all buckets or for each of the
            `len(boundaries) + 1`; or `BatchLimits`. There, a budget that names no feature holds
            for those of `name`, and `max_bytes` wants raw records.
        drop_remainder: leave out the batches that are not full.

    Raises:
        TypeError: boundaries or sizes that are not integers; while iterating, a feature that is
            not a JaggedSequence, or examples of other kinds.
        ValueError: boundaries that do not rise, or sizes below 1 or not one per bucket; while
            iterating, no such feature, examples that do not go together, or one that exceeds a
            budget alone, unless the limits have another policy.
    """

    name: str | tuple[str, str]
    boundaries: Sequence[int] | PairBuckets
    batch_size: int | Sequence[int] | BatchLimits
    drop_remainder: bool = False
    makes_batches: ClassVar[bool] = True

    def __post_init__(self) -> None:
        where = "BucketBySequenceLength"
        if not isinstance(self.name, str):
            object.__setattr__(self, "name", tuple(self.name))
            if len(self.name) != 2 or not isinstance(self.boundaries, PairBuckets):
                raise ValueError(
                    f"{where}: expected two names with PairBuckets, found {self.name!r} with "
                    f"{self.boundaries!r}"
                )
        elif not isinstance(self.boundaries, Sequence):
            raise TypeError(
                f"{where}: boundaries: expected a list of integers, found {self.boundaries!r}"
            )
        else:
            object.__setattr__(self, "boundaries", tuple(self.boundaries))
            check_boundaries(f"{where}: boundaries", self.boundaries)
        if isinstance(self.batch_size, BatchLimits):
            return
        if isinstance(self.batch_size, Sequence):
            object.__setattr__(self, "batch_size", tuple(self.batch_size))
        sizes = self.batch_size if isinstance(self.batch_size, Sequence) else (self.batch_size,)
        for size in sizes:
            check_integer(size, f"{where}: batch_size", at_least=1)
        if isinstance(self.batch_size, Sequence) and len(sizes) != self._num_buckets():
            raise ValueError(
                f"{where}: batch_size: expected one for each of the "
                f"{self._num_buckets()} buckets, found {len(sizes)}"
            )

    def _num_buckets(self) -> int:
        if isinstance(self.boundaries, PairBuckets):
            return len(self.boundaries)
        return len(self.boundaries) + 1

    def _limits(self) -> tuple[BatchLimits, ...]:
        if isinstance(self.batch_size, Sequence):
            return tuple(map(BatchLimits, self.batch_size))
        return (as_limits(self.batch_size),) * self._num_buckets()

    def _names(self) -> tuple[str, ...]:
        return (self.name,) if isinstance(self.name, str) else self.name

    def _buckets_of(self, examples: Sequence[Any]) -> list[int]:
        first, *others = (sequence_lengths(examples, name) for name in self._names())
        if isinstance(self.boundaries, PairBuckets):
            return list(map(self.boundaries.bucket_of, first, others[0]))
        return [bisect_right(self.boundaries, length) for length in first]

    def iterate(self, upstream: StageIterator) -> StageIterator:
        limits = self._limits()
        return GroupIterator(
            upstream,
            self._buckets_of,
            limits,
            sizes_by(limits[0], self._names()),
            drop_remainder=self.drop_remainder,
        )


def as_limits(batch_size: int | BatchLimits) -> BatchLimits:
    """What fills a batch; a number is a batch size."""
    return batch_size if isinstance(batch_size, BatchLimits) else BatchLimits(batch_size)


def check_boundaries(argument: str, boundaries: Sequence[int]) -> None:
    """Refuses boundaries of buckets that are no integers, do not rise, or are none at all."""
    if not boundaries:
        raise ValueError(f"{argument}: expected at least one, found none")
    for i, boundary in enumerate(boundaries):
        check_integer(boundary, f"{argument}[{i}]", at_least=0)
        if i and boundary <= boundaries[i - 1]:
            raise ValueError(
                f"{argument}: expected each to be above the one before, "
                f"found {boundary} after {boundaries[i - 1]}"
            )
