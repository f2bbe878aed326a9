"""`Batch` and `BucketBySequenceLength`: examples into batches."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from varlen.data._collate import sequence_lengths
from varlen.data._stage import StageIterator, check_integer
from varlen.data.stages._group import GroupIterator


@dataclass(frozen=True)
class Batch:
    """Makes a batch of every `batch_size` examples in a row.

    An example is a dict. In the batch, rows `JaggedSequence(values, length)` are one
    JaggedSequence, SparseValues have an axis more, and all else is an array `[batch, ...]`.

    Args:
        batch_size: examples in a batch.
        drop_remainder: leave out the last batch if it is not full.

    Raises:
        TypeError: a size that is not an integer; while iterating, examples of other kinds.
        ValueError: a size below 1; while iterating, examples that do not go together.
    """

    batch_size: int
    drop_remainder: bool = False
    makes_batches: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_integer(self.batch_size, "Batch: batch_size", at_least=1)

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return GroupIterator(
            upstream,
            lambda items: [0] * len(items),
            (self.batch_size,),
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
        name: the feature that has the length, a JaggedSequence.
        boundaries: in rising order.
        batch_size: examples in a batch, for all buckets or for each of the
            `len(boundaries) + 1`.
        drop_remainder: leave out the batches that are not full.

    Raises:
        TypeError: boundaries or sizes that are not integers; while iterating, a feature that is
            not a JaggedSequence, or examples of other kinds.
        ValueError: boundaries that do not rise, or sizes below 1 or not one per bucket; while
            iterating, no such feature, or examples that do not go together.
    """

    name: str
    boundaries: Sequence[int]
    batch_size: int | Sequence[int]
    drop_remainder: bool = False
    makes_batches: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.boundaries, Sequence):
            raise TypeError(
                "BucketBySequenceLength: boundaries: expected a list of integers, "
                f"found {self.boundaries!r}"
            )
        object.__setattr__(self, "boundaries", tuple(self.boundaries))
        if isinstance(self.batch_size, Sequence):
            object.__setattr__(self, "batch_size", tuple(self.batch_size))
        check_boundaries("BucketBySequenceLength: boundaries", self.boundaries)
        for size in self._batch_sizes():
            check_integer(size, "BucketBySequenceLength: batch_size", at_least=1)
        if len(self._batch_sizes()) != len(self.boundaries) + 1:
            raise ValueError(
                "BucketBySequenceLength: batch_size: expected one for each of the "
                f"{len(self.boundaries) + 1} buckets, found {len(self._batch_sizes())}"
            )

    def _batch_sizes(self) -> Sequence[int]:
        if isinstance(self.batch_size, Sequence):
            return self.batch_size
        return (self.batch_size,) * (len(self.boundaries) + 1)

    def _buckets_of(self, examples: Sequence[Any]) -> list[int]:
        return [
            bisect_right(self.boundaries, length)
            for length in sequence_lengths(examples, self.name)
        ]

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return GroupIterator(
            upstream,
            self._buckets_of,
            self._batch_sizes(),
            drop_remainder=self.drop_remainder,
        )


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
