"""How many records have which length, in bins of even numbers, and as bars."""

from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.cli._text import between, width_of

_MOST_BINS = 16
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class Bin(NamedTuple):
    """Records with lengths from `least` to `most`, both included."""

    least: int
    most: int
    num_records: int


def histogram(lengths: npt.NDArray[np.integer[Any]]) -> list[Bin]:
    """At most 16 bins, of a width of 1, 2 or 5, or ten times that, and so on.

    All have the same width, but for the last, which has all that is longer than 99 in 100 records,
    if that is more than a bin.
    """
    if not len(lengths):
        return []
    least, most = int(lengths.min()), int(lengths.max())
    usual = int(np.quantile(lengths, 0.99, method="higher"))
    width = next(w for w in _even_numbers() if usual // w - least // w < _MOST_BINS - 1)
    first = least // width
    numbers = np.minimum(lengths // width - first, usual // width - first + 1)
    sizes = np.bincount(numbers).tolist()
    bins = [
        Bin((first + i) * width, (first + i + 1) * width - 1, size) for i, size in enumerate(sizes)
    ]
    return [*bins[:-1], bins[-1]._replace(most=max(most, bins[-1].most))]


def draw(bins: list[Bin], width: int, *, unicode: bool) -> list[str]:
    """A line for each bin, of at most `width` columns or so."""
    labels = [between(b.least, b.most) for b in bins]
    sizes = [b.num_records for b in bins]
    texts = [f"{size:,}" for size in sizes]
    return bars(labels, texts, sizes, width, unicode=unicode, left=False)


def bars(
    labels: Sequence[str],
    texts: Sequence[str],
    sizes: Sequence[int | float],
    width: int,
    *,
    unicode: bool,
    left: bool = True,
) -> list[str]:
    """A line for each size: its label, the size as text, and a bar; of `width` columns or so.

    Args:
        left: labels are set to the left.
    """
    label_width, text_width = max(map(width_of, labels)), max(map(len, texts))
    room = max(10, width - label_width - text_width - 4)
    highest = max(sizes) or 1
    side = "<" if left else ">"
    return [
        f"{label:{side}{label_width}}  {text:>{text_width}}  "
        + _bar(size / highest * room, unicode=unicode)
        for label, text, size in zip(labels, texts, sizes, strict=True)
    ]


def _bar(length: float, *, unicode: bool) -> str:
    if length == 0:
        return ""
    if not unicode:
        return "#" * max(1, round(length))
    whole, eighths = divmod(max(1, round(8 * length)), 8)
    return "█" * whole + _EIGHTHS[eighths].strip()


def _even_numbers() -> Any:
    return (step * 10**power for power in count() for step in (1, 2, 5))
