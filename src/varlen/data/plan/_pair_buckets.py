"""`PairBuckets`: buckets for pairs of sequences, as inputs and targets, and the best of them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from varlen.buckets import checked_lengths, coarsened, rounded_up
from varlen.errors import check_integer

_MOST_LENGTHS = 32  # of either feature that are told apart
_MOST_WITHIN = 16  # buckets by the second length, within one by the first


@dataclass(frozen=True)
class PairBuckets:
    """Buckets for pairs: by the first length, and within each of these by the second.

    Buckets are numbered in this order. As everywhere, a bucket begins with the length of one
    boundary, and ends below the next.

    Args:
        boundaries: of the first length, in rising order.
        within: for each of the `len(boundaries) + 1` buckets, the boundaries of the second length.

    Raises:
        TypeError: boundaries that are not integers.
        ValueError: boundaries that do not rise, or not as many within as there are buckets.
    """

    boundaries: tuple[int, ...]
    within: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "boundaries", tuple(self.boundaries))
        object.__setattr__(self, "within", tuple(map(tuple, self.within)))
        check_rising("boundaries", self.boundaries)
        for i, boundaries in enumerate(self.within):
            check_rising(f"within[{i}]", boundaries)
        if len(self.within) != len(self.boundaries) + 1:
            raise ValueError(
                f"within: expected boundaries for each of the {len(self.boundaries) + 1} buckets, "
                f"found {len(self.within)}"
            )

    def __len__(self) -> int:
        return sum(len(boundaries) + 1 for boundaries in self.within)

    def bucket_of(self, first: int, second: int) -> int:
        """The number of the bucket that a pair belongs to."""
        outer = bisect_right(self.boundaries, first)
        before = sum(len(boundaries) + 1 for boundaries in self.within[:outer])
        return before + bisect_right(self.within[outer], second)

    def numbers_of(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
        """`bucket_of` of many pairs, `[examples]`."""
        outer = np.searchsorted(self.boundaries, first, side="right")
        numbers = np.zeros(len(first), np.int64)
        before = 0
        for i, boundaries in enumerate(self.within):
            here = outer == i
            numbers[here] = before + np.searchsorted(boundaries, second[here], side="right")
            before += len(boundaries) + 1
        return numbers


def best_pair_buckets(
    first: ArrayLike, second: ArrayLike, num_buckets: int, *, multiple_of: int = 1
) -> PairBuckets:
    """At most `num_buckets` buckets for pairs of lengths that waste the least padding.

    Of all ways to cut the first lengths into buckets, and each of these by the second lengths into
    up to 16, the one with the least padding of both if every batch is padded to the longest of its
    bucket: by dynamic programming over the buckets of the first, within which another one finds
    those of the second. Exact up to 32 distinct lengths of each, and beyond over their quantiles.

    Args:
        first: integers, `[examples]`.
        second: the same for the other sequence of each pair.
        num_buckets: at least 1.
        multiple_of: batches are padded to multiples of this.

    Raises:
        TypeError: lengths that are not integers.
        ValueError: `num_buckets` or `multiple_of` below 1, a length below 0, or not as many of
            the second as of the first.
    """
    check_integer(num_buckets, "num_buckets", at_least=1)
    check_integer(multiple_of, "multiple_of", at_least=1)
    one = rounded_up(checked_lengths(first, "first"), multiple_of)
    other = rounded_up(checked_lengths(second, "second"), multiple_of)
    if len(one) != len(other):
        raise ValueError(f"second: expected one for each of {len(one)} pairs, found {len(other)}")
    if not len(one):
        return PairBuckets((), ((),))
    tops, rows = _classes(one)
    inner_tops, columns = _classes(other)
    counts = np.zeros((len(tops), len(inner_tops)), np.int64)
    np.add.at(counts, (rows, columns), 1)
    return _least_waste(_Table(tops, inner_tops, counts), num_buckets)


def check_rising(argument: str, boundaries: Sequence[int]) -> None:
    """Refuses boundaries of buckets that are no integers or do not rise."""
    for i, boundary in enumerate(boundaries):
        check_integer(boundary, f"{argument}[{i}]", at_least=0)
        if i and boundary <= boundaries[i - 1]:
            raise ValueError(
                f"{argument}: expected each to be above the one before, "
                f"found {boundary} after {boundaries[i - 1]}"
            )


@dataclass(frozen=True, eq=False)
class _Table:
    """How many pairs are of which class; classes have lengths up to their tops."""

    tops: NDArray[np.int64]
    inner_tops: NDArray[np.int64]
    counts: NDArray[np.int64]


def _classes(lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    tops, counts = np.unique(lengths, return_counts=True)
    tops = tops[coarsened(tops, counts, _MOST_LENGTHS)]
    return tops, np.searchsorted(tops, lengths)


def _least_waste(table: _Table, num_buckets: int) -> PairBuckets:
    """Dynamic programming: best[k][j], the classes of rows before j in at most k buckets."""
    num_rows = len(table.tops)
    slabs = {(begin, end): _slab(table, begin, end, num_buckets) for begin, end in _spans(num_rows)}
    best = np.full((num_buckets + 1, num_rows + 1), np.inf)
    best[:, 0] = 0
    choice: dict[tuple[int, int], tuple[int, int]] = {}
    for k in range(1, num_buckets + 1):
        for end in range(1, num_rows + 1):
            for begin in range(end):
                costs, _ = slabs[begin, end]
                most = min(k, len(costs))
                totals = costs[:most] + best[k - most : k, begin][::-1]
                m = int(totals.argmin())
                if totals[m] < best[k, end]:
                    best[k, end] = totals[m]
                    choice[k, end] = (begin, m + 1)
    boundaries: list[int] = []
    within: list[tuple[int, ...]] = []
    k, end = num_buckets, num_rows
    while end:
        begin, m = choice[k, end]
        within.append(slabs[begin, end][1][m - 1])
        if begin:
            boundaries.append(int(table.tops[begin - 1]) + 1)
        k, end = k - m, begin
    return PairBuckets(tuple(boundaries[::-1]), tuple(within[::-1]))


def _spans(num_rows: int) -> Iterator[tuple[int, int]]:
    return ((begin, end) for begin in range(num_rows) for end in range(begin + 1, num_rows + 1))


def _slab(
    table: _Table, begin: int, end: int, num_buckets: int
) -> tuple[NDArray[np.float64], list[tuple[int, ...]]]:
    """One bucket of the first length, with 1, 2, ... buckets of the second: padded steps of both,
    and the boundaries of the second."""
    counts = table.counts[begin:end]
    present = counts.any(axis=0)
    inner_tops = table.inner_tops[present]
    # The longest first of the pairs of each class; a class is there, so that one is above 0.
    tops = table.tops[begin:end]
    longest = tops[len(tops) - 1 - np.argmax(counts[::-1, present] > 0, axis=0)]
    ends = np.concatenate([[0], counts[:, present].sum(axis=0).cumsum()])
    # size[i, j]: of a bucket of the classes i to j.
    is_span = np.triu(np.ones((len(longest), len(longest)), bool))
    block = inner_tops + np.maximum.accumulate(np.where(is_span, longest, 0), axis=1)
    size = np.where(is_span, block * (ends[None, 1:] - ends[:-1, None]), np.inf)
    best = size[0]
    costs = [best[-1]]
    begins: list[NDArray[np.intp]] = []
    for _ in range(min(num_buckets, _MOST_WITHIN, len(inner_tops)) - 1):
        totals = size + np.concatenate([[np.inf], best[:-1]])[:, None]
        begins.append(totals.argmin(axis=0))
        best = totals.min(axis=0)
        costs.append(best[-1])
    all_boundaries = [_boundaries(inner_tops, begins[:m]) for m in range(len(costs))]
    return np.array(costs), all_boundaries


def _boundaries(tops: NDArray[np.int64], begins: Sequence[NDArray[np.intp]]) -> tuple[int, ...]:
    last = len(tops) - 1
    boundaries = []
    for begin in reversed(begins):
        last = int(begin[last]) - 1
        boundaries.append(int(tops[last]) + 1)
    return tuple(boundaries[::-1])
