"""Indexes of record files: built, saved, and described."""

import json
import os
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from varlen.records import RecordIndex, expand_paths


def index_files(files: Sequence[str], feature: str | None) -> list[RecordIndex]:
    """Builds the index of each file and saves it beside it, with a bar on a terminal.

    Raises:
        What `RecordIndex.build` and `RecordIndex.save` raise.
    """
    paths = expand_paths(files)
    total = sum(os.stat(path).st_size for path in paths if os.path.isfile(path))
    indexes: list[RecordIndex] = []
    with tqdm(total=total, desc="index", unit="B", unit_scale=True, disable=None) as bar:
        for path in paths:
            indexes.append(RecordIndex.build(path, feature=feature, progress=_along(bar)))
            indexes[-1].save()
    return indexes


def print_indexes(indexes: Sequence[RecordIndex], *, as_json: bool) -> None:
    """Prints what was found, as a table or as a JSON list."""
    if as_json:
        print(json.dumps([_as_json(index) for index in indexes], indent=2))
        return
    feature = indexes[0].feature
    table = Table("file", box=None, pad_edge=False)
    steps = [] if feature is None else [f"steps of {feature}: min", "median", "max"]
    for column in ["records", "bytes", *steps]:
        table.add_column(column, justify="right")
    for index in indexes:
        extent = ["" if number is None else f"{number:,}" for number in _extent(index)]
        table.add_row(index.path, f"{len(index):,}", f"{index.file_size:,}", *extent[: len(steps)])
    Console().print(table)


def _along(bar: Any) -> Any:
    """What moves `bar` on by the bytes of one more file."""
    before = bar.n
    return lambda num_read: bar.update(before + num_read - bar.n)


def _as_json(index: RecordIndex) -> dict[str, Any]:
    described = {
        "file": index.path,
        "index": str(RecordIndex.path_beside(index.path)),
        "records": len(index),
        "bytes": index.file_size,
    }
    if index.steps is not None:
        least, median, most = _extent(index)
        described["feature"] = index.feature
        described["steps"] = {
            "total": int(index.steps.sum()),
            "min": least,
            "median": median,
            "max": most,
        }
    return described


def _extent(index: RecordIndex) -> tuple[int | None, int | None, int | None]:
    """The fewest, the lower median and the most steps; None where there are no records."""
    if index.steps is None or not len(index):
        return None, None, None
    ordered = sorted(index.steps.tolist())
    return ordered[0], ordered[(len(ordered) - 1) // 2], ordered[-1]
