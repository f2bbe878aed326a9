"""Boundaries of buckets that waste the least, found from the lengths. Needs no torch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from varlen.errors import check_integer

# More lengths than that are told apart by their quantiles only.
_MOST_LENGTHS = 4096

_Line = tuple[int, int, int]  # ends, total, i


def best_boundaries(
    lengths: ArrayLike, num_buckets: int, *, multiple_of: int = 1
) -> tuple[int, ...]:
    """The boundaries of at most `num_buckets` buckets that waste the least padding.

    They are those with the least padding if every batch is padded to the longest length of its
    bucket: exactly, up to 4,096 distinct lengths, and beyond over their quantiles. The time taken
    grows with the distinct lengths times the buckets.

    Args:
        lengths: integers, `[examples]`.
        num_buckets: at least 1.
        multiple_of: batches are padded to multiples of this, so that a bucket ends with one.

    Returns:
        As `BucketBySequenceLength` takes them: a bucket begins with the length of one boundary,
        and ends below the next. None at all if one bucket is as good as more.

    Raises:
        TypeError: lengths that are not integers.
        ValueError: `num_buckets` or `multiple_of` below 1, or a length below 0.
    """
    check_integer(num_buckets, "num_buckets", at_least=1)
    check_integer(multiple_of, "multiple_of", at_least=1)
    tops, counts = _histogram(rounded_up(checked_lengths(lengths, "lengths"), multiple_of))
    ends = _least_waste(tops.tolist(), counts.cumsum().tolist(), num_buckets)
    return tuple(int(tops[end]) + 1 for end in ends[:-1])


def rounded_up(lengths: NDArray[np.int64], multiple_of: int) -> NDArray[np.int64]:
    """Each length as the next multiple."""
    return lengths if multiple_of == 1 else -(-lengths // multiple_of) * multiple_of


def checked_lengths(lengths: ArrayLike, what: str) -> NDArray[np.int64]:
    """Lengths as int64.

    Raises:
        TypeError: no integers.
        ValueError: not `[examples]`, or a length below 0.
    """
    array = np.asarray(lengths)
    if array.ndim != 1:
        raise ValueError(f"{what}: expected an array [examples], found shape {array.shape}")
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{what}: expected integers, found {array.dtype}")
    array = array.astype(np.int64)
    if len(array) and array.min() < 0:
        i = int(np.argmax(array < 0))
        raise ValueError(f"{what}: expected at least 0, found {array[i]} at {i}")
    return array


def coarsened(tops: NDArray[np.int64], counts: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Which of some lengths, by their quantiles, are to end classes; at most so many."""
    if len(tops) <= most:
        return np.arange(len(tops))
    ends = counts.cumsum()
    return np.unique(np.searchsorted(ends, np.linspace(0, ends[-1], most + 1)[1:]))


def _histogram(lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    tops, counts = np.unique(lengths, return_counts=True)
    kept = coarsened(tops, counts, _MOST_LENGTHS)
    return tops[kept], np.diff(counts.cumsum()[kept], prepend=0)


def _least_waste(tops: list[int], ends: list[int], num_buckets: int) -> list[int]:
    """The last class of each bucket, by dynamic programming.

    With `total[j]` the padded steps of the classes up to j in one bucket less, those with one more
    bucket of the classes i + 1 to j are `total[i] + tops[j] * (ends[j] - ends[i])`: for each j the
    lowest of some lines at `tops[j]`, whose slopes `-ends[i]` fall as `tops[j]` rises, so that
    going through all of them once is enough. In integers, hence exact.
    """
    if not tops:
        return []
    total = [top * end for top, end in zip(tops, ends, strict=True)]
    choices: list[list[int]] = []
    for _ in range(min(num_buckets, len(tops)) - 1):
        found = list(_lowest_lines(tops, ends, total))
        choices.append([i for _, i in found])
        total = [value + top * end for (value, _), top, end in zip(found, tops, ends, strict=True)]
    last = len(tops) - 1
    chosen = [last]
    for choice in reversed(choices):
        last = choice[last]
        if last < 0:  # fewer buckets do
            break
        chosen.append(last)
    return chosen[::-1]


def _lowest_lines(tops: list[int], ends: list[int], total: list[int]) -> Iterator[tuple[int, int]]:
    """For each j the least `total[i] - tops[j] * ends[i]` of all i below j, and this i.

    -1 stands for no classes before the bucket, a line that is 0 everywhere.
    """
    lines: list[_Line] = [(0, 0, -1)]  # those that are the lowest somewhere yet, in order
    first = 0
    for j, top in enumerate(tops):
        while first + 1 < len(lines) and _at(lines[first + 1], top) <= _at(lines[first], top):
            first += 1
        yield _at(lines[first], top), lines[first][2]
        new = (ends[j], total[j], j)
        while len(lines) - first >= 2 and _is_never_lowest(lines[-1], lines[-2], new):
            lines.pop()
        lines.append(new)


def _at(line: _Line, top: int) -> int:
    return line[1] - top * line[0]


def _is_never_lowest(line: _Line, before: _Line, after: _Line) -> bool:
    """Whether the one after is below `before` no later than the line itself is."""
    return (after[1] - before[1]) * (line[0] - before[0]) <= (line[1] - before[1]) * (
        after[0] - before[0]
    )
