"""Reading one record file, every byte of it checked."""

import io
import os
from collections.abc import Iterator
from types import TracebackType
from typing import Literal, NamedTuple

from varlen.errors import CorruptRecordError

from ._compression import (
    Compression,
    check_compression,
    decompressed,
    detect_compression,
    is_plain,
)
from ._framing import FOOTER_SIZE, HEADER_SIZE, Damage, checked_data, header_length

_BUFFER_SIZE = 1 << 18
# A length field is believed only as far as the file bears it out, this many bytes at a time.
_PIECE_SIZE = 1 << 24


class Record(NamedTuple):
    """A record and where it came from.

    Attributes:
        data: its bytes.
        path: the file.
        offset: the byte at which its frame begins, in the uncompressed bytes of the file.
    """

    data: bytes
    path: str
    offset: int

    @property
    def place(self) -> str:
        """File and byte, as error messages name them."""
        return f"{self.path} @ byte {self.offset}"


class RecordReader:
    """Iterates over the records of a TFRecord file, as bytes, in order.

    Both checksums of every record are verified, and so is the compressed stream around them. The
    records before a damage are delivered; of a compressed file, those that could be decompressed
    before it was noticed. An empty file is a sound file without records. A file that ends exactly
    between two records cannot be told from a whole one.

    A context manager; the file is also closed at its end, and when an error is raised.

    Args:
        path: the file.
        compression: None, "GZIP" or "ZLIB", which wrap the whole file; "auto" sees it from the
            first bytes. Streams that follow each other, as in joined files, are all read.

    Attributes:
        path: the file, as given.
        compression: the compression that was found, or given.

    Raises:
        OSError: the file is missing or cannot be read.
        ValueError: `compression` is something else.
        CorruptRecordError: while iterating; the file is damaged, cut, or not a record file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        compression: Literal["auto", "GZIP", "ZLIB"] | None = "auto",
    ) -> None:
        check_compression(compression, also=("auto",))
        self.path = os.fspath(path)
        file: io.BufferedReader = io.BufferedReader(io.FileIO(self.path), _BUFFER_SIZE)
        self._head = file.peek(HEADER_SIZE)[:HEADER_SIZE]
        self.compression: Compression = (
            detect_compression(self._head) if compression == "auto" else compression
        )
        self._source: io.BufferedReader = (
            file if self.compression is None else decompressed(file, self.compression)
        )
        self._offset = 0
        self._at_end = False
        self._error: CorruptRecordError | None = None

    def records(self) -> Iterator[Record]:
        """The records that are left, each with its place."""
        while (record := self._next_record()) is not None:
            yield record

    def __iter__(self) -> "RecordReader":
        return self

    def __next__(self) -> bytes:
        record = self._next_record()
        if record is None:
            raise StopIteration
        return record.data

    def close(self) -> None:
        """Closes the file. Closing again does nothing."""
        self._source.close()

    def __enter__(self) -> "RecordReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _next_record(self) -> Record | None:
        if self._error is not None:
            raise self._error
        if self._at_end:
            return None
        try:
            data = self._read_frame()
        except Damage as damage:
            self.close()
            self._error = self._corrupt(damage)
            raise self._error from None
        if data is None:
            self._at_end = True
            self.close()
            return None
        record = Record(data, self.path, self._offset)
        self._offset += HEADER_SIZE + len(data) + FOOTER_SIZE
        return record

    def _read_frame(self) -> bytes | None:
        header = self._source.read(HEADER_SIZE)
        if not header:
            return None
        length = header_length(header)
        return checked_data(_read_up_to(self._source, length + FOOTER_SIZE), length)

    def _corrupt(self, damage: Damage) -> CorruptRecordError:
        stream = "" if self.compression is None else " of the uncompressed stream"
        return CorruptRecordError(
            str(damage),
            at=f"{self.path} @ byte {self._offset}{stream}",
            hint=self._hint() if self._offset == 0 else None,
        )

    def _hint(self) -> str:
        """What the first bytes say of a file of which not even the first record can be read."""
        likely = detect_compression(self._head)
        if likely != self.compression and (likely is not None or is_plain(self._head)):
            return f'it looks like compression={likely!r}; compression="auto" finds out'
        return "if no record can be read at all, this may not be a TFRecord file"


def _read_up_to(source: io.BufferedReader, size: int) -> bytes:
    """`size` bytes, or fewer at the end, without asking for memory that they will not fill."""
    data = source.read(min(size, _PIECE_SIZE))
    if len(data) == size or len(data) < _PIECE_SIZE:
        return data
    pieces = [data]
    size -= len(data)
    while size and (data := source.read(min(size, _PIECE_SIZE))):
        pieces.append(data)
        size -= len(data)
    return b"".join(pieces)
