"""A page that needs nothing else: light or dark, on a desk or on a telephone."""

from collections.abc import Sequence
from html import escape

from varlen.cli._text import printable

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2230; --soft: #5f6a7d; --ground: #fff; --line: #e4e7ec;
  --panel: #f5f7fa; --bar: #3b6fd4; --plain: #b3bccb; --wrong: #c2410c; --wrong-ground: #fdeadf; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ef; --soft: #98a2b3; --ground: #14171d; --line: #2b313c; --panel: #1b2028;
    --bar: #7aa5f5; --plain: #6b7890; --wrong: #fb923c; --wrong-ground: #43281a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1rem 3rem; max-width: 60rem; background: var(--ground);
  color: var(--ink); font: 16px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: 0 0 .2rem; }
h2 { font-size: 1.05rem; margin: 2.2rem 0 .5rem; }
h3 { font-size: .92rem; margin: .2rem 0 .3rem; font-weight: 600; }
p { margin: .3rem 0; color: var(--soft); }
p.note { color: var(--wrong); }
.wide { overflow-x: auto; }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr));
  gap: 1.2rem 2rem; align-items: start; }
.beside > div { min-width: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.2rem, 1fr)); gap: .6rem;
  margin: 1rem 0; }
.tile { background: var(--panel); border-radius: 8px; padding: .55rem .7rem; }
.tile b { display: block; font-size: 1.2rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile span, .tile small { display: block; color: var(--soft); font-size: .78rem; line-height: 1.3; }
table { border-collapse: collapse; width: 100%; font-size: .86rem;
  font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .45rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th { color: var(--soft); font-weight: 500; }
th.left, td.left { text-align: left; white-space: normal; }
tr.all td { font-weight: 600; }
summary { cursor: pointer; color: var(--soft); margin: .5rem 0; }
.example { background: var(--panel); border-radius: 8px; padding: .5rem .7rem; margin: .5rem 0;
  font-size: .92rem; }
.example small { color: var(--soft); }
.example p { color: var(--ink); margin: .2rem 0; }
mark { background: var(--wrong-ground); color: var(--ink); border-radius: 4px; padding: 0 .2rem; }
.example mark small { color: var(--wrong); }
@media (max-width: 30rem) { table { font-size: .78rem; } th, td { padding: .3rem .15rem; } }
svg { display: block; width: 100%; max-width: 34rem; height: auto; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
svg text.soft { fill: var(--soft); font-size: 11px; }
svg polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .axis { stroke: var(--line); stroke-width: 1; }
svg .even { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 3; }
.bar { fill: var(--bar); } .plain { fill: var(--plain); } .wrong { fill: var(--wrong); }
polyline.bar, line.bar, path.bar { fill: none; stroke: var(--bar); }
polyline.plain, line.plain { fill: none; stroke: var(--plain); }
line.bar { stroke-width: 2; }
svg polyline.thin { stroke-width: 1.2; }
"""


def page(title: str, parts: Sequence[str]) -> str:
    """A whole page.

    Args:
        title: text.
        parts: HTML, as the other functions make it.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def text(content: str) -> str:
    """Text as HTML, whatever is in it."""
    return escape(printable(content))


def paragraph(content: str, kind: str = "") -> str:
    """A paragraph of text."""
    return f"<p{_class(kind)}>{text(content)}</p>"


def section(name: str, title: str, *parts: str) -> str:
    """A part of a page, under its title; `name` is its anchor."""
    inner = "\n".join(parts)
    return f'<section id="{name}"><h2>{text(title)}</h2>\n{inner}</section>'


def beside(*parts: str) -> str:
    """Parts side by side where there is room, or else one below the other."""
    return '<div class="beside">' + "".join(f"<div>{part}</div>" for part in parts) + "</div>"


def titled(title: str, part: str) -> str:
    """A part under a small title."""
    return f"<h3>{text(title)}</h3>{part}"


def folded(title: str, part: str) -> str:
    """A part that is there when it is asked for."""
    return f"<details><summary>{text(title)}</summary>{part}</details>"


def tiles(figures: Sequence[tuple[str, str, str]]) -> str:
    """Large figures: what each is, itself, and what belongs to it."""
    return (
        '<div class="tiles">'
        + "".join(
            f'<div class="tile"><span>{text(name)}</span><b>{text(figure)}</b>'
            f"<small>{text(rest)}</small></div>"
            for name, figure, rest in figures
        )
        + "</div>"
    )


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: int = 0,
    last_is_all: bool = False,
) -> str:
    """A table.

    Args:
        header: the names of the columns.
        rows: their cells.
        left: this many columns are set to the left, the others to the right.
        last_is_all: the last row is of all others together.
    """
    lines = [
        f"<tr{_class('all' if last_is_all and i == len(rows) - 1 else '')}>"
        + _cells("td", row, left)
        + "</tr>"
        for i, row in enumerate(rows)
    ]
    head = f"<tr>{_cells('th', header, left)}</tr>\n" if header else ""
    return f'<div class="wide"><table>{head}' + "\n".join(lines) + "</table></div>"


def _cells(tag: str, cells: Sequence[str], left: int) -> str:
    return "".join(
        f"<{tag}{_class('left' if i < left else '')}>{text(cell)}</{tag}>"
        for i, cell in enumerate(cells)
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
