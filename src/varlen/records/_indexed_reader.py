"""The records of one file in any order."""

import mmap
import os
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, SupportsIndex, overload

import numpy as np
from numpy.typing import NDArray

from varlen._native import frame_lengths, slice_bytes
from varlen.errors import CorruptRecordError

from ._framing import HEADER_SIZE
from ._index import RecordIndex
from ._reader import Record


class IndexedReader:
    """The records of an uncompressed local TFRecord file as a sequence, read where they are asked.

    `reader[7]` and `reader[-1]` give a record, `reader[2:5]` and `reader[[3, 1, 2]]` a list of
    them, `len(reader)` how many there are, and iterating all of them in order.
    Both checksums of a record are verified whenever it is read.

    The file is mapped into memory. If it is made shorter meanwhile, the next read is an error; only
    in the very moment of a read would the operating system end the process. A file that is
    deleted, or replaced by a new one, as `RecordWriter` does, is read on as it was.

    A context manager.

    Args:
        path: the file.
        index: where its records are; None takes the index beside the file if it is of this state
            of it, and else builds one, which takes a pass over the file (see `RecordIndex.open`).

    Attributes:
        path: the file, as given.
        index: where its records are.

    Raises:
        What `RecordIndex.open` raises; and CorruptRecordError, if `index` is of another file or
        state of it, and when a record is read that is not as the index says.
    """

    def __init__(self, path: str | os.PathLike[str], *, index: RecordIndex | None = None) -> None:
        self.path = os.fspath(path)
        self.index = RecordIndex.open(self.path) if index is None else index
        with open(self.path, "rb") as file:
            now = os.fstat(file.fileno())
            self.index._check_state(now)
            is_empty = now.st_size == 0
            self._bytes: mmap.mmap | bytes = (
                b"" if is_empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            )

    def __len__(self) -> int:
        return len(self.index)

    def __iter__(self) -> Iterator[bytes]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, which: int) -> bytes: ...

    @overload
    def __getitem__(self, which: slice | Sequence[int] | NDArray[Any]) -> list[bytes]: ...

    def __getitem__(
        self, which: SupportsIndex | slice | Sequence[int] | NDArray[Any]
    ) -> bytes | list[bytes]:
        """One record, or several in the order in which they are asked for.

        Raises:
            IndexError: there is no such record.
            CorruptRecordError: a record is not as the index says.
        """
        if isinstance(which, slice):
            return self._read(np.arange(*which.indices(len(self))))
        if isinstance(which, int | np.integer):
            return self._read(np.array([which]))[0]
        positions = np.asarray(which)
        if positions.ndim != 1 or (positions.size and positions.dtype.kind not in "iu"):
            raise TypeError(f"expected an integer, a slice or a list of integers, found {which!r}")
        return self._read(positions)

    def read_at(self, offsets: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[bytes]:
        """Records by where they are, for those who look up the indexes of many files at once.

        Args:
            offsets: as of `index`, int64, `[records]`.
            lengths: likewise.

        Raises:
            CorruptRecordError: there is no sound record of that length at an offset; or the file
                was made shorter.
        """
        if isinstance(self._bytes, mmap.mmap):
            if self._bytes.closed:
                raise ValueError(f"the reader of {self.path!r} is closed")
            self._check_size(self._bytes.size())
        found = frame_lengths(self._bytes, offsets)
        is_wrong = found != lengths
        if is_wrong.any():
            first = int(np.argmax(is_wrong))
            raise CorruptRecordError(
                f"expected a sound record of {lengths[first]} bytes, as indexed, found "
                + ("none" if found[first] < 0 else f"one of {found[first]} bytes"),
                at=f"{self.path} @ byte {offsets[first]}",
                hint="the file was changed, or is damaged: build the index again",
            )
        return slice_bytes(self._bytes, offsets + HEADER_SIZE, lengths)

    def record(self, position: int) -> Record:
        """One record and its place. Raises as `reader[position]`."""
        data = self[position]
        return Record(data, self.path, int(self.index.offsets[position]))

    def close(self) -> None:
        """Closes the file. Closing again does nothing."""
        if isinstance(self._bytes, mmap.mmap):
            self._bytes.close()

    def __enter__(self) -> "IndexedReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check_size(self, found: int) -> None:
        """To touch what is mapped and no longer there would end the process (SIGBUS)."""
        if found < self.index.file_size:
            raise CorruptRecordError(
                f"expected a file of {self.index.file_size} bytes, as indexed, found its end",
                at=f"{self.path} @ byte {found}",
                hint="it was made shorter while it was read: build the index again",
            )

    def _read(self, positions: NDArray[Any]) -> list[bytes]:
        # Before they become int64, in which large ones of uint64 would be negative.
        num = len(self)
        outside = (positions < -num) | (positions >= num)
        if outside.any():
            raise IndexError(
                f"expected a position below {num}, the number of records, found "
                f"{positions[outside][0]}"
            )
        positions = positions.astype(np.int64)
        return self.read_at(self.index.offsets[positions], self.index.lengths[positions])
