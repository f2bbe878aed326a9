"""`Parquet`: rows of Parquet files as examples. This needs pyarrow."""

import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.data._collate import collate
from varlen.data._indexed_pass import IndexedPass
from varlen.data.sources._arrays import ArrayExamples
from varlen.data.sources._tables import features_of, pyarrow
from varlen.errors import ConfigError, CorruptRecordError, did_you_mean
from varlen.records import expand_paths
from varlen.sequences import JaggedSequence

# A random order reads a row group again and again, but for those that are still here.
_GROUPS_KEPT = 8


@dataclass(frozen=True)
class Parquet:
    """The rows of Parquet files, read a row group at a time. The beginning of a pipeline.

    Columns are as in `Table`. Any row can be had, though a random order reads row groups again and
    again: `Shuffle` takes them as they come, and files with small row groups suit `Permute` and
    `FollowPlan`. The lengths of a column are read from this column alone.

    Args:
        paths: files and patterns, as for `varlen.records.expand_paths`.
        columns: their names; None for all.

    Raises:
        ImportError: beginning a pass; pyarrow is not installed.
        OSError: beginning a pass; a file is missing or cannot be read.
        CorruptRecordError: a file is damaged, or no Parquet file.
        ConfigError: beginning a pass; there is no such column.
        ValueError: as `Table`; the message names the file.
    """

    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
    columns: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.paths, str | os.PathLike):
            object.__setattr__(self, "paths", tuple(self.paths))
        if self.columns is not None:
            object.__setattr__(self, "columns", tuple(self.columns))

    def __iter__(self) -> IndexedPass:
        return IndexedPass(_RowGroups(expand_paths(self.paths), self.columns))


class _RowGroups:
    """The row groups of files, of which those used last are kept, as `Indexed`."""

    def __init__(self, files: Sequence[str], columns: Sequence[str] | None) -> None:
        self._columns = None if columns is None else list(columns)
        self._groups: list[tuple[str, int]] = []
        sizes = [0]
        for path in files:
            with _damage_told(path), _open(path) as file:
                _check_columns(columns, file.schema_arrow.names, path)
                for number in range(file.num_row_groups):
                    self._groups.append((path, number))
                    sizes.append(file.metadata.row_group(number).num_rows)
        self._starts = np.cumsum(sizes)
        self._kept: OrderedDict[int, ArrayExamples] = OrderedDict()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def items_at(self, positions: Sequence[int]) -> list[Any]:
        numbers = np.asarray(positions, np.int64)
        groups = np.searchsorted(self._starts, numbers, side="right") - 1
        items: list[Any] = [None] * len(numbers)
        for group in np.unique(groups):
            places = np.flatnonzero(groups == group)
            within = numbers[places] - self._starts[group]
            examples = self._group(int(group)).items_at(within.tolist())
            for place, example in zip(places, examples, strict=True):
                items[place] = example
        return items

    def batch_at(self, positions: Sequence[int]) -> Any:
        return collate(self.items_at(positions))

    def known_lengths(self, feature: str | None) -> npt.NDArray[np.int64] | None:
        if feature is None:
            return None
        lengths = [np.empty(0, np.int64)]
        for path in dict.fromkeys(path for path, _ in self._groups):
            with _damage_told(path), _open(path) as file:
                _check_columns([feature], file.schema_arrow.names, path)
                column = features_of(file.read(columns=[feature]), path)[feature]
            if not isinstance(column, JaggedSequence):
                raise ValueError(f"{path}: column {feature!r}: expected lists, to have lengths of")
            lengths.append(column.lengths)
        return np.concatenate(lengths)

    def known_bytes(self) -> None:
        return None

    def begin_epoch(self, epoch: int) -> None:
        """The rows are the same in every epoch."""

    def _group(self, number: int) -> ArrayExamples:
        if number not in self._kept:
            path, group = self._groups[number]
            with _damage_told(path), _open(path) as file:
                table = file.read_row_group(group, columns=self._columns)
            self._kept[number] = ArrayExamples(features_of(table, path))
            if len(self._kept) > _GROUPS_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]


def _open(path: str) -> Any:
    return pyarrow().parquet.ParquetFile(path)


@contextmanager
def _damage_told(path: str) -> Iterator[None]:
    """Makes a CorruptRecordError, which names the file, of what pyarrow has to say against it."""
    arrow = pyarrow()
    try:
        yield
    except FileNotFoundError:
        raise
    except (arrow.ArrowException, OSError) as error:
        raise CorruptRecordError(f"cannot be read as Parquet: {error}", at=path) from error


def _check_columns(columns: Sequence[str] | None, there: Sequence[str], path: str) -> None:
    for name in columns or ():
        if name not in there:
            raise ConfigError(
                f"no column named {name!r}",
                at=path,
                hint=f"of columns, {did_you_mean(name, there)}",
            )
