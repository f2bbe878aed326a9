"""Files of other formats than lines, as examples to predict."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from varlen.cli._format_names import RECORDS, format_of
from varlen.cli._predict_lines import until_error
from varlen.cli._reading import Reading
from varlen.errors import VarlenError
from varlen.formats import Progress, RecordFiles, Row, batched, read_lines

_NO_PROGRESS: Progress = lambda _: None  # noqa: E731


def reads_rows(file: Path) -> bool:
    """Whether a file has rows of another format than JSON Lines and text."""
    return format_of(file.name) not in (None, "jsonl", "txt")


def row_chunks(file: Path, reading: Reading) -> Iterator[list[tuple[str, dict[str, Any], bool]]]:
    """The examples in a file, many at a time, each with its place; and that they are no words.

    Raises:
        OSError: the file is missing or cannot be read.
        What the reader of the format raises.
    """
    errors: list[VarlenError] = []
    for rows in batched(until_error(_rows(file, reading), errors)):
        yield [(row.place, {**row.context, **row.sequences}, True) for row in rows]
    if errors:
        raise errors[0]


def plain_lines(file: Path) -> Iterator[bytes]:
    """The lines of a file, which may be gzip."""
    return (line for _, line in read_lines(str(file), _NO_PROGRESS))


def _rows(file: Path, reading: Reading) -> Iterator[Row]:
    format_name = str(format_of(file.name))
    reading.check(format_name, at=str(file))
    if format_name == RECORDS:
        return RecordFiles([str(file)]).rows(_NO_PROGRESS)
    return reading.rows(format_name, [str(file)], _NO_PROGRESS, split=None)
