"""Compression around a whole file: which there is, how to see it, how to undo it."""

import io
import zlib
from contextlib import suppress
from typing import Any, Literal

from varlen._native import find_header

from ._framing import HEADER_SIZE, Damage
from ._sources import buffered

Compression = Literal["GZIP", "ZLIB"] | None

# zlib calls the wrapper around deflate by the size of the window, with 16 added for gzip's.
_WINDOW_BITS = {"GZIP": 31, "ZLIB": 15}
_INPUT_SIZE = 1 << 16


def check_compression(compression: Any, *, also: tuple[str, ...] = ()) -> None:
    """Refuses what is not a compression, nor one of the other words that the caller knows."""
    allowed = (*_WINDOW_BITS, *also)
    if compression is not None and compression not in allowed:
        words = ", ".join(repr(word) for word in allowed)
        raise ValueError(f"compression: expected None, {words}, found {compression!r}")


def compressor(compression: Literal["GZIP", "ZLIB"]) -> Any:
    """A compressing stream. The bytes depend on nothing but the data: gzip's time stays 0."""
    return zlib.compressobj(wbits=_WINDOW_BITS[compression])


def detect_compression(head: bytes) -> Compression:
    """The compression of a file that begins with `head`, its first `HEADER_SIZE` bytes.

    What cannot be told is taken as not compressed, so that the error speaks of records.
    """
    if is_plain(head):
        return None
    if head.startswith(b"\x1f\x8b\x08"):
        return "GZIP"
    # A zlib header is two bytes with a check that one length in a thousand passes as well. The
    # upper half of a record's length is 0, which the first bytes of a deflate stream never are.
    if len(head) >= 2 and head[4:8] != bytes(4) and _is_zlib_header(head[0], head[1]):
        return "ZLIB"
    return None


def is_plain(head: bytes) -> bool:
    """Whether `head` is a record's sound header, or the end of an empty file."""
    return not head or find_header(head[:HEADER_SIZE], 0) == 0


def _is_zlib_header(method: int, flags: int) -> bool:
    deflate = method & 0x0F == 8 and method >> 4 <= 7
    needs_dictionary = bool(flags & 0x20)
    return deflate and not needs_dictionary and (method << 8 | flags) % 31 == 0


def decompressed(
    file: io.BufferedReader, compression: Literal["GZIP", "ZLIB"]
) -> io.BufferedReader:
    """The uncompressed bytes of `file`; reading raises `Damage` where there is any.

    An empty file has none. A file may hold several streams, one after the other, as joined files
    do; all are read.
    """
    return buffered(_DecompressedBytes(file, compression))


def _until_damage(stream: Any, pending: bytes) -> bytes:
    """What comes out of `pending` before the damage in it.

    Byte by byte, since zlib gives nothing of a step in which there is some. Most of it is sound:
    records have checksums of their own.
    """
    sound = bytearray()
    with suppress(zlib.error):
        for i in range(len(pending)):
            sound += stream.decompress(pending[i : i + 1])
    return bytes(sound)


class _DecompressedBytes(io.RawIOBase):
    def __init__(self, file: io.BufferedReader, compression: Literal["GZIP", "ZLIB"]) -> None:
        self._file = file
        self._compression = compression
        self._num_streams = 0
        self._damage: Damage | None = None
        self._before_damage = b""  # and not yet delivered
        self._begin_stream()

    def _begin_stream(self) -> None:
        self._stream = zlib.decompressobj(wbits=_WINDOW_BITS[self._compression])
        self._has_input = False
        self._num_streams += 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self._next_bytes(len(view))
        view[: len(data)] = data
        return len(data)

    def _next_bytes(self, size: int) -> bytes:
        """At least one byte and at most `size`; none at the end."""
        while self._damage is None:
            if self._stream.eof:
                pending = self._stream.unused_data
                self._begin_stream()
            else:
                pending = self._stream.unconsumed_tail
            pending = pending or self._file.read(_INPUT_SIZE)
            if not pending and not self._has_input:
                return b""
            data = self._decompress(pending, size)
            if data:
                return data
            if not pending:
                raise Damage(f"the {self._compression} stream is cut: expected more, found the end")
        data, self._before_damage = self._before_damage[:size], self._before_damage[size:]
        if not data:
            raise self._damage
        return data

    def _decompress(self, pending: bytes, size: int) -> bytes:
        """What comes out of `pending`; nothing if there is damage in it, which is kept."""
        at_start = not self._has_input
        self._has_input = True
        before = self._stream.copy()
        try:
            return self._stream.decompress(pending, size)
        except zlib.error as error:
            # "Error -3 while decompressing data: incorrect data check"
            reason = str(error).partition(": ")[2] or str(error)
            self._before_damage = _until_damage(before, pending)
            self._damage = Damage(
                f"expected the end of the file or another {self._compression} stream after the "
                f"last, found other bytes ({reason})"
                if at_start and self._num_streams > 1
                else f"the {self._compression} stream is damaged: {reason}"
            )
            return b""

    def close(self) -> None:
        self._file.close()
        super().close()
