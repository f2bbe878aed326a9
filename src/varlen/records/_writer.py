"""Writing record files that are never there in part."""

import os
from pathlib import Path
from types import TracebackType
from typing import Literal

from varlen._native import frame_records

from ._compression import check_compression, compressor
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
            ValueError: the writer is closed.
            OSError: the disk is full; the file is thrown away.
        """
        if not isinstance(data, bytes):
            raise TypeError(f"data: expected bytes, found {type(data).__name__}")
        if not self._target.is_open:
            raise ValueError(f"the writer of {str(self._target.path)!r} is closed")
        frame = frame_records([data])
        self._target.write(frame if self._compressor is None else self._compressor.compress(frame))

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

    def _publish(self) -> None:
        self._target.publish()

    def _discard(self) -> None:
        self._target.discard()


class ShardedWriter:
    """Writes records to several files in turn, which appear all together at the end.

    Record i goes into shard i modulo `shards`. The files are named
    `{prefix}-00003-of-00016.tfrecord`, counted from 0.

    A context manager, as `RecordWriter`.

    Args:
        prefix: the directory and the beginning of the names, as "data/train".
        shards: how many files, at least 1. Each is open until the end.
        compression: None, "GZIP" or "ZLIB", around each file.

    Attributes:
        paths: the files, in order.

    Raises:
        OSError: there is no such directory, or it cannot be written.
        ValueError: `shards` is below 1, or `compression` is something else.
    """

    def __init__(
        self,
        prefix: str | os.PathLike[str],
        shards: int,
        *,
        compression: Literal["GZIP", "ZLIB"] | None = None,
    ) -> None:
        if shards < 1:
            raise ValueError(f"shards: expected at least 1, found {shards}")
        beginning = os.fspath(prefix)
        self.paths = [
            Path(f"{beginning}-{shard:05}-of-{shards:05}.tfrecord") for shard in range(shards)
        ]
        self._writers: list[RecordWriter] = []
        self._num_written = 0
        try:
            for path in self.paths:
                self._writers.append(RecordWriter(path, compression=compression))
        except BaseException:
            self._discard()
            raise

    def write(self, data: bytes) -> None:
        """Adds a record to the next shard. Raises what `RecordWriter.write` raises."""
        self._writers[self._num_written % len(self._writers)].write(data)
        self._num_written += 1

    def close(self) -> None:
        """Ends all files, and when all are whole, gives them their names."""
        writers = [writer for writer in self._writers if writer._target.is_open]
        try:
            for writer in writers:
                writer._seal()
            for writer in writers:
                writer._publish()
        except BaseException:
            self._discard()
            raise

    def __enter__(self) -> "ShardedWriter":
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

    def _discard(self) -> None:
        for writer in self._writers:
            writer._discard()
