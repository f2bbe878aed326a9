"""Record files written by hand, from the description of the format alone."""

import struct
from collections.abc import Iterable
from pathlib import Path

from varlen import RecordReader
from varlen._native import crc32c


def masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def header(length: int) -> bytes:
    packed = struct.pack("<Q", length)
    return packed + struct.pack("<I", masked(packed))


def frame(data: bytes) -> bytes:
    return header(len(data)) + data + struct.pack("<I", masked(data))


def file_of(records: Iterable[bytes]) -> bytes:
    return b"".join(frame(data) for data in records)


def read_until_error(path: Path, **options) -> tuple[list[bytes], Exception | None]:
    """The records that are delivered, and the error that ends them, if any."""
    records = []
    try:
        with RecordReader(path, **options) as reader:
            for record in reader:
                records.append(record)
    except ValueError as error:
        return records, error
    return records, None
