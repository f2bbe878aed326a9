"""How much padding batches have, in the order of the files and in buckets by length."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

BATCH_SIZE = 64
_MOST_BUCKETS = 8
# More lengths than that are told apart by their quantiles only.
_MOST_LENGTHS = 256

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
    boundaries: list[int]


def padding_of(lengths: _Lengths) -> Padding:
    """The padding of batches of `BATCH_SIZE` records of these lengths.

    The boundaries are those that would waste the least if each batch were padded to the longest
    length of its bucket.
    """
    boundaries = best_boundaries(lengths)
    buckets = np.searchsorted(boundaries, lengths, side="right")
    padded = sum(_padded_steps(lengths[buckets == i]) for i in range(len(boundaries) + 1))
    num_steps = int(lengths.sum())
    return Padding(_share(num_steps, _padded_steps(lengths)), _share(num_steps, padded), boundaries)


def best_boundaries(lengths: _Lengths, most_buckets: int = _MOST_BUCKETS) -> list[int]:
    """The boundaries of at most so many buckets that waste the least, by dynamic programming."""
    if len(lengths) == 0:
        return []
    tops, counts = np.unique(lengths, return_counts=True)
    ends = counts.cumsum()
    if len(tops) > _MOST_LENGTHS:
        quantiles = np.linspace(0, ends[-1], _MOST_LENGTHS + 1)[1:]
        kept = np.unique(np.searchsorted(ends, quantiles))
        tops, ends = tops[kept], ends[kept]
    ends = np.concatenate([[0], ends])
    # size[i, j]: steps of a bucket of the lengths i to j, padded to the last of them.
    size = tops * np.maximum(ends[None, 1:] - ends[:-1, None], 0.0)
    size[np.tril_indices(len(tops), -1)] = np.inf
    best = size[0]
    begins: list[npt.NDArray[np.intp]] = []
    for _ in range(min(most_buckets, len(tops)) - 1):
        # total[i, j]: with a last bucket of the lengths i to j, all shorter ones before it.
        total = size + np.concatenate([[np.inf], best[:-1]])[:, None]
        begins.append(total.argmin(axis=0))
        best = total.min(axis=0)
    boundaries = []
    last = len(tops) - 1
    for begin in reversed(begins):
        last = int(begin[last]) - 1
        boundaries.append(int(tops[last]) + 1)
    return boundaries[::-1]


def _padded_steps(lengths: _Lengths) -> int:
    return sum(
        int(batch.max()) * len(batch)
        for begin in range(0, len(lengths), BATCH_SIZE)
        for batch in [lengths[begin : begin + BATCH_SIZE]]
    )


def _share(num_steps: int, num_padded: int) -> float:
    return 1 - num_steps / num_padded if num_padded else 0.0
