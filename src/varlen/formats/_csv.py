"""CSV and TSV: a row for each line, or for each group of lines."""

import csv
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from varlen.errors import CorruptRecordError, FeatureError, did_you_mean

from ._csv_cells import Column
from ._lines import decode_line, read_lines
from ._row import Progress, Row

_LONGEST_CELL = 1 << 28


class CsvLayout(NamedTuple):
    """How a table is meant.

    Attributes:
        delimiter: what stands between cells.
        group_by: the column that names the sequence of a line, whose lines come together; None if
            each line is a row.
        context: of grouped lines, the columns that are the same in all lines of a group.
        words: columns whose cells are words with spaces between.
    """

    delimiter: str = ","
    group_by: str | None = None
    context: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class _Line(NamedTuple):
    cells: dict[str, str]
    place: str


def read_csv(paths: Sequence[str], progress: Progress, layout: CsvLayout) -> Iterator[Row]:
    """Rows of tables with a header.

    Without `group_by`, each line is a row: a cell with a list in JSON notation is a sequence, any
    other is context, and an empty one is missing. With it, the lines that follow each other with
    the same key are one row: each of them is a step of every column, except of the key and of the
    columns in `context`, which are context.

    A column has the first of these kinds that all its cells are: integers, numbers, text. That is
    found in a pass over all files before the first row.

    Args:
        paths: files, plain or gzip, in UTF-8, with cells quoted as in RFC 4180.
        layout: how they are meant.
        progress: told of the bytes that are read.

    Raises:
        OSError: a file is missing or cannot be read.
        CorruptRecordError: there is no header, a line has more or fewer cells than it, quotes do
            not match, or a gzip file is damaged.
        FeatureError: there is no column of a name in `layout`, a cell is no list in a column of
            lists, a cell of a number is empty in a sequence, or the context changes in a group.
    """
    columns: dict[str, Column] = {}
    for path in paths:
        for line in _lines(path, layout, progress):
            for name, cell in line.cells.items():
                if name not in columns:
                    columns[name] = Column(is_words=name in layout.words)
                columns[name].look_at(cell, f"{line.place}, column {name!r}")
    for path in paths:
        lines = _lines(path, layout, progress)
        if layout.group_by is None:
            yield from (_row(line, columns) for line in lines)
        else:
            yield from (
                _grouped(group, columns, layout) for group in _groups(lines, layout.group_by)
            )


def _groups(lines: Iterator[_Line], key: str) -> Iterator[list[_Line]]:
    return (list(group) for _, group in groupby(lines, lambda line: line.cells[key]))


def _lines(path: str, layout: CsvLayout, progress: Progress) -> Iterator[_Line]:
    csv.field_size_limit(_LONGEST_CELL)  # the default is too short for a list
    table = csv.reader(_text(path, progress), delimiter=layout.delimiter, strict=True)
    header: list[str] | None = None
    begin = 1
    try:
        for cells in table:
            place = f"{path}, line {begin}"
            begin = table.line_num + 1
            if header is None:
                header = _checked_header(cells, layout, place)
            elif cells:
                _check(cells, header, layout, place)
                yield _Line(dict(zip(header, cells, strict=True)), place)
    except csv.Error as error:
        raise CorruptRecordError(
            f"the cells cannot be told apart: {error}",
            at=f"{path}, line {begin}",
            hint="quotes around a cell belong at its very ends, and are doubled within",
        ) from error
    if header is None:
        raise CorruptRecordError("expected a header, found an empty file", at=path)


def _text(path: str, progress: Progress) -> Iterator[str]:
    for number, line in read_lines(path, progress):
        yield decode_line(line, f"{path}, line {number}")


def _checked_header(cells: list[str], layout: CsvLayout, place: str) -> list[str]:
    if not cells or "" in cells or len(set(cells)) < len(cells):
        raise CorruptRecordError(
            f"expected a header with a different name for each column, found {cells}", at=place
        )
    named = (*layout.context, *layout.words, *([layout.group_by] if layout.group_by else []))
    for name in named:
        if name not in cells:
            raise FeatureError(f"no column {name!r}", at=place, hint=did_you_mean(name, cells))
    return cells


def _check(cells: list[str], header: list[str], layout: CsvLayout, place: str) -> None:
    if len(cells) != len(header):
        raise CorruptRecordError(
            f"expected {len(header)} cells, as in the header, found {len(cells)}", at=place
        )
    # Where quotes are ordinary letters, as in many corpora, two of them lines apart would make one
    # cell of all that is between them, and nobody would notice.
    if layout.delimiter == "\t":
        for name, cell in zip(header, cells, strict=True):
            if "\n" in cell and "\t" in cell:
                raise CorruptRecordError(
                    'expected a quoted cell without tabs, found one from a " to the next that '
                    "goes over several lines and cells",
                    at=f"{place}, column {name!r}",
                    hint='if quotes are letters here, write a cell " as """"',
                )


def _row(line: _Line, columns: dict[str, Column]) -> Row:
    context: dict[str, Any] = {}
    sequences: dict[str, Any] = {}
    for name, cell in line.cells.items():
        if cell:
            part = sequences if columns[name].is_list else context
            part[name] = columns[name].convert(cell)
    return Row(context, sequences, line.place)


def _grouped(lines: list[_Line], columns: dict[str, Column], layout: CsvLayout) -> Row:
    first = lines[0]
    context: dict[str, Any] = {}
    sequences: dict[str, Any] = {}
    for name, cell in first.cells.items():
        if name == layout.group_by or name in layout.context:
            _check_constant(name, lines)
            if cell:
                context[name] = columns[name].convert(cell)
        else:
            sequences[name] = [_step(name, line, columns[name]) for line in lines]
    return Row(context, sequences, first.place)


def _check_constant(name: str, lines: list[_Line]) -> None:
    expected = lines[0].cells[name]
    for line in lines:
        if line.cells[name] != expected:
            raise FeatureError(
                f"expected {expected!r} as in the first line of the group, {lines[0].place}, "
                f"found {line.cells[name]!r}",
                at=f"{line.place}, column {name!r}",
            )


def _step(name: str, line: _Line, column: Column) -> Any:
    cell = line.cells[name]
    if not cell and not column.is_text:
        raise FeatureError(
            "expected a value for the step, found an empty cell",
            at=f"{line.place}, column {name!r}",
            hint="every line is a step of every column; nan is a number",
        )
    return column.convert(cell)
