"""How much padding batches have, in the order of the files and in buckets by length."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.buckets import best_boundaries

BATCH_SIZE = 64
_MOST_BUCKETS = 8

_Lengths = npt.NDArray[np.integer[Any]]


class Padding(NamedTuple):
    """The share of the steps of all batches that is padding.

    Attributes:
        file_order: of batches of records as they follow each other.
        buckets: of batches of records of like lengths, in the same order within each bucket.
        boundaries: of these buckets, as `BucketBySequenceLength` takes them: a bucket begins with
            the length of one boundary, and ends below the next.
    """

    file_order: float
    buckets: float
    boundaries: tuple[int, ...]


def padding_of(lengths: _Lengths) -> Padding:
    """The padding of batches of `BATCH_SIZE` records of these lengths.

    The boundaries are those that would waste the least if each batch were padded to the longest
    length of its bucket.
    """
    boundaries = best_boundaries(lengths, _MOST_BUCKETS)
    buckets = np.searchsorted(boundaries, lengths, side="right")
    padded = sum(_padded_steps(lengths[buckets == i]) for i in range(len(boundaries) + 1))
    num_steps = int(lengths.sum())
    return Padding(_share(num_steps, _padded_steps(lengths)), _share(num_steps, padded), boundaries)


def _padded_steps(lengths: _Lengths) -> int:
    return sum(
        int(batch.max()) * len(batch)
        for begin in range(0, len(lengths), BATCH_SIZE)
        for batch in [lengths[begin : begin + BATCH_SIZE]]
    )


def _share(num_steps: int, num_padded: int) -> float:
    return 1 - num_steps / num_padded if num_padded else 0.0
