"""Indexes of record files: built, saved, and described."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from varlen.cli._progress import byte_bar
from varlen.cli._text import printable, table, terminal_width
from varlen.errors import ConfigError, CorruptRecordError
from varlen.records import RecordIndex, expand_paths


def index_files(files: Sequence[str], feature: str | None) -> list[RecordIndex]:
    """Builds the index of each file and saves it beside it, with a bar on a terminal.

    Raises:
        ConfigError: no record of any file has a step of the feature; then nothing is saved.
        What `RecordIndex.build` and `RecordIndex.save` raise.
    """
    paths = expand_paths(files)
    indexes: list[RecordIndex] = []
    with byte_bar("index", paths) as advance:
        for path in paths:
            indexes.append(build_index(path, feature, along(advance)))
            if feature is None or _num_steps(indexes[-1]):
                indexes[-1].save()
    without_steps = [index for index in indexes if feature is not None and not _num_steps(index)]
    if len(without_steps) == len(indexes) and any(map(len, indexes)):
        raise ConfigError(
            f"no record has a step of a feature named {feature!r}",
            at="--feature",
            hint="`varlen inspect` says which features there are",
        )
    for index in without_steps:
        index.save()
    return indexes


def print_indexes(indexes: Sequence[RecordIndex], *, as_json: bool) -> None:
    """Prints what was found, as a table or as a JSON list."""
    if as_json:
        print(json.dumps([_as_json(index) for index in indexes], indent=2))
        return
    feature = indexes[0].feature
    header = ["file", "records", "bytes"]
    if feature is not None:
        header += [f"steps of {printable(feature)}: min", "median", "max"]
    rows = [
        [
            printable(index.path),
            f"{len(index):,}",
            f"{index.file_size:,}",
            *("" if number is None else f"{number:,}" for number in _extent(index)),
        ][: len(header)]
        for index in indexes
    ]
    print("\n".join(table(header, rows, left=1, width=terminal_width())))


def build_index(path: str, feature: str | None, progress: Callable[[int], None]) -> RecordIndex:
    """Reads a file through. Raises what `RecordIndex.build` raises."""
    try:
        return RecordIndex.build(path, feature=feature, progress=progress)
    except CorruptRecordError as error:
        raise with_cure(error) from None


def with_cure(error: CorruptRecordError) -> CorruptRecordError:
    """The error with what to do about damage."""
    hint = "`varlen inspect --check` lists all damage, `varlen repair` saves the sound records"
    return CorruptRecordError(error.problem, at=error.at, hint=error.hint or hint)


def along(advance: Callable[[int], None]) -> Callable[[int], None]:
    """What moves a bar on, told how many bytes of one more file have been read."""
    num_before = 0

    def progress(num_read: int) -> None:
        nonlocal num_before
        advance(num_read - num_before)
        num_before = num_read

    return progress


def _num_steps(index: RecordIndex) -> int:
    return 0 if index.steps is None else int(index.steps.sum())


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
