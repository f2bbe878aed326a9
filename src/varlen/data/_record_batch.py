"""`RecordBatch`: the raw records of one batch, before they are parsed."""

from collections.abc import Sequence
from dataclasses import dataclass
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

    def __len__(self) -> int:
        return len(self.data)

    @property
    def places(self) -> Sequence[str]:
        """File and byte of each record, as error messages name them."""
        return _Places(self)

    def record(self, number: int) -> Record:
        """One of the records."""
        return Record(self.data[number], self.paths[number], self.offsets[number])

    def rows(self, begin: int, end: int) -> "RecordBatch":
        """The batch of the records from `begin` up to, and without, `end`."""
        return RecordBatch(self.data[begin:end], self.paths[begin:end], self.offsets[begin:end])


class _Places(Sequence[str]):
    """Made one by one, for only the place of a record that fails is ever asked for."""

    def __init__(self, batch: RecordBatch) -> None:
        self._batch = batch

    def __len__(self) -> int:
        return len(self._batch)

    def __getitem__(self, number: Any) -> Any:
        return self._batch.record(number).place
