"""The plain twin of counting the steps of a feature, on the wire format of protocol buffers."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._reference_frames import slice_bounds

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3


class _Malformed(Exception):  # noqa: N818 - becomes -1
    pass


class _Field(NamedTuple):
    number: int
    type: int
    data: memoryview


def count_steps(
    buffer: Any, starts: NDArray[np.int64], lengths: NDArray[np.int64], name: bytes
) -> NDArray[np.int64]:
    """How many steps the feature `name` has in each record, the slices of `buffer`.

    The steps of the feature list of that name in a SequenceExample; without such a list, the values
    of the feature of that name in its context, or in an Example; without either, 0. The last entry
    of a name counts. -1 where a message is malformed on the way there; what is not on the way is
    not looked at.

    Raises:
        IndexError: a slice reaches outside the buffer.
        ValueError: there are not as many lengths as starts.
    """
    view = memoryview(buffer).cast("B")
    bounds = slice_bounds(view, starts, lengths)
    return np.array([_count_steps(view[start:end], name) for start, end in bounds], np.int64)


def _count_steps(record: memoryview, name: bytes) -> int:
    steps = values = None
    try:
        for field in _fields(record):
            if field[:2] == (1, _BYTES):
                values = _last_entry(field.data, name, _count_values, values)
            elif field[:2] == (2, _BYTES):
                steps = _last_entry(field.data, name, _count_list, steps)
    except _Malformed:
        return -1
    return next((count for count in (steps, values) if count is not None), 0)


def _last_entry(
    entries: memoryview,
    name: bytes,
    count: Callable[[list[memoryview]], int],
    before: int | None,
) -> int | None:
    for entry in _fields(entries):
        if entry[:2] != (1, _BYTES):
            continue
        fields = [field for field in _fields(entry.data) if field.type == _BYTES]
        keys = [field.data for field in fields if field.number == 1]
        if (keys[-1] if keys else b"") == name:
            before = count([field.data for field in fields if field.number == 2])
    return before


def _count_list(pieces: list[memoryview]) -> int:
    return sum(field[:2] == (1, _BYTES) for piece in pieces for field in _fields(piece))


def _count_values(pieces: list[memoryview]) -> int:
    count = kind = 0
    for piece in pieces:
        for field in _fields(piece):
            if field.type != _BYTES or field.number not in (_BYTES_LIST, _FLOAT_LIST, _INT64_LIST):
                continue
            if field.number != kind:
                count, kind = 0, field.number
            count += sum(_num_values(value, kind) for value in _fields(field.data))
    return count


def _num_values(field: _Field, kind: int) -> int:
    """The values in one field of a list: one, or a packed chunk of them."""
    if field.number != 1:
        return 0
    if field.type != _BYTES:
        return int((kind, field.type) in ((_FLOAT_LIST, _FOUR_BYTES), (_INT64_LIST, _VARINT)))
    if kind == _BYTES_LIST:
        return 1
    if kind == _FLOAT_LIST:
        if len(field.data) % 4:
            raise _Malformed
        return len(field.data) // 4
    if field.data and field.data[-1] >= 0x80:
        raise _Malformed
    return sum(byte < 0x80 for byte in field.data)


def _fields(message: memoryview) -> Iterator[_Field]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, type_ = tag >> 3, tag & 7
        if number == 0 or tag >> 32:
            raise _Malformed
        if type_ == _VARINT:
            _, end = _varint(message, at)
        elif type_ == _BYTES:
            size, at = _varint(message, at)
            end = at + size
        elif type_ in (_EIGHT_BYTES, _FOUR_BYTES):
            end = at + (8 if type_ == _EIGHT_BYTES else 4)
        else:
            raise _Malformed
        if end > len(message):
            raise _Malformed
        yield _Field(number, type_, message[at:end])
        at = end


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The value, modulo 2**64, and where it ends."""
    value = 0
    for i, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value & (2**64 - 1), at + i + 1
    raise _Malformed
