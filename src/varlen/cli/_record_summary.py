"""Record files in two tables: the files, and the features in all of them together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from varlen.cli._decode import decode
from varlen.errors import ConfigError
from varlen.records import RecordReader


class _File(NamedTuple):
    path: Path
    compression: str
    num_records: int


@dataclass
class _Feature:
    """What the records have under one name."""

    num_records: int = 0
    kinds: set[str] = field(default_factory=set)
    lengths: Counter[int] = field(default_factory=Counter)
    step_sizes: set[int] = field(default_factory=set)

    def add(self, length: int, steps: Sequence[Any]) -> None:
        self.num_records += 1
        self.lengths[length] += 1
        for step in steps:
            kind = step.WhichOneof("kind")
            if kind is None:
                self.step_sizes.add(0)
            else:
                self.kinds.add(kind.removesuffix("_list"))
                self.step_sizes.add(len(getattr(step, kind).value))


def print_summary(paths: Sequence[Path]) -> None:
    """Reads the files through and prints what they hold.

    Raises:
        CorruptRecordError: a file is damaged.
        FeatureError: a record is no SequenceExample and no Example.
        ConfigError: there is not one record in all files. (An empty file among others is sound.)
    """
    context: dict[str, _Feature] = {}
    sequences: dict[str, _Feature] = {}
    files = [_read(path, context, sequences) for path in paths]
    if not any(file.num_records for file in files):
        names = ", ".join(str(path) for path in paths)
        raise ConfigError("expected a record at least, found none", at=names)
    console = Console()
    console.print(_file_table(files))
    console.print()
    console.print(_feature_table(context, sequences))


def _read(path: Path, context: dict[str, _Feature], sequences: dict[str, _Feature]) -> _File:
    num_records = 0
    with RecordReader(path) as reader:
        for record in reader.records():
            num_records += 1
            example = decode(record)
            for name, feature in example.context.feature.items():
                known = context.setdefault(name, _Feature())
                known.add(_num_values(feature), [feature])
            for name, steps in example.feature_lists.feature_list.items():
                sequences.setdefault(name, _Feature()).add(len(steps.feature), steps.feature)
        return _File(path, reader.compression or "none", num_records)


def _num_values(feature: Any) -> int:
    kind = feature.WhichOneof("kind")
    return len(getattr(feature, kind).value) if kind else 0


def _file_table(files: Sequence[_File]) -> Table:
    table = _table("file", "records", "bytes", "compression")
    for path, compression, num_records in files:
        table.add_row(str(path), f"{num_records:,}", f"{path.stat().st_size:,}", compression)
    if len(files) > 1:
        num_records = sum(file.num_records for file in files)
        num_bytes = sum(file.path.stat().st_size for file in files)
        table.add_row(f"{len(files)} files", f"{num_records:,}", f"{num_bytes:,}", "")
    return table


def _feature_table(context: dict[str, _Feature], sequences: dict[str, _Feature]) -> Table:
    table = _table("feature", "in", "kind", "records", "min", "median", "max", "per step")
    for name, feature in sorted(context.items()):
        table.add_row(*_row(name, "context", feature), "")
    for name, feature in sorted(sequences.items()):
        sizes = sorted(feature.step_sizes) or [0]
        per_step = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        table.add_row(*_row(name, "lists", feature), per_step)
    return table


def _row(name: str, place: str, feature: _Feature) -> list[str]:
    lengths = feature.lengths
    return [
        name,
        place,
        ", ".join(sorted(feature.kinds)) or "empty",
        f"{feature.num_records:,}",
        *(f"{length:,}" for length in (min(lengths), _median(lengths), max(lengths))),
    ]


def _median(lengths: Counter[int]) -> int:
    """The lower median."""
    below = 0
    for length in sorted(lengths):
        below += lengths[length]
        if 2 * below >= lengths.total():
            return length
    raise ValueError("no lengths have no median")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        is_number = column not in ("file", "feature", "in", "kind", "compression")
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    return table
