"""A sequence drawn small: a few numbers as lines, many as shades, sets of them as a piano roll."""

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

from varlen.cli._drawing import WIDTH, Line, drawing, extent, thinned

_MOST_STEPS = 240  # of more, every second is drawn, or every third, and so on
_MOST_LINES = 4
_LINES_HEIGHT = 44
_ROWS_HEIGHT = 72
_SHADES = 8

T = TypeVar("T")

Cell = tuple[int, int]
"""A step, and the row of it, from below."""


def vectors(steps: Sequence[Sequence[float]]) -> str:
    """Vectors one after the other.

    A line for each of their numbers, or if these are many, a row of shades, from the least that is
    there of this number to the most. What is not finite is left out.

    Args:
        steps: two at least, of vectors of one length.
    """
    return _lines(steps) if len(steps[0]) <= _MOST_LINES else _shades(steps)


def roll(steps: Sequence[Sequence[int]]) -> str:
    """The numbers of each step above each other; there must be a step."""
    steps = _thinned(steps)
    numbers = [number for step in steps for number in step]
    low, high = min(numbers, default=0), max(numbers, default=0)
    cells = ((t, number - low) for t, step in enumerate(steps) for number in step)
    return drawing(_ROWS_HEIGHT, [_cells(cells, len(steps), high - low + 1)])


def _lines(steps: Sequence[Sequence[float]]) -> str:
    lines = [thinned(Line("", "bar", list(enumerate(y)))) for y in zip(*steps, strict=True)]
    low, high = extent([y for line in lines for _, y in line.points])
    across, up = WIDTH / (len(steps) - 1), _LINES_HEIGHT / (high - low)
    drawn = []
    for line in lines:
        places = " ".join(
            f"{x * across:.1f},{_LINES_HEIGHT - (y - low) * up:.1f}" for x, y in line.points
        )
        drawn.append(f'<polyline class="bar thin" points="{places}"/>')
    return drawing(_LINES_HEIGHT, drawn)


def _shades(steps: Sequence[Sequence[float]]) -> str:
    steps = _thinned(steps)
    by_shade: list[list[Cell]] = [[] for _ in range(_SHADES)]
    for row, numbers in enumerate(zip(*steps, strict=True)):
        finite = [number for number in numbers if math.isfinite(number)]
        low, high = extent(finite)
        for t, number in enumerate(numbers):
            if math.isfinite(number):
                by_shade[int((number - low) / (high - low) * _SHADES)].append((t, row))
    drawn = [
        _cells(cells, len(steps), len(steps[0]), (shade + 0.5) / _SHADES)
        for shade, cells in enumerate(by_shade)
        if cells
    ]
    return drawing(_ROWS_HEIGHT, drawn)


def _thinned(steps: Sequence[Sequence[T]]) -> Sequence[Sequence[T]]:
    return steps[:: math.ceil(len(steps) / _MOST_STEPS)]


def _cells(cells: Iterable[Cell], num_steps: int, num_rows: int, opacity: float = 1.0) -> str:
    """A path through cells of one shade."""
    across, up = WIDTH / num_steps, _ROWS_HEIGHT / num_rows
    places = "".join(
        f"M{t * across:.1f},{_ROWS_HEIGHT - (row + 0.5) * up:.1f}h{0.9 * across:.1f}"
        for t, row in cells
    )
    return (
        f'<path class="bar" d="{places}" stroke-width="{0.9 * up:.2f}" '
        f'stroke-opacity="{opacity:.2f}"/>'
    )
