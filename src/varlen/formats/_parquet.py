"""Parquet and Arrow files: list columns are sequences, other columns are context."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from varlen.errors import ConfigError, FeatureError

from ._arrow import named_damage, pyarrow
from ._arrow_columns import Place, check_type, column_values
from ._encode import batched
from ._kinds import Kind
from ._row import Progress, Row

_BYTES_AT_A_TIME = 1 << 24
_MOST_ROWS_AT_A_TIME = 1024
_MOST_ROWS_IN_A_GROUP = 1 << 16
_MOST_VALUES_IN_A_GROUP = 1 << 21


def read_parquet(paths: Sequence[str], progress: Progress) -> Iterator[Row]:
    """A row for each row of Parquet files; null is a missing feature.

    Integers and booleans become integers, floats of any size numbers; text and bytes are what they
    are, and columns stored by dictionary as if they were not. Lists may hold lists.

    Args:
        paths: the files.
        progress: told of the bytes that are read.

    Raises:
        ImportError: pyarrow is not installed.
        OSError: a file is missing or cannot be read.
        CorruptRecordError: a file is no Parquet file, or damaged.
        FeatureError: a column has a type that no feature can hold, or a list has a null in it.
    """
    pyarrow()
    from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]

    for path in paths:
        with named_damage(path), ParquetFile(path) as file:
            about = file.metadata
            groups = [about.row_group(i) for i in range(about.num_row_groups)]
            num_bytes = sum(group.total_byte_size for group in groups)
            row_size = max(1, num_bytes // max(1, about.num_rows))
            batches = file.iter_batches(
                batch_size=max(1, min(_MOST_ROWS_AT_A_TIME, _BYTES_AT_A_TIME // row_size))
            )
            bytes_read = _by_share(os.path.getsize(path), about.num_rows)
            yield from _rows(_told(batches, bytes_read, progress), file.schema_arrow, path)


def read_arrow(paths: Sequence[str], progress: Progress) -> Iterator[Row]:
    """A row for each row of Arrow files (also called Feather) or streams, as `read_parquet`.

    Args:
        paths: the files.
        progress: told of the bytes that are read.

    Raises:
        What `read_parquet` raises.
    """
    arrow = pyarrow()
    from pyarrow import ipc  # type: ignore[import-untyped]

    for path in paths:
        with named_damage(path), arrow.OSFile(path) as file:
            is_file = file.read(6) == b"ARROW1"
            file.seek(0)
            reader = ipc.open_file(file) if is_file else ipc.open_stream(file)
            batches = map(reader.get_batch, range(reader.num_record_batches)) if is_file else reader
            yield from _rows(
                _sliced(_told(batches, _position(file), progress)), reader.schema, path
            )


def write_parquet(path: str, rows: Iterable[Row], kinds: Mapping[str, Kind]) -> None:
    """Writes a Parquet file with a column for each feature.

    Integers are int64, numbers float32. A missing feature is null.

    Args:
        path: the file, made or written over.
        rows: what it is to hold.
        kinds: the kind of every feature that may come.

    Raises:
        ImportError: pyarrow is not installed.
        OSError: the file cannot be written.
        ConfigError: there is no feature, and so no column.
    """
    arrow = pyarrow()
    from pyarrow.parquet import ParquetWriter

    if not kinds:
        raise ConfigError("expected a feature at least for a column, found none")
    schema = arrow.schema([(name, _type(kind)) for name, kind in kinds.items()])
    with ParquetWriter(path, schema) as writer:
        for batch in batched(
            rows, most_rows=_MOST_ROWS_IN_A_GROUP, most_values=_MOST_VALUES_IN_A_GROUP
        ):
            features = [{**row.context, **row.sequences} for row in batch]
            columns = [
                arrow.array([_nested(row.get(field.name)) for row in features], field.type)
                for field in schema
            ]
            writer.write_batch(arrow.record_batch(columns, schema=schema))


def _rows(batches: Iterable[Any], schema: Any, path: str) -> Iterator[Row]:
    are_lists = _check_schema(schema, path)
    begin = 0
    for batch in batches:
        values = [
            column_values(column, _place(path, begin, name))
            for name, column in zip(schema.names, batch.columns, strict=True)
        ]
        for number in range(batch.num_rows):
            row = Row({}, {}, f"{path}, row {begin + number}")
            for name, is_list, column in zip(schema.names, are_lists, values, strict=True):
                if column[number] is not None:
                    (row.sequences if is_list else row.context)[name] = column[number]
            yield row
        begin += batch.num_rows


def _place(path: str, begin: int, name: str) -> Place:
    return lambda row: f"{path}, row {begin + row}, {name!r}"


def _check_schema(schema: Any, path: str) -> list[bool]:
    """Which columns are lists."""
    if len(set(schema.names)) < len(schema.names):
        raise FeatureError(f"expected columns of different names, found {schema.names}", at=path)
    return [check_type(field.type, f"{path}, {field.name!r}") for field in schema]


def _by_share(num_bytes: int, num_rows: int) -> Callable[[int], int]:
    """About how many bytes of a file are read with so many of its rows."""
    return lambda rows_read: num_bytes * rows_read // num_rows


def _position(file: Any) -> Callable[[int], int]:
    return lambda _: int(file.tell())


def _told(
    batches: Iterable[Any], bytes_read: Callable[[int], int], progress: Progress
) -> Iterator[Any]:
    """The batches; `progress` is told what `bytes_read` makes of the number of rows so far."""
    num_rows = num_told = 0
    for batch in batches:
        num_rows += batch.num_rows
        progress(bytes_read(num_rows) - num_told)
        num_told = bytes_read(num_rows)
        yield batch


def _sliced(batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        size = max(1, batch.nbytes // max(1, batch.num_rows))
        step = max(1, min(_MOST_ROWS_AT_A_TIME, _BYTES_AT_A_TIME // size))
        for begin in range(0, batch.num_rows, step):
            yield batch.slice(begin, step)


def _type(kind: Kind) -> Any:
    arrow = pyarrow()
    of_scalars = {
        "string": arrow.string(),
        "bytes": arrow.binary(),
        "integer": arrow.int64(),
        "number": arrow.float32(),
        None: arrow.null(),
    }
    found = of_scalars[kind.scalar]
    for _ in range(kind.depth):
        found = arrow.list_(found)
    return found


def _nested(value: Any) -> Any:
    """Lists in lists, which pyarrow does not make of arrays of more than one dimension."""
    return list(value) if getattr(value, "ndim", 1) > 1 else value
