"""Plain text: a file is one text, or several if it is large."""

from collections.abc import Iterator, Sequence

from ._lines import decode_line, read_lines
from ._row import Progress, Row

TEXT = "text"
"""The context feature that holds it."""

_MOST_CHARACTERS = 1 << 22


def read_text(
    paths: Sequence[str], progress: Progress, *, most: int = _MOST_CHARACTERS
) -> Iterator[Row]:
    """A row for each file, with its text as it is; after `most` characters another one begins.

    Rows end with a line, so that one line longer than that is in one row. A file without a
    character has no row.

    Args:
        paths: files of UTF-8, plain or gzip.
        progress: told of the bytes that are read.
        most: characters of a row.

    Raises:
        OSError: a file is missing or cannot be read.
        CorruptRecordError: it is no UTF-8, or a gzip file is damaged.
    """
    for path in paths:
        lines: list[str] = []
        size = begin = 0
        for number, line in read_lines(path, progress):
            place = f"{path}, line {number}"
            text = decode_line(line, place)
            if lines and size + len(text) > most:
                yield _row(lines, path, begin)
                lines, size = [], 0
            if not lines:
                begin = number
            lines.append(text)
            size += len(text)
        if size:
            yield _row(lines, path, begin)


def _row(lines: list[str], path: str, begin: int) -> Row:
    return Row({TEXT: "".join(lines)}, {}, f"{path}, line {begin}")
