"""The records of several files by one number, read where they are asked."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.data._record_batch import RecordBatch
from varlen.records import IndexedReader, Record, RecordIndex

_Numbers = npt.NDArray[np.int64]


class IndexedFiles:
    """All records of some files, numbered from the first of the first file on.

    Files are opened when a record of theirs is asked for; copies in other processes open them anew.

    Args:
        indexes: of the files, in order.
    """

    def __init__(self, indexes: Sequence[RecordIndex]) -> None:
        self._indexes = list(indexes)
        self._starts = np.cumsum([0, *map(len, indexes)])
        # Of the records of all files, so that a batch looks them up at once.
        self._offsets = _joined([index.offsets for index in indexes])
        self._sizes = _joined([index.lengths for index in indexes])
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
        offsets = self._offsets[numbers]
        return RecordBatch(
            self._read(files, offsets, self._sizes[numbers]),
            [self._indexes[file].path for file in files.tolist()],
            offsets.tolist(),
        )

    def known_lengths(self, feature: str | None) -> _Numbers | None:
        """How many steps of `feature` each record has, if that is what the indexes have counted."""
        features = {index.feature for index in self._indexes}
        if len(features) != 1 or (feature is not None and feature not in features):
            return None
        counted = [index.steps for index in self._indexes if index.steps is not None]
        return _joined(counted) if len(counted) == len(self._indexes) else None

    def known_bytes(self) -> _Numbers:
        """How many bytes of data each record has."""
        return self._sizes

    def begin_epoch(self, epoch: int) -> None:
        """The records are the same in every epoch."""

    def _read(self, files: _Numbers, offsets: _Numbers, sizes: _Numbers) -> list[bytes]:
        """Those of each file together, for a call costs more than reading a record."""
        data = [b""] * len(files)
        by_file = np.argsort(files, kind="stable")
        ends = np.searchsorted(files[by_file], np.arange(len(self._indexes)), side="right").tolist()
        for file, (begin, end) in enumerate(pairwise([0, *ends])):
            if begin < end:
                those = by_file[begin:end]
                read = self._reader(file).read_at(offsets[those], sizes[those])
                for i, record in zip(those.tolist(), read, strict=True):
                    data[i] = record
        return data

    def _reader(self, file: int) -> IndexedReader:
        if file not in self._readers:
            index = self._indexes[file]
            self._readers[file] = IndexedReader(index.path, index=index)
        return self._readers[file]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_readers": {}}


def _joined(arrays: Sequence[_Numbers]) -> _Numbers:
    return np.concatenate([np.empty(0, np.int64), *arrays])
