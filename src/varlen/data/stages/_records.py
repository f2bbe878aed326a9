"""`Records`: the records of files, one file after the other."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from varlen.data._record_batch import RecordBatch
from varlen.data._stage import StageIterator
from varlen.errors import CheckpointError
from varlen.records import Record, RecordReader, expand_paths


@dataclass(frozen=True)
class Records:
    """The records of TFRecord files, in order, each a `Record` of bytes, path and offset.

    The beginning of a pipeline. Resuming reads the file in question again up to the position.

    Args:
        paths: files and patterns, as for `varlen.records.expand_paths`; looked up when a pass
            begins.

    Raises:
        OSError: beginning a pass; a file is missing or cannot be read.
        CorruptRecordError: while iterating; a file is damaged.
    """

    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

    def __post_init__(self) -> None:
        if not isinstance(self.paths, str | os.PathLike):
            object.__setattr__(self, "paths", tuple(self.paths))

    def __iter__(self) -> StageIterator:
        return _RecordsIterator(expand_paths(self.paths))


class _RecordsIterator(StageIterator):
    def __init__(self, files: Sequence[str]) -> None:
        self._files = files
        self._begin(0)

    def _begin(self, file: int) -> None:
        self._runs = _runs(self._files, file)
        self._run = RecordBatch([], [], [])  # records of the file that follow each other
        self._num_used = 0  # of them
        self._file, self._taken = file, 0

    def __next__(self) -> Record:
        if self._num_used == len(self._run) and not self._begin_run():
            raise StopIteration
        record = self._run.record(self._num_used)
        self._num_used += 1
        self._taken += 1
        return record

    def take(self, most: int) -> RecordBatch:
        if self._num_used == len(self._run) and not self._begin_run():
            return RecordBatch([], [], [])
        records = self._run.rows(self._num_used, self._num_used + most)
        self._num_used += len(records)
        self._taken += len(records)
        return records

    def _begin_run(self) -> bool:
        """Whether there are more records."""
        found = next(self._runs, None)
        if found is None:
            return False
        file, self._run = found
        self._num_used = 0
        if file != self._file:
            self._file, self._taken = file, 0
        return True

    def state_dict(self) -> dict[str, Any]:
        return {"file": self._file, "name": self._name(self._file), "taken": self._taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        file, name, taken = state["file"], state["name"], state["taken"]
        if file >= len(self._files) or self._name(file) != name:
            found = repr(self._name(file)) if file < len(self._files) else "none"
            raise CheckpointError(
                f"expected file {file} of {len(self._files)} to be {name!r}, as when the state "
                f"was saved, found {found}"
            )
        self._begin(file)
        if self.skip(taken) < taken or self._file != file:
            raise CheckpointError(
                f"expected at least {taken} records, as when the state was saved, "
                "found the end of the file",
                at=self._files[file],
            )

    def begin_epoch(self, epoch: int) -> None:
        self._begin(0)

    def _name(self, file: int) -> str:
        # Without its folder: data may move between saving and resuming.
        return os.path.basename(self._files[file])


def _runs(files: Sequence[str], first: int) -> Iterator[tuple[int, RecordBatch]]:
    """Number of a file, and records of it that were read together; never none."""
    for file in range(first, len(files)):
        with RecordReader(files[file]) as reader:
            while (block := reader.read_block())[0]:
                data, offsets = block
                yield file, RecordBatch(data, [files[file]] * len(data), offsets)
