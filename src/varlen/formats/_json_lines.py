"""JSON Lines: lists are sequences, scalars are context, `{"b64": "AP8="}` are bytes."""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from varlen.errors import CorruptRecordError

from ._kinds import quote
from ._lines import read_lines
from ._row import Progress, Row
from ._shortest import shortest

# How TensorFlow Serving writes bytes in JSON.
_BYTES_KEY = "b64"


@runtime_checkable
class SupportsWrite(Protocol):
    """A file that is open to write bytes."""

    def write(self, data: bytes, /) -> Any: ...


def read_json_lines(paths: Sequence[str], progress: Progress) -> Iterator[Row]:
    """A row for each line, which holds one object; blank ones are left out.

    Args:
        paths: files, plain or gzip.
        progress: told of the bytes that are read.

    Raises:
        OSError: a file is missing or cannot be read.
        CorruptRecordError: a line is no JSON object, or a gzip file is damaged.
    """
    for path in paths:
        for number, line in read_lines(path, progress):
            if line.strip():
                yield _row(line, f"{path}, line {number}")


def write_json_lines(file: SupportsWrite, rows: Iterable[Row]) -> None:
    """Writes a line for each row.

    Text and numbers are as JSON has them, and floats as short as float32 can be told by; NaN and
    infinity are `NaN` and `Infinity`, as Python writes and reads them. Bytes are objects with one
    key, `{"b64": "AP8="}`, which holds their base64.

    Args:
        file: takes the bytes.
        rows: what is written.
    """
    for row in rows:
        line = encode_json({**row.context, **row.sequences})
        file.write(line.encode() + b"\n")


def _row(line: bytes, place: str) -> Row:
    try:
        values = json.loads(line, object_hook=_bytes_or_object)
        if isinstance(values, bytes):
            values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorruptRecordError(f"not JSON: {error}", at=place) from error
    if not isinstance(values, dict):
        raise CorruptRecordError(f"expected a JSON object, found {quote(values)}", at=place)
    context = {name: value for name, value in values.items() if not isinstance(value, list)}
    sequences = {name: value for name, value in values.items() if isinstance(value, list)}
    return Row(context, sequences, place)


def _bytes_or_object(found: dict[str, Any]) -> Any:
    coded = found.get(_BYTES_KEY)
    if len(found) != 1 or not isinstance(coded, str):
        return found
    try:
        return base64.b64decode(coded, validate=True)
    except ValueError:
        return found  # no feature can hold it, which is said with its key


def _plain(value: Any) -> Any:
    """What JSON has for a value that it does not know."""
    if isinstance(value, bytes):
        return {_BYTES_KEY: base64.b64encode(value).decode()}
    if isinstance(value, np.ndarray | np.generic):
        return (shortest(value) if value.dtype == np.float32 else value).tolist()
    raise TypeError(f"expected a value of a row, found {type(value).__name__}")


# The JSON of a value of a row, or of a dict of them, as `write_json_lines` writes it.
encode_json = json.JSONEncoder(ensure_ascii=False, default=_plain).encode
