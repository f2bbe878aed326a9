"""The frame around a record, as in TFRecord files.

    length          uint64
    length_crc      uint32, the masked CRC-32C of the eight bytes of `length`
    data            `length` bytes
    data_crc        uint32, the masked CRC-32C of `data`

All numbers are little endian. The checksums are masked because a plain CRC of bytes that hold CRCs
is weak, and records often do.
"""

import struct

from varlen._native import crc32c

_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_HEADER = struct.Struct("<QI")

HEADER_SIZE = _HEADER.size
FOOTER_SIZE = _CHECKSUM.size


class Damage(Exception):  # noqa: N818 - becomes a CorruptRecordError where the place is known
    """Bytes that are not what their frame or stream says. The message says how."""


def masked_crc32c(data: bytes) -> int:
    """The CRC-32C of `data`, rotated right by 15 bits, plus 0xA282EAD8, modulo 2**32."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def framed(data: bytes) -> bytes:
    """A record as it stands in a file."""
    length = _LENGTH.pack(len(data))
    length_crc = _CHECKSUM.pack(masked_crc32c(length))
    return b"".join((length, length_crc, data, _CHECKSUM.pack(masked_crc32c(data))))


def header_length(header: bytes) -> int:
    """The length of the data that follows the `HEADER_SIZE` bytes of a header.

    Raises:
        Damage: the header is cut, or its checksum is wrong.
    """
    if len(header) < HEADER_SIZE:
        raise Damage(
            f"expected a record header of {HEADER_SIZE} bytes, found {len(header)} bytes before "
            "the end of the file"
        )
    length, stored = _HEADER.unpack(header)
    computed = masked_crc32c(header[: _LENGTH.size])
    if stored != computed:
        raise Damage(
            f"expected length checksum 0x{stored:08x}, as stored, found 0x{computed:08x} "
            f"computed from the length {length}"
        )
    return int(length)


def checked_data(body: bytes, length: int) -> bytes:
    """The data of a record, from the `length + FOOTER_SIZE` bytes after its header.

    Raises:
        Damage: the body is cut, or its checksum is wrong.
    """
    if len(body) < length + FOOTER_SIZE:
        raise Damage(
            f"expected {length} bytes of data and {FOOTER_SIZE} of checksum, found {len(body)} "
            "bytes before the end of the file"
        )
    data = body[:length]
    (stored,) = _CHECKSUM.unpack_from(body, length)
    computed = masked_crc32c(data)
    if stored != computed:
        raise Damage(
            f"expected data checksum 0x{stored:08x}, as stored, found 0x{computed:08x} "
            f"computed from {length} bytes of data"
        )
    return data
