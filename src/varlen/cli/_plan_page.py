"""A plan as one page that needs nothing else: light or dark, on a desk or on a telephone."""

from collections.abc import Sequence
from html import escape

from varlen.cli._histogram import histogram
from varlen.cli._plan_report import (
    Report,
    bucket_table,
    epoch_time,
    limits,
    notes,
    paddings,
    probe_table,
)

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2230; --soft: #667085; --ground: #fff; --line: #e4e7ec;
  --bar: #3b6fd4; --plain: #b3bccb; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ef; --soft: #98a2b3; --ground: #14171d; --line: #2b313c; --bar: #7aa5f5;
    --plain: #4c566a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1rem 3rem; max-width: 46rem; background: var(--ground);
  color: var(--ink); font: 16px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: 0 0 .2rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .3rem 0; color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .86rem;
  font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .45rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th { color: var(--soft); font-weight: 500; }
tr.all td { font-weight: 600; }
@media (max-width: 30rem) { table { font-size: .78rem; } th, td { padding: .3rem .15rem; } }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
.bar { fill: var(--bar); } .plain { fill: var(--plain); }
"""
_WIDTH = 360  # of drawings, which are scaled to the page


def page(report: Report) -> str:
    """The page, as HTML."""
    lengths = report.lengths
    parts = [
        f"<h1>Batches of an epoch, by {escape(report.feature)}</h1>",
        f"<p>{len(lengths):,} records, {int(lengths.sum()):,} steps; {limits(report)}</p>",
        *(f"<p>{escape(note)}</p>" for note in notes(report)),
    ]
    if compared := paddings(report):
        parts += ["<h2>Padding</h2>", _share_bars(compared)]
    if bins := histogram(lengths):
        parts += [
            "<h2>Lengths</h2>",
            _bars(
                [
                    f"{b.least:,}" if b.least == b.most else f"{b.least:,} to {b.most:,}"
                    for b in bins
                ],
                [f"{b.num_records:,}" for b in bins],
                [b.num_records for b in bins],
            ),
        ]
    header, rows = bucket_table(report)
    if rows:
        parts += ["<h2>Buckets</h2>", _table(header, rows, last_is_all=True)]
    if report.probe is not None:
        parts += [
            "<h2>A step</h2>",
            f"<p>{escape(report.probe.model)}, forward and backward; an epoch takes "
            f"{epoch_time(report.probe.epoch_seconds)}</p>",
            _table(*probe_table(report.probe), last_is_all=False),
        ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>varlen plan</title>\n<style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, last_is_all: bool) -> str:
    names = "".join(f"<th>{escape(name)}</th>" for name in header)
    lines = [
        f"<tr{_class_of(last_is_all and row is rows[-1])}>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for row in rows
    ]
    return f'<div class="wide"><table><tr>{names}</tr>\n' + "\n".join(lines) + "</table></div>"


def _class_of(is_all: bool) -> str:
    return ' class="all"' if is_all else ""


def _bars(labels: Sequence[str], texts: Sequence[str], sizes: Sequence[int]) -> str:
    """Horizontal bars in one column, as a drawing."""
    left, right, step = 84, 56, 20
    highest = max(sizes) or 1
    lines = []
    for i, (label, text, size) in enumerate(zip(labels, texts, sizes, strict=True)):
        y, length = i * step, size / highest * (_WIDTH - left - right)
        lines.append(
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="bar" x="{left}" y="{y + 3}" width="{length:.1f}" height="14" rx="2"/>'
            f'<text x="{left + length + 6:.1f}" y="{y + 14}">{escape(text)}</text>'
        )
    return _drawing(len(sizes) * step, lines)


def _share_bars(compared: Sequence[tuple[str, float]]) -> str:
    """Bars of shares, each under its label; the last is the one that matters."""
    step, room = 44, _WIDTH - 64
    lines = []
    for i, (label, share) in enumerate(compared):
        y = i * step
        kind = "bar" if i == len(compared) - 1 else "plain"
        lines.append(
            f'<text x="0" y="{y + 14}">{escape(label)}</text>'
            f'<rect class="{kind}" x="0" y="{y + 20}" width="{share * room:.1f}" height="14" '
            f'rx="2"/><text x="{share * room + 6:.1f}" y="{y + 32}">{100 * share:.1f} %</text>'
        )
    return _drawing(len(compared) * step, lines)


def _drawing(height: int, lines: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" xmlns="http://www.w3.org/2000/svg">'
        + "\n".join(lines)
        + "</svg>"
    )
