"""Blocks of records, cut from a stream of bytes, and the damage between them."""

import io
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from varlen._native import find_header, scan_frames, slice_bytes

from ._framing import FOOTER_SIZE, HEADER_SIZE, Damage, check_data, header_length

# Small enough that bytes are still in the processor's cache when their checksums are computed.
_BLOCK_SIZE = 1 << 18
# How many times the bytes that are there a buffer may be, for the sake of a length they tell of.
_GROWTH = 8
# How much may be checksummed in vain in search of the next record, see `_end_of_damaged_data`.
_SEARCH_ALLOWANCE = 1 << 26
_SEARCH_FACTOR = 8


class RecordBlock(NamedTuple):
    """Some records that follow each other, in one buffer.

    It can be decoded as it is: `varlen.decode_sequence_examples(block, ...)`.

    Attributes:
        buffer: bytes of the file, read-only.
        starts: where in `buffer` the data of each record start.
        lengths: how many bytes of data each record has.
        path: the file.
        offset: which byte of the file, uncompressed, `buffer` begins with.
    """

    buffer: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    path: str
    offset: int

    @property
    def frame_offsets(self) -> NDArray[np.int64]:
        """The byte of the file, uncompressed, at which each record's frame begins."""
        return self.starts + (self.offset - HEADER_SIZE)

    def place(self, number: int) -> str:
        """File and byte of the record of this number, as error messages name them."""
        return f"{self.path} @ byte {self.frame_offsets[number]}"

    def data(self) -> list[bytes]:
        """A copy of each record's data."""
        return slice_bytes(self.buffer, self.starts, self.lengths)


class LostBytes(NamedTuple):
    """A damaged place of a file, from the end of one sound record to the beginning of the next.

    Attributes:
        offset: the byte of the file, uncompressed, at which the damaged record begins.
        num_bytes: how many bytes were passed over.
        problem: what is wrong at `offset`.
    """

    offset: int
    num_bytes: int
    problem: str


