"""The records of several files by one number, read where they are asked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.data._record_batch import RecordBatch
from varlen.records import IndexedReader, Record, RecordIndex


class IndexedFiles:
    """All records of some files, numbered from the first of the first file on.

    Files are opened when a record of theirs is asked for; copies in other processes open them anew.

    Args:
        indexes: of the files, in order.
    """

    def __init__(self, indexes: Sequence[RecordIndex]) -> None:
        self._indexes = list(indexes)
        self._starts = np.cumsum([0, *map(len, indexes)])
        self._readers: dict[int, IndexedReader] = {}

    def __len__(self) -> int:
        return int(self._starts[-1])

    def items_at(self, positions: Sequence[int]) -> list[Record]:
        """The records at some positions. Raises what `IndexedReader` raises."""
        batch = self.batch_at(positions)
        return list(map(batch.record, range(len(batch))))

    def batch_at(self, positions: Sequence[int]) -> RecordBatch:
        """The same as a batch."""
        numbers = np.asarray(positions, np.int64)
        files = np.searchsorted(self._starts, numbers, side="right") - 1
        within = numbers - self._starts[files]
        if len(numbers) and (files == files[0]).all():
            return self._batch_of(int(files[0]), within)
        by_file = np.argsort(files, kind="stable")
        parts = [
            self._batch_of(int(file), within[by_file][files[by_file] == file])
            for file in np.unique(files)
        ]
        records = [part.record(i) for part in parts for i in range(len(part))]
        return RecordBatch.of([records[i] for i in np.argsort(by_file)])

    def known_lengths(self, feature: str | None) -> npt.NDArray[np.int64] | None:
        """How many steps of `feature` each record has, if that is what the indexes have counted."""
        features = {index.feature for index in self._indexes}
        if len(features) != 1 or (feature is not None and feature not in features):
            return None
        counted = [index.steps for index in self._indexes if index.steps is not None]
        return _joined(counted) if len(counted) == len(self._indexes) else None

    def known_bytes(self) -> npt.NDArray[np.int64]:
        """How many bytes of data each record has."""
        return _joined([index.lengths for index in self._indexes])

    def begin_epoch(self, epoch: int) -> None:
        """The records are the same in every epoch."""

    def _batch_of(self, file: int, within: npt.NDArray[np.int64]) -> RecordBatch:
        reader = self._reader(file)
        offsets = reader.index.offsets[within].tolist()
        return RecordBatch(reader[within], [reader.path] * len(offsets), offsets)

    def _reader(self, file: int) -> IndexedReader:
        if file not in self._readers:
            index = self._indexes[file]
            self._readers[file] = IndexedReader(index.path, index=index)
        return self._readers[file]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_readers": {}}


def _joined(arrays: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *arrays])
