"""Writing record files that are never there in part."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

from varlen._native import frame_records

from ._compression import check_compression, compressor
from ._framing import MOST_DATA
from ._new_file import NewFile


class RecordWriter:
    """Writes records to a TFRecord file.

    The file is written beside, under another name, and takes its own when it is closed without
    error: after a crash, an exception or a killed process there is no file of that name, or the
    one from before. The same records give the same bytes, compressed or not.

    A context manager: leaving it by an exception throws the file away.

    Args:
        path: the file; one that is there is replaced at the end.
        compression: None, "GZIP" or "ZLIB", around the whole file.

    Raises:
        OSError: there is no such directory, or it cannot be written.
        ValueError: `compression` is something else.
        ConfigError: `path` is a URL, `-`, a device or a pipe.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        compression: Literal["GZIP", "ZLIB"] | None = None,
    ) -> None:
        check_compression(compression)
        self._target = NewFile(path)
        self._compressor = None if compression is None else compressor(compression)

    def write(self, data: bytes) -> None:
        """Adds a record. It may be empty.

        Raises:
            TypeError: `data` is not bytes.
            ValueError: the writer is closed, or `data` are 2 GiB or more.
            OSError: the disk is full; the file is thrown away.
        """
        self.write_many([data])

    def write_many(self, records: Sequence[bytes]) -> None:
        """Adds several records, or none of them; faster than one by one. Raises as `write`."""
        for data in records:
            if not isinstance(data, bytes):
                raise TypeError(f"data: expected bytes, found {type(data).__name__}")
            if len(data) > MOST_DATA:
                raise ValueError(f"data: expected less than 2 GiB, found {len(data)} bytes")
        if not self._target.is_open:
            raise ValueError(f"the writer of {str(self._target.path)!r} is closed")
        frames = frame_records(list(records))
        self._target.write(
            frames if self._compressor is None else self._compressor.compress(frames)
        )

    def close(self) -> None:
        """Ends the file and gives it its name. Closing again does nothing."""
        if self._target.is_open:
            self._seal()
            self._publish()

    def __enter__(self) -> "RecordWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._discard()

    # A ShardedWriter closes in two steps, so that its files appear together.

    def _seal(self) -> None:
        if self._compressor is not None:
            self._target.write(self._compressor.flush())
        self._target.seal()

    def _publish(self, path: Path | None = None) -> None:
        self._target.publish(path)

    def _discard(self) -> None:
        self._target.discard()
