"""`RecordBatch`: the raw records of one batch, before they are parsed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from varlen.records import Record


@dataclass(frozen=True)
class RecordBatch:
    """The records of a batch and where they came from; `Parse` decodes them in one native call.

    Attributes:
        data: the bytes of each record.
        paths: the file of each.
        offsets: the byte of its file at which each one's frame begins.
    """

    data: list[bytes]
    paths: list[str]
    offsets: list[int]

    @classmethod
    def of(cls, records: Sequence[Record]) -> "RecordBatch":
        """The batch of these records."""
        columns = [list(column) for column in zip(*records, strict=True)] or [[], [], []]
        return cls(*columns)

    @classmethod
    def joined(cls, batches: Sequence["RecordBatch"]) -> "RecordBatch":
        """The batch of the records of some batches."""
        return cls(
            [data for batch in batches for data in batch.data],
            [path for batch in batches for path in batch.paths],
            [offset for batch in batches for offset in batch.offsets],
        )

    def __len__(self) -> int:
        return len(self.data)

    @property
    def places(self) -> Sequence[str]:
        """File and byte of each record, as error messages name them."""
        return _Places(self)

    def record(self, number: int) -> Record:
        """One of the records."""
        return Record(self.data[number], self.paths[number], self.offsets[number])

    def records(self) -> list[Record]:
        """All of them."""
        columns = zip(self.data, self.paths, self.offsets, strict=True)
        return list(map(tuple.__new__, repeat(Record), columns))  # as Record(*row), in C

    def rows(self, begin: int, end: int) -> "RecordBatch":
        """The batch of the records from `begin` up to, and without, `end`."""
        return RecordBatch(self.data[begin:end], self.paths[begin:end], self.offsets[begin:end])

    def taken(self, numbers: Sequence[int]) -> "RecordBatch":
        """The batch of the records with these numbers, in their order."""
        return RecordBatch(
            [self.data[i] for i in numbers],
            [self.paths[i] for i in numbers],
            [self.offsets[i] for i in numbers],
        )


class _Places(Sequence[str]):
    """Made one by one, for only the place of a record that fails is ever asked for."""

    def __init__(self, batch: RecordBatch) -> None:
        self._batch = batch

    def __len__(self) -> int:
        return len(self._batch)

    def __getitem__(self, number: Any) -> Any:
        return self._batch.record(number).place
