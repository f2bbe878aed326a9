"""Drawings for a page, as SVG that is scaled to it and has its colours."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.cli._histogram import histogram
from varlen.cli._page import text
from varlen.cli._text import between

WIDTH = 360  # of all drawings
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 24, 22  # around what has axes
_MOST_POINTS = 400
_MOST_LETTERS = 9
_LOGARITHMIC = 8  # from this ratio on

Point = tuple[int | float, float]


class Line(NamedTuple):
    """A line through points, from left to right.

    Attributes:
        name: what it is.
        kind: "bar" or "plain", which is its colour.
        points: x and y.
    """

    name: str
    kind: str
    points: Sequence[Point]


def bars(labels: Sequence[str], texts: Sequence[str], sizes: Sequence[int | float]) -> str:
    """Horizontal bars in one column, each with its label and its size as text."""
    left, right, step = 84, 56, 20
    highest = max(sizes, default=0) or 1
    lines = []
    for i, (label, size_text, size) in enumerate(zip(labels, texts, sizes, strict=True)):
        y, length = i * step, size / highest * (WIDTH - left - right)
        lines.append(
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{text(label)}</text>'
            f'<rect class="bar" x="{left}" y="{y + 3}" width="{length:.1f}" height="14" rx="2"/>'
            f'<text x="{left + length + 6:.1f}" y="{y + 14}">{text(size_text)}</text>'
        )
    return drawing(len(sizes) * step, lines)


def length_bars(lengths: npt.NDArray[np.integer[Any]]) -> str:
    """How many sequences have which length."""
    bins = histogram(lengths)
    return bars(
        [between(b.least, b.most) for b in bins],
        [f"{b.num_records:,}" for b in bins],
        [b.num_records for b in bins],
    )


def share_bars(compared: Sequence[tuple[str, float]], *, best: int = -1) -> str:
    """Bars of shares, each under its label; the one with the number `best` stands out."""
    step, room = 44, WIDTH - 64
    lines = []
    for i, (label, share) in enumerate(compared):
        y = i * step
        kind = "bar" if i == best % len(compared) else "plain"
        lines.append(
            f'<text x="0" y="{y + 14}">{text(label)}</text>'
            f'<rect class="{kind}" x="0" y="{y + 20}" width="{share * room:.1f}" height="14" '
            f'rx="2"/><text x="{share * room + 6:.1f}" y="{y + 32}">{100 * share:.1f} %</text>'
        )
    return drawing(len(compared) * step, lines)


def intervals(rows: Sequence[tuple[str, str, *tuple[float, ...]]]) -> str:
    """Of each row its label and text, and its value and the ends of an interval, if it has one.

    One that is not finite is not drawn.
    """
    left, right, step = 84, 70, 22
    low, high = extent([end for row in rows for end in row[2:] if math.isfinite(end)])
    lines = []
    for i, (label, value_text, *ends) in enumerate(rows):
        y = i * step + 11
        lines.append(
            f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{text(label)}</text>'
            f'<line class="axis" x1="{left}" y1="{y}" x2="{WIDTH - right}" y2="{y}"/>'
            f'<text x="{WIDTH - right + 8}" y="{y + 4}">{text(value_text)}</text>'
        )
        if all(map(math.isfinite, ends)):
            value, *interval = (
                left + (end - low) / (high - low) * (WIDTH - left - right) for end in ends
            )
            if interval:
                first, last = interval
                lines.append(
                    f'<line class="bar" x1="{first:.1f}" y1="{y}" x2="{last:.1f}" y2="{y}"/>'
                )
            lines.append(f'<circle class="bar" cx="{value:.1f}" cy="{y}" r="4"/>')
    return drawing(len(rows) * step, lines)


def curves(
    lines: Sequence[Line],
    *,
    is_share: bool = False,
    mark: int | float | None = None,
    level: float | None = None,
) -> str:
    """Lines over the steps of a training.

    Args:
        lines: with x in steps; what is not finite is left out.
        is_share: whether y is shown as a percentage; if not, and it spans much, it is logarithmic.
        mark: the x of something that is marked.
        level: a y that is marked.
    """
    lines = [thinned(line) for line in lines]
    points = [point for line in lines for point in line.points]
    height = 200
    found = [y for _, y in points] + ([] if level is None else [level])
    is_log = not is_share and min(found, default=0) > 0 and max(found) / min(found) > _LOGARITHMIC
    scale = math.log10 if is_log else float
    low, high = extent([scale(y) for y in found])
    last = max((x for x, _ in points), default=1) or 1

    def place(point: Point) -> Point:
        return (
            _LEFT + point[0] / last * (WIDTH - _LEFT - _RIGHT),
            height - _BOTTOM - (scale(point[1]) - low) / (high - low) * (height - _TOP - _BOTTOM),
        )

    drawn = []
    for tick in _logarithmic_ticks(low, high) if is_log else _ticks(low, high):
        _, y = place((0, tick))
        label = f"{100 * tick:.4g} %" if is_share else f"{tick:.4g}"
        drawn.append(
            f'<line class="axis" x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>'
            f'<text class="soft" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
        )
    if mark is not None:
        x = _LEFT + mark / last * (WIDTH - _LEFT - _RIGHT)
        drawn.append(
            f'<line class="even" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{height - _BOTTOM}"/>'
        )
    if level is not None:
        _, y = place((0, level))
        drawn.append(
            f'<line class="even" x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>'
        )
    for line in lines:
        shown = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, line.points))
        drawn.append(f'<polyline class="{line.kind}" points="{shown}"/>')
        if len(line.points) <= 30:
            drawn += [
                f'<circle class="{line.kind}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
                for x, y in map(place, line.points)
            ]
    for i, line in enumerate(lines):
        x = _LEFT + i * 100
        drawn.append(
            f'<rect class="{line.kind}" x="{x}" y="5" width="12" height="4"/>'
            f'<text class="soft" x="{x + 18}" y="11">{text(line.name)}</text>'
        )
    drawn.append(
        f'<text class="soft" x="{_LEFT}" y="{height - 6}">0</text>'
        f'<text class="soft" x="{WIDTH - _RIGHT}" y="{height - 6}" text-anchor="end">'
        f"{last:,.0f} steps</text>"
    )
    return drawing(height, drawn)


def reliability(rows: Sequence[tuple[float, float, float]]) -> str:
    """How often decisions are right, over how sure a model is of them.

    Args:
        rows: of each bin of probabilities: the mean probability, the share of right decisions, and
            the share of all decisions that are in it.
    """
    size = WIDTH - _LEFT - _RIGHT - 60
    height = _TOP + size + _BOTTOM
    bin_width = size / 10
    drawn = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        y, x = _TOP + size * (1 - tick), _LEFT + size * tick
        drawn.append(
            f'<line class="axis" x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + size}" y2="{y:.1f}"/>'
            f'<text class="soft" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
            f"{100 * tick:.0f} %</text>"
            f'<text class="soft" x="{x:.1f}" y="{height - 6}" text-anchor="middle">'
            f"{100 * tick:.0f} %</text>"
        )
    for probability, right, share in rows:
        x, y = _LEFT + size * probability, _TOP + size * (1 - right)
        left = _LEFT + bin_width * min(9, math.floor(probability * 10))
        drawn.append(
            f'<rect class="plain" x="{left + 1:.1f}" y="{_TOP + size * (1 - share):.1f}" '
            f'width="{bin_width - 2:.1f}" height="{size * share:.1f}"/>'
            f'<circle class="bar" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        )
    drawn.append(
        f'<line class="even" x1="{_LEFT}" y1="{_TOP + size}" x2="{_LEFT + size}" y2="{_TOP}"/>'
        f'<circle class="bar" cx="{_LEFT + 6}" cy="8" r="4"/>'
        f'<text class="soft" x="{_LEFT + 18}" y="12">share that is right</text>'
        f'<rect class="plain" x="{_LEFT + 140}" y="3" width="10" height="10"/>'
        f'<text class="soft" x="{_LEFT + 156}" y="12">share of all decisions</text>'
    )
    return drawing(height, drawn)


def heat(names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """A confusion matrix: a row for each class that is right, a column for each that was given.

    What is right is blue and what is wrong is red, the darker the more of its row.
    """
    left, top = 76, 16 + 7 * max((min(len(name), _MOST_LETTERS) for name in names), default=0)
    size = (WIDTH - left - 2) / max(len(names), 1)
    drawn = []
    for i, (name, row) in enumerate(zip(names, counts, strict=True)):
        middle = (i + 0.5) * size
        label = name if len(name) <= _MOST_LETTERS else name[: _MOST_LETTERS - 1] + "…"
        drawn.append(
            f'<text class="soft" x="{left - 6}" y="{top + middle + 4:.1f}" text-anchor="end">'
            f"{text(label)}</text>"
            f'<text class="soft" transform="translate({left + middle + 4:.1f} {top - 6}) '
            f'rotate(-90)">{text(label)}</text>'
        )
        total = sum(row) or 1
        for j, count in enumerate(row):
            x, y = left + j * size, top + i * size
            strength = math.sqrt(count / total)
            drawn.append(
                f'<rect class="{"bar" if i == j else "wrong"}" x="{x:.1f}" y="{y:.1f}" '
                f'width="{size - 1:.1f}" height="{size - 1:.1f}" fill-opacity="{strength:.2f}">'
                f"<title>{text(name)} given {text(names[j])}: {count:,}</title></rect>"
            )
            if len(names) <= 7 and count:
                drawn.append(
                    f'<text class="soft" x="{x + size / 2:.1f}" y="{y + size / 2 + 4:.1f}" '
                    f'text-anchor="middle">{count:,}</text>'
                )
    return drawing(math.ceil(top + size * len(names)), drawn)


def extent(values: Sequence[float]) -> tuple[float, float]:
    """The ends of an axis that has all of these values, with some room."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low == high:
        return low - 0.5, high + 0.5
    room = 0.05 * (high - low)
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    """At most six even numbers between two ends."""
    power = 10 ** math.floor(math.log10((high - low) / 5))
    step = next(s * power for s in (1, 2, 5, 10, 20) if (high - low) / (s * power) <= 5)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _logarithmic_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 and so on, between two powers of ten."""
    ticks = [
        s * 10.0**power for power in range(math.floor(low), math.ceil(high)) for s in (1, 2, 5)
    ]
    found = [tick for tick in ticks if low <= math.log10(tick) <= high]
    return found if len(found) <= 7 else found[:: math.ceil(len(found) / 7)]


def thinned(line: Line) -> Line:
    """The line without what is not finite, and with no more points than can be told apart."""
    finite = [point for point in line.points if all(map(math.isfinite, point))]
    every = math.ceil(len(finite) / _MOST_POINTS) or 1
    return line._replace(points=[*finite[:-1:every], *finite[-1:]])


def drawing(height: int, lines: Sequence[str]) -> str:
    """Lines of SVG as a drawing of the usual width."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" xmlns="http://www.w3.org/2000/svg">'
        + "\n".join(lines)
        + "</svg>"
    )
