"""Parquet and Arrow files: list columns are sequences, other columns are context."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from varlen.errors import ConfigError, FeatureError

from ._arrow import named_damage, pyarrow
from ._arrow_columns import Place, check_type, column_values
from ._encode import batched
from ._kinds import Kind
from ._row import Progress, Row

_ARROW_MAGIC = b"ARROW1"
_BYTES_AT_A_TIME = 1 << 24
_MOST_ROWS_AT_A_TIME = 1024
_BYTES_IN_A_GROUP = 1 << 24


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
            yield from _rows(_parquet_batches(file, os.path.getsize(path), progress), path)


def read_arrow(paths: Sequence[str], progress: Progress) -> Iterator[Row]:
    """A row for each row of Arrow files (also called Feather) or streams, as `read_parquet`.

    Args:
        paths: the files.
        progress: told of the bytes that are read.

    Raises:
        What `read_parquet` raises.
    """
    arrow = pyarrow()
    for path in paths:
        with named_damage(path), arrow.OSFile(path) as file:
            is_file = file.read(len(_ARROW_MAGIC)) == _ARROW_MAGIC
            file.seek(0)
            batches = _file_batches(file, progress) if is_file else _stream_batches(file, progress)
            yield from _rows(_sliced(batches), path)


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
        group: list[Any] = []
        num_bytes = 0
        for batch in batched(rows):
            group.append(_record_batch(batch, schema))
            num_bytes += group[-1].nbytes
            if num_bytes >= _BYTES_IN_A_GROUP:
                writer.write_table(arrow.Table.from_batches(group))
                group, num_bytes = [], 0
        if group:
            writer.write_table(arrow.Table.from_batches(group))


def _record_batch(rows: Sequence[Row], schema: Any) -> Any:
    arrow = pyarrow()
    features = [{**row.context, **row.sequences} for row in rows]
    columns = [
        arrow.array([_nested(row.get(field.name)) for row in features], field.type)
        for field in schema
    ]
    return arrow.record_batch(columns, schema=schema)


def _rows(batches: Iterable[Any], path: str) -> Iterator[Row]:
    begin = 0
    for batch in batches:
        names = batch.schema.names
        are_lists = [check_type(field.type, f"{path}, {field.name!r}") for field in batch.schema]
        if len(set(names)) < len(names):
            raise FeatureError(f"expected columns of different names, found {names}", at=path)
        values = [
            column_values(column, _place(path, begin, name))
            for name, column in zip(names, batch.columns, strict=True)
        ]
        for number in range(batch.num_rows):
            row = Row({}, {}, f"{path}, row {begin + number}")
            for name, is_list, column in zip(names, are_lists, values, strict=True):
                if column[number] is not None:
                    (row.sequences if is_list else row.context)[name] = column[number]
            yield row
        begin += batch.num_rows


def _place(path: str, begin: int, name: str) -> Place:
    return lambda row: f"{path}, row {begin + row}, {name!r}"


def _parquet_batches(file: Any, size: int, progress: Progress) -> Iterator[Any]:
    """The batches of a Parquet file of `size` bytes."""
    about = file.metadata
    num_bytes = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
    row_size = max(1, num_bytes // max(1, about.num_rows))
    num_rows = num_told = 0
    for batch in file.iter_batches(batch_size=_rows_at_a_time(row_size)):
        num_rows += batch.num_rows
        progress(size * num_rows // about.num_rows - num_told)
        num_told = size * num_rows // about.num_rows
        yield batch


def _file_batches(file: Any, progress: Progress) -> Iterator[Any]:
    """The batches of an Arrow file."""
    from pyarrow import ipc  # type: ignore[import-untyped]

    reader = ipc.open_file(file)
    size, num_batches = file.size(), reader.num_record_batches
    for number in range(num_batches):
        yield reader.get_batch(number)
        progress(size * (number + 1) // num_batches - size * number // num_batches)


def _stream_batches(file: Any, progress: Progress) -> Iterator[Any]:
    """The batches of an Arrow stream."""
    from pyarrow import ipc

    num_told = 0
    for batch in ipc.open_stream(file):
        progress(file.tell() - num_told)
        num_told = file.tell()
        yield batch


def _sliced(batches: Iterable[Any]) -> Iterator[Any]:
    """The batches in parts of bounded size."""
    for batch in batches:
        step = _rows_at_a_time(max(1, batch.nbytes // max(1, batch.num_rows)))
        for begin in range(0, batch.num_rows, step):
            yield batch.slice(begin, step)


def _rows_at_a_time(row_size: int) -> int:
    return max(1, min(_MOST_ROWS_AT_A_TIME, _BYTES_AT_A_TIME // row_size))


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
