"""The plain twins of the operations on frames of TFRecord files.

A frame is the length of its data (uint64), the masked CRC-32C of these eight bytes (uint32), the
data, and their masked CRC-32C (uint32), all little endian.
"""

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._reference import crc32c

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
# The messages in records cannot be larger either.
_MOST_DATA = 2**31 - 1

_Numbers = NDArray[np.int64]


def scan_frames(buffer: Any, begin: int) -> tuple[_Numbers, _Numbers]:
    """Where the data of the sound frames from `begin` on start, and how long they are.

    The frames follow each other; the first one that is cut or damaged ends the walk.

    Raises:
        IndexError: `begin` is outside the buffer.
    """
    view = _view(buffer)
    _check_position(view, begin)
    starts, lengths = [], []
    while (length := _frame_length(view[begin:])) >= 0:
        starts.append(begin + _HEADER.size)
        lengths.append(length)
        begin += _HEADER.size + length + _FOOTER.size
    return np.array(starts, np.int64), np.array(lengths, np.int64)


def find_header(buffer: Any, begin: int) -> int:
    """The first position from `begin` on at which a sound header stands; -1 if there is none.

    Raises:
        IndexError: `begin` is outside the buffer.
    """
    view = _view(buffer)
    _check_position(view, begin)
    positions = range(begin, len(view) - _HEADER.size + 1)
    return next((i for i in positions if _header_length(view[i : i + _HEADER.size]) >= 0), -1)


def frame_lengths(buffer: Any, offsets: _Numbers) -> _Numbers:
    """The length of the data of the sound frame at each offset; -1 where there is none."""
    view = _view(buffer)
    inside = [0 <= offset <= len(view) for offset in offsets.tolist()]
    return np.array(
        [
            _frame_length(view[offset:]) if ok else -1
            for offset, ok in zip(offsets.tolist(), inside, strict=True)
        ],
        np.int64,
    )


def slice_bytes(buffer: Any, starts: _Numbers, lengths: _Numbers) -> list[bytes]:
    """A copy of each slice of `buffer`.

    Raises:
        IndexError: a slice reaches outside the buffer.
        ValueError: there are not as many lengths as starts.
    """
    view = _view(buffer)
    return [bytes(view[start:end]) for start, end in slice_bounds(view, starts, lengths)]


def frame_records(records: list[bytes]) -> bytes:
    """The frames of `records`, one after the other."""
    return b"".join(_pieces(records))


def slice_bounds(
    view: memoryview, starts: _Numbers, lengths: _Numbers
) -> Iterable[tuple[int, int]]:
    """Where each slice begins and ends.

    Raises:
        IndexError: a slice reaches outside the buffer.
        ValueError: there are not as many lengths as starts.
    """
    if len(starts) != len(lengths):
        raise ValueError("expected as many lengths as starts")
    ends = starts + lengths
    if ((starts < 0) | (lengths < 0) | (ends > len(view))).any():
        raise IndexError("a slice outside the buffer")
    return zip(starts.tolist(), ends.tolist(), strict=True)


def _pieces(records: list[bytes]) -> Iterable[bytes]:
    for record in records:
        if not isinstance(record, bytes):
            raise TypeError("expected a list of bytes")
        length = struct.pack("<Q", len(record))
        yield from (length, _FOOTER.pack(masked_crc32c(length)))
        yield from (record, _FOOTER.pack(masked_crc32c(record)))


def masked_crc32c(data: bytes | memoryview) -> int:
    """The CRC-32C of `data`, rotated right by 15 bits, plus 0xA282EAD8, modulo 2**32."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _view(buffer: Any) -> memoryview:
    return memoryview(buffer).cast("B")


def _check_position(view: memoryview, position: int) -> None:
    if not 0 <= position <= len(view):
        raise IndexError("a position outside the buffer")


def _header_length(header: memoryview) -> int:
    """The length of data that a sound header tells; -1 if this is none."""
    if len(header) < _HEADER.size:
        return -1
    length, stored = _HEADER.unpack_from(header)
    # First the test that nearly all wrong positions fail, since `find_header` asks at every byte.
    if length > _MOST_DATA or stored != masked_crc32c(header[:8]):
        return -1
    return int(length)


def _frame_length(frame: memoryview) -> int:
    """The length of data in the whole and sound frame at the beginning; -1 if there is none."""
    length = _header_length(frame)
    if length < 0 or len(frame) < _HEADER.size + length + _FOOTER.size:
        return -1
    body = frame[_HEADER.size :]
    (stored,) = _FOOTER.unpack_from(body, length)
    return length if stored == masked_crc32c(body[:length]) else -1
