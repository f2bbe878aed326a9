"""Plain text for terminals and pipes: tables, numbers, and text that is not to be trusted.

Not by rich, which takes as long to import as all else that a small file needs.
"""

import shutil
import sys
from collections.abc import Sequence
from unicodedata import combining, east_asian_width

_LEAST_WIDTH = 12  # of a column that is shortened


def terminal_width() -> int | None:
    """The columns of the terminal that the output goes to; None if it goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def printable(text: str) -> str:
    """`text` without what would move the cursor or worse."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def width_of(text: str) -> int:
    """How many columns printable text takes."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def shortened(text: str, width: int, *, from_left: bool = False) -> str:
    """`text` in at most `width` columns, with an ellipsis where it was cut."""
    if width_of(text) <= width:
        return text
    kept = text[::-1] if from_left else text
    while kept and width_of(kept) > width - 1:
        kept = kept[:-1]
    return "…" + kept[::-1] if from_left else kept + "…"


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int, width: int | None
) -> list[str]:
    """Lines of a table.

    Args:
        header: the names of the columns.
        rows: their cells, printable.
        left: this many columns are set to the left, the others to the right.
        width: the first column is shortened, from its left, so that lines have at most this many
            columns; None for as many as are needed.
    """
    lines = [list(header), *map(list, rows)]
    widths = [max(width_of(line[i]) for line in lines) for i in range(len(header))]
    if width is not None:
        rest = sum(widths[1:]) + 2 * (len(widths) - 1)
        widths[0] = min(widths[0], max(_LEAST_WIDTH, width - rest))
        for line in lines:
            line[0] = shortened(line[0], widths[0], from_left=True)
    return ["  ".join(_aligned(line, widths, left)).rstrip() for line in lines]


def between(least: int, most: int) -> str:
    """A range of whole numbers: `3 to 17`."""
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _aligned(cells: Sequence[str], widths: Sequence[int], left: int) -> list[str]:
    blanks = [" " * (size - width_of(cell)) for cell, size in zip(cells, widths, strict=True)]
    return [
        cell + blank if i < left else blank + cell
        for i, (cell, blank) in enumerate(zip(cells, blanks, strict=True))
    ]
