"""Reading one record file in order, every byte of it checked."""

import os
import warnings
from collections.abc import Iterator
from types import TracebackType
from typing import Literal, NamedTuple

from varlen.errors import CorruptRecordError

from ._blocks import Blocks, LostBytes, RecordBlock
from ._compression import (
    Compression,
    check_compression,
    decompressed,
    detect_compression,
    is_plain,
)
from ._framing import HEADER_SIZE, Damage
from ._sources import buffered, open_bytes

OnCorruption = Literal["raise", "skip"]

_MOST_NAMED = 5


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
        """File and byte, as error messages name them.

        The byte names the record whatever was lost before it, and from wherever reading began; its
        number does not. `np.searchsorted(RecordIndex.open(path).offsets, byte)` is its number.
        """
        return f"{self.path} @ byte {self.offset}"


class RecordReader:
    """Iterates over the records of a TFRecord file, as bytes, in order.

    Both checksums of every record are verified, and so is the compressed stream around them. The
    records before a damage are delivered; of a compressed file, those that could be decompressed
    before it was noticed. An empty file is a sound file without records. A file that ends exactly
    between two records cannot be told from a whole one.

    Records can be taken one by one, with their places (`records`), or many at a time (`read_many`,
    `blocks`), which is faster where they are small. All take from the same stream.

    A context manager; the file is also closed at its end, and when an error is raised.

    Args:
        path: the file; a URL that fsspec opens, such as `s3://bucket/train.tfrecord` (the extra
            `varlen[fsspec]`); or `-` for the standard input.
        compression: None, "GZIP" or "ZLIB", which wrap the whole file; "auto" sees it from the
            first bytes. Streams that follow each other, as in joined files, are all read.
        on_corruption: "raise" ends at the first damage; "skip" goes on behind it, at the next sound
            record, and warns in the end. A record whose length is damaged is searched through for
            the next one, and if its data hold frames themselves, they are taken for records. Behind
            damage of a compressed stream nothing can be read.

    Attributes:
        path: the file, as given.
        compression: the compression that was found, or given.

    Raises:
        OSError: the file is missing or cannot be read.
        ImportError: a URL, and a package that it needs is not installed.
        ValueError: `compression` or `on_corruption` is something else.
        CorruptRecordError: while iterating; the file is damaged, cut, or not a record file, or a
            record has 2 GiB or more.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        compression: Literal["auto", "GZIP", "ZLIB"] | None = "auto",
        on_corruption: OnCorruption = "raise",
    ) -> None:
        check_compression(compression, also=("auto",))
        if on_corruption not in ("raise", "skip"):
            raise ValueError(f"on_corruption: expected 'raise' or 'skip', found {on_corruption!r}")
        self.path = os.fspath(path)
        self._counted = open_bytes(self.path)
        file = buffered(self._counted)
        self._head = file.peek(HEADER_SIZE)[:HEADER_SIZE]
        self.compression: Compression = (
            detect_compression(self._head) if compression == "auto" else compression
        )
        self._source = file if self.compression is None else decompressed(file, self.compression)
        self._blocks = Blocks(self._source, self.path, skip=on_corruption == "skip")
        self._error: CorruptRecordError | None = None
        self._ended = False
        self._warned = False
        # Of the block that was cut last, copies of the records, and how many are delivered.
        self._block: RecordBlock | None = None
        self._data: list[bytes] = []
        self._num_taken = 0

    @property
    def num_bytes_read(self) -> int:
        """How many bytes of the file, as it is stored, have been read so far."""
        return self._counted.num_read

    @property
    def lost(self) -> list[LostBytes]:
        """The damaged places that were passed over so far."""
        return list(self._blocks.lost)

    def records(self) -> Iterator[Record]:
        """The records that are left, each with its place."""
        while self._has_record():
            offsets = self._block.frame_offsets.tolist() if self._block else []
            while self._num_taken < len(self._data):
                at = self._num_taken
                self._num_taken += 1
                yield Record(self._data[at], self.path, offsets[at])

    def read_block(self) -> tuple[list[bytes], list[int]]:
        """Those of the records that are left that were read together; none at the end.

        Returns:
            Their data; and for each the byte at which its frame begins, as `Record.offset`.
        """
        if not self._has_record():
            return [], []
        assert self._block is not None
        first, self._num_taken = self._num_taken, len(self._data)
        return self._data[first:], self._block.frame_offsets[first:].tolist()

    def read_many(self, count: int) -> list[bytes]:
        """The next `count` records; fewer before the end or a damage, and none at the end."""
        if count < 1:
            raise ValueError(f"count: expected at least 1, found {count}")
        records: list[bytes] = []
        try:
            while len(records) < count and self._has_record():
                wanted = slice(self._num_taken, self._num_taken + count - len(records))
                records += self._data[wanted]
                self._num_taken = min(wanted.stop, len(self._data))
        except CorruptRecordError:
            if not records:
                raise  # otherwise the next call will
        return records

    def blocks(self) -> Iterator[RecordBlock]:
        """The records that are left, as they lie in the bytes of the file, without a copy of each.

        For code that decodes many records at once. How many there are in a block is not said.
        """
        while True:
            block = self._rest_of_block() or self._next_block()
            if block is None:
                return
            yield block

    def __iter__(self) -> "RecordReader":
        return self

    def __next__(self) -> bytes:
        if not self._has_record():
            raise StopIteration
        self._num_taken += 1
        return self._data[self._num_taken - 1]

    def close(self) -> None:
        """Closes the file. Closing again does nothing."""
        self._block, self._data, self._num_taken = None, [], 0
        self._source.close()
        self._warn_of_losses()

    def __enter__(self) -> "RecordReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _has_record(self) -> bool:
        if self._num_taken < len(self._data):
            return True
        if self._block is not None:
            self._blocks.take_back()  # its records are copied, and all of them taken
        self._block = self._next_block()
        self._data = [] if self._block is None else self._block.data()
        self._num_taken = 0
        return self._block is not None

    def _rest_of_block(self) -> RecordBlock | None:
        """What `blocks` owes of a block that others have begun."""
        block, taken = self._block, self._num_taken
        self._block, self._data, self._num_taken = None, [], 0
        if block is None or taken == len(block.starts):
            return None
        return block._replace(starts=block.starts[taken:], lengths=block.lengths[taken:])

    def _next_block(self) -> RecordBlock | None:
        if self._error is not None:
            raise self._error
        if self._ended:
            return None
        try:
            block = self._blocks.next_block()
        except Damage as damage:
            self.close()
            self._error = self._corrupt(damage)
            raise self._error from None
        if block is None:
            self._ended = True
            self.close()
        return block

    def _corrupt(self, damage: Damage) -> CorruptRecordError:
        offset = self._blocks.offset
        stream = "" if self.compression is None else " of the uncompressed stream"
        return CorruptRecordError(
            str(damage),
            at=f"{self.path} @ byte {offset}{stream}",
            hint=self._hint() if offset == 0 else None,
        )

    def _hint(self) -> str:
        """What the first bytes say of a file of which not even the first record can be read."""
        likely = detect_compression(self._head)
        if likely != self.compression and (likely is not None or is_plain(self._head)):
            return f'it looks like compression={likely!r}; compression="auto" finds out'
        return "if no record can be read at all, this may not be a TFRecord file"

    def _warn_of_losses(self) -> None:
        lost = self._blocks.lost
        if self._warned or not lost:
            return
        self._warned = True
        places = [f"  @ byte {place.offset}: {place.problem}" for place in lost[:_MOST_NAMED]]
        if len(lost) > _MOST_NAMED:
            places.append(f"  and {len(lost) - _MOST_NAMED} more")
        num_bytes = sum(place.num_bytes for place in lost)
        warnings.warn(
            f"{self.path}: damaged places passed over: {len(lost)}, with {num_bytes} bytes\n"
            + "\n".join(places),
            stacklevel=2,
        )
