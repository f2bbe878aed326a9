"""Writing records to several files that appear together."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

from ._compression import check_compression
from ._framing import FOOTER_SIZE, HEADER_SIZE
from ._new_file import check_local
from ._writer import RecordWriter


class ShardedWriter:
    """Writes records to several files, which appear all together at the end.

    Either there is a number of shards, and record i goes into shard i modulo `shards`; or there is
    a limit to each shard, `max_records`, `max_bytes` or both, and the next shard begins where the
    next record would go beyond it. A record larger than `max_bytes` has a shard of its own.

    The files are named `{prefix}-00003-of-00016.tfrecord`, counted from 0. There is at least one.
    A process that is killed in the very moment in which they get their names may leave only some
    of them, each of which is whole.

    A context manager, as `RecordWriter`.

    Args:
        prefix: the directory and the beginning of the names, as "data/train".
        shards: how many files, at least 1. Each is open until the end.
        max_records: how many records a file may have, at least 1.
        max_bytes: how many bytes a file may have, before compression, at least 1.
        compression: None, "GZIP" or "ZLIB", around each file.

    Raises:
        OSError: there is no such directory, or it cannot be written.
        TypeError: neither `shards` nor a limit is given, or both are.
        ValueError: a number is below 1, or `compression` is something else.
        ConfigError: `prefix` is a URL.
    """

    def __init__(
        self,
        prefix: str | os.PathLike[str],
        shards: int | None = None,
        *,
        max_records: int | None = None,
        max_bytes: int | None = None,
        compression: Literal["GZIP", "ZLIB"] | None = None,
    ) -> None:
        numbers = {"shards": shards, "max_records": max_records, "max_bytes": max_bytes}
        for name, number in numbers.items():
            if number is not None and number < 1:
                raise ValueError(f"{name}: expected at least 1, found {number}")
        if (shards is None) == (max_records is None and max_bytes is None):
            raise TypeError(
                "expected either `shards` or a limit, `max_records` or `max_bytes`, found "
                + ("neither" if shards is None else "both")
            )
        check_compression(compression)
        check_local(prefix)
        self._prefix = os.fspath(prefix)
        self._compression = compression
        self._max_records, self._max_bytes = max_records, max_bytes
        self._num_shards = shards
        self._sealed: list[RecordWriter] = []
        self._open: list[RecordWriter] = []
        self._num_written = 0  # to all shards, or if there is a limit, to the last
        self._bytes_written = 0
        self._closed = False
        try:
            for _ in range(shards or 1):
                self._begin_shard()
        except BaseException:
            self._discard()
            raise

    @property
    def paths(self) -> list[Path]:
        """The files, in order. If there is a limit, they have no names before they are closed."""
        if self._num_shards is None:
            return []
        return [self._path(shard, self._num_shards) for shard in range(self._num_shards)]

    def write(self, data: bytes) -> None:
        """Adds a record. Raises what `RecordWriter.write` raises."""
        self.write_many([data])

    def write_many(self, records: Sequence[bytes]) -> None:
        """Adds several records, in order. Raises what `RecordWriter.write_many` raises."""
        if self._closed:
            raise ValueError(f"the writer of {self._prefix!r} is closed")
        if self._max_records is None and self._max_bytes is None:
            self._deal(records)
            return
        for data in records:
            self._make_room(HEADER_SIZE + len(data) + FOOTER_SIZE)
            self._open[-1].write(data)
            self._num_written += 1
            self._bytes_written += HEADER_SIZE + len(data) + FOOTER_SIZE

    def close(self) -> None:
        """Ends all files, and when all are whole, gives them their names."""
        if self._closed:
            return
        self._closed = True
        try:
            while self._open:
                self._seal_first()
            self._num_shards = len(self._sealed)
            for writer, path in zip(self._sealed, self.paths, strict=True):
                writer._publish(path)
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

    def _deal(self, records: Sequence[bytes]) -> None:
        num_shards = len(self._open)
        for i in range(min(num_shards, len(records))):
            shard = (self._num_written + i) % num_shards
            self._open[shard].write_many(records[i::num_shards])
        self._num_written += len(records)

    def _make_room(self, size: int) -> None:
        too_many = self._max_records is not None and self._num_written == self._max_records
        too_large = self._max_bytes is not None and self._bytes_written + size > self._max_bytes
        if too_many or (too_large and self._num_written):
            self._seal_first()
            self._begin_shard()

    def _begin_shard(self) -> None:
        shard = len(self._sealed) + len(self._open)
        path = self._path(shard, self._num_shards)
        self._open.append(RecordWriter(path, compression=self._compression))
        self._num_written = self._bytes_written = 0

    def _seal_first(self) -> None:
        self._open[0]._seal()
        self._sealed.append(self._open.pop(0))

    def _path(self, shard: int, num_shards: int | None) -> Path:
        of = "" if num_shards is None else f"-of-{num_shards:05}"
        return Path(f"{self._prefix}-{shard:05}{of}.tfrecord")

    def _discard(self) -> None:
        self._closed = True
        for writer in self._sealed + self._open:
            writer._discard()
