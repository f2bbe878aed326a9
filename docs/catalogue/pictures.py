"""Small pictures in SVG, in the colours of the page: what feeds a cell, how long it remembers."""

import math
from html import escape

from catalogue.facts import Feeds

_FLOOR = 1e-6


def memory_plot(memory: tuple[float, ...], lstm: tuple[float, ...], *, label: str) -> str:
    """The influence of a step on the output, by steps ago, on a logarithmic axis."""
    width, height, left, bottom = 300, 134, 40, 28

    def place(age: int, value: float) -> str:
        decades = math.log10(max(min(value, 3.0), _FLOOR))
        x = left + (width - left - 8) * age / (len(memory) - 1)
        y = 8 + (height - bottom - 8) * (0.5 - decades) / (0.5 - math.log10(_FLOOR))
        return f"{x:.1f},{y:.1f}"

    def line(values: tuple[float, ...], kind: str) -> str:
        points = " ".join(place(age, value) for age, value in enumerate(values))
        return f'<polyline class="{kind}" points="{points}"/>'

    ticks = "".join(
        f'<line class="grid" x1="{left}" x2="{width - 8}" y1="{y}" y2="{y}"/>'
        f'<text x="{left - 5}" y="{float(y) + 3.5}" text-anchor="end">{name}</text>'
        for value, name in ((1.0, "1"), (1e-2, "10⁻²"), (1e-4, "10⁻⁴"), (1e-6, "10⁻⁶"))
        for y in [place(0, value).split(",")[1]]
    )
    ages = "".join(
        f'<text x="{place(age, 1).split(",")[0]}" y="{height - 15}" '
        f'text-anchor="middle">{age}</text>'
        for age in (0, 10, 20, 30, len(memory) - 1)
    )
    return (
        f'<svg class="memory" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(label)}">{ticks}{ages}'
        f'<text x="{(left + width) / 2}" y="{height - 3}" text-anchor="middle">steps ago</text>'
        f"{line(lstm, 'other')}{line(memory, 'own')}</svg>"
    )


def feeds_diagram(feeds: Feeds) -> str:
    """Which gates the inputs and the state feed, and what becomes of them."""
    gates = [
        *((name, "both") for name in feeds.both),
        *((name, "state") for name in feeds.state),
        *((name, "inputs") for name in feeds.inputs),
    ]
    row, top = 24, 8
    height = max(len(gates) * row, 96) + 2 * top
    middle = height / 2
    of_inputs, of_state = (41, middle - 30), (41, middle + 30)
    parts = [_box(*of_inputs, 78, "x", "inputs")]
    if feeds.product_state:
        parts.append(_box(*of_state, 78, f"{feeds.product_state} before", "state"))
    first = middle - (len(gates) - 1) * row / 2
    for i, (name, kind) in enumerate(gates):
        y = first + i * row
        if kind in ("both", "inputs"):
            parts.append(_curve(80, of_inputs[1], 118, y, "inputs"))
        if kind in ("both", "state"):
            parts.append(_curve(80, of_state[1], 118, y, "state"))
        parts.append(_box(170, y, 104, name.replace("_", " "), kind))
        parts.append(_curve(222, y, 252, middle, "out"))
    text = "step" if feeds.second is None else f"step, {feeds.second.replace('_', ' ')}"
    parts.append(_box(300, middle, 96, text, "step"))
    new = ", ".join(feeds.states)
    parts.append(_curve(348, middle, 366, middle, "out"))
    parts.append(f'<text x="371" y="{middle + 4}">{escape(new)}</text>')
    label = "Gates and what feeds them: " + ", ".join(f"{n} ({k})" for n, k in gates)
    return (
        f'<svg class="feeds" viewBox="0 0 430 {height:.0f}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def _box(x: float, y: float, width: float, text: str, kind: str) -> str:
    return (
        f'<rect class="{kind}" x="{x - width / 2}" y="{y - 9:.1f}" width="{width}" height="18" '
        f'rx="4"/><text x="{x}" y="{y + 4:.1f}" text-anchor="middle">{escape(text)}</text>'
    )


def _curve(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    middle = (x1 + x2) / 2
    return (
        f'<path class="{kind}" d="M{x1},{y1:.1f} C{middle},{y1:.1f} {middle},{y2:.1f} '
        f'{x2},{y2:.1f}"/>'
    )
