"""The frame around a record, as in TFRecord files, and what is wrong with one.

    length          uint64
    length_crc      uint32, the masked CRC-32C of the eight bytes of `length`
    data            `length` bytes
    data_crc        uint32, the masked CRC-32C of `data`

All numbers are little endian. The checksums are masked because a plain CRC of bytes that hold CRCs
is weak, and records often do.
"""

import struct

from varlen._native import masked_crc32c

_HEADER = struct.Struct("<QI")
_LENGTH_SIZE = 8
_CHECKSUM = struct.Struct("<I")

HEADER_SIZE = _HEADER.size
FOOTER_SIZE = _CHECKSUM.size
# Protocol buffers end there too, and so do the lengths of many readers.
MOST_DATA = 2**31 - 1


class Damage(Exception):  # noqa: N818 - becomes a CorruptRecordError where the place is known
    """Bytes that are not what their frame or stream says. The message says how."""


def header_length(header: bytes | memoryview) -> int:
    """The length of the data that follows the `HEADER_SIZE` bytes of a header.

    Raises:
        Damage: the header is cut, or its checksum is wrong, or there is too much data.
    """
    if len(header) < HEADER_SIZE:
        raise Damage(
            f"expected a record header of {HEADER_SIZE} bytes, found {len(header)} bytes before "
            "the end of the file"
        )
    length, stored = _HEADER.unpack_from(header)
    computed = masked_crc32c(header[:_LENGTH_SIZE])
    if stored != computed:
        raise Damage(
            f"expected length checksum 0x{stored:08x}, as stored, found 0x{computed:08x} "
            f"computed from the length {length}"
        )
    if length > MOST_DATA:
        raise Damage(
            f"expected a record of less than 2 GiB, found a length of {length} bytes with a sound "
            "checksum"
        )
    return int(length)


def check_data(body: bytes | memoryview, length: int) -> None:
    """Looks at the `length + FOOTER_SIZE` bytes after a header.

    Raises:
        Damage: they are cut, or their checksum is wrong.
    """
    if len(body) < length + FOOTER_SIZE:
        raise Damage(
            f"expected {length} bytes of data and {FOOTER_SIZE} of checksum, found {len(body)} "
            "bytes before the end of the file"
        )
    (stored,) = _CHECKSUM.unpack_from(body, length)
    computed = masked_crc32c(body[:length])
    if stored != computed:
        raise Damage(
            f"expected data checksum 0x{stored:08x}, as stored, found 0x{computed:08x} "
            f"computed from {length} bytes of data"
        )