class Blocks:
    """Cuts a stream of bytes into blocks of sound records.

    Args:
        source: the bytes, uncompressed; reading them may raise `Damage`.
        path: the file they come from.
        skip: passes over damage, and notes it in `lost`.

    Attributes:
        lost: the damaged places that were passed over.
        offset: the byte of the stream that was not yet delivered; after `Damage`, where it is.
    """

    def __init__(self, source: io.BufferedReader, path: str, *, skip: bool) -> None:
        self.lost: list[LostBytes] = []
        self._source = source
        self._path = path
        self._skip = skip
        self._buffer = np.empty(0, np.uint8)
        self._buffer_offset = 0
        self._begin = self._filled = 0  # of the buffer, what is there and not yet delivered
        self._is_kept = False  # whether somebody else may still look at the buffer
        self._source_ended = False
        self._source_damage: Damage | None = None
        self._losing: tuple[int, str] | None = None  # where the damage began, and what it was
        self._num_checked_in_vain = 0

    @property
    def offset(self) -> int:
        return self._buffer_offset + self._begin

    def next_block(self) -> RecordBlock | None:
        """The next records, at least one; None at the end.

        Raises:
            Damage: the next record is damaged, and damage is not passed over.
        """
        while True:
            starts, lengths = scan_frames(self._buffer[: self._filled], self._begin)
            if len(starts):
                return self._deliver(starts, lengths)
            try:
                needed = self._num_bytes_needed()
            except Damage as damage:
                if not self._skip:
                    raise
                self._pass_over(damage)
                continue
            if not needed:
                self._end_loss()
                return None
            self._read(needed)

    def take_back(self) -> None:
        """Nobody looks at the last block any more, so that its buffer may be used again."""
        self._is_kept = False

    def _deliver(self, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> RecordBlock:
        self._end_loss()
        self._begin = int(starts[-1] + lengths[-1]) + FOOTER_SIZE
        self._is_kept = True
        buffer = self._buffer[: self._begin]
        buffer.flags.writeable = False
        return RecordBlock(buffer, starts, lengths, self._path, self._buffer_offset)

    @property
    def _left(self) -> memoryview:
        return self._buffer.data[self._begin : self._filled]

    def _num_bytes_needed(self) -> int:
        """How many bytes must be there before the next record can be; 0 if there is none.

        Raises:
            Damage: it is damaged.
        """
        left = self._left
        if len(left) < HEADER_SIZE and self._more_may_come():
            return HEADER_SIZE
        if not left:
            return 0
        length = header_length(left)
        num_bytes = HEADER_SIZE + length + FOOTER_SIZE
        if len(left) < num_bytes and self._more_may_come():
            return num_bytes
        check_data(left[HEADER_SIZE:num_bytes], length)
        raise AssertionError("a record was sound, and the scan did not find it")

    def _more_may_come(self) -> bool:
        if self._source_damage is not None:
            raise self._source_damage
        return not self._source_ended

    def _read(self, needed: int) -> None:
        """Reads once, into a buffer with room for the `needed` bytes from `_begin` on, or more."""
        left = self._buffer[self._begin : self._filled]
        is_worn = self._begin + needed > len(self._buffer) or 2 * self._begin > len(self._buffer)
        if self._is_kept or is_worn:
            # A length is believed only as far as the bytes that are there bear it out.
            size = max(_BLOCK_SIZE, min(needed, _GROWTH * len(left)))
            is_new = self._is_kept or size > len(self._buffer)
            buffer = np.empty(size, np.uint8) if is_new else self._buffer
            buffer[: len(left)] = left
            self._buffer_offset += self._begin
            self._buffer, self._begin, self._filled = buffer, 0, len(left)
            self._is_kept = False
        try:
            count = self._source.readinto1(self._buffer.data[self._filled :])
        except Damage as damage:
            self._source_damage = damage
            count = 0
        self._source_ended = count == 0
        self._filled += count

    def _pass_over(self, damage: Damage) -> None:
        if self._losing is None:
            self._losing = self.offset, str(damage)
        if not self._left:
            self._source_damage = None  # it is noted, and all before it is delivered
            return
        end = self._end_of_damaged_data()
        if end is None:
            self._search()
        else:
            self._begin += end

    def _end_loss(self) -> None:
        if self._losing is not None:
            begin, problem = self._losing
            self.lost.append(LostBytes(begin, self.offset - begin, problem))
            self._losing = None

    def _end_of_damaged_data(self) -> int | None:
        """Where the damaged record ends, if its length can be trusted; counted from `_begin`.

        It is trusted if its checksum is right and there is another header, or nothing, behind it.
        Data may hold frames themselves, among which nobody should search without need.
        """
        try:
            length = header_length(self._left)
        except Damage:
            return None
        end = HEADER_SIZE + length + FOOTER_SIZE
        while len(self._left) < end + HEADER_SIZE and not self._source_ended:
            self._read(end + HEADER_SIZE)
        behind = self._left[end:]
        if len(self._left) == end or find_header(behind[:HEADER_SIZE], 0) == 0:
            return end
        if not behind:
            return None  # it is cut, and has not been checksummed
        # Headers that lie with a right checksum, and close to each other, would make the search
        # quadratic. Of such a file, some sound records may be lost.
        self._num_checked_in_vain += length
        allowed = _SEARCH_ALLOWANCE + _SEARCH_FACTOR * self.offset
        return end if self._num_checked_in_vain > allowed else None

    def _search(self) -> None:
        """Moves on to the next sound header, or to the end."""
        self._begin += 1
        while True:
            found = find_header(self._buffer[: self._filled], self._begin)
            if found >= 0:
                self._begin = found
                return
            self._begin = max(self._begin, self._filled - HEADER_SIZE + 1)
            if self._source_ended:
                self._begin = self._filled
                return
            self._read(HEADER_SIZE)
