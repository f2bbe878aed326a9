"""DATA of `varlen train`: a folder of record files, or other files, which are made into one."""

import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from varlen.cli._convert_in import reader_of
from varlen.cli._format_names import RECORDS, format_of, input_format
from varlen.cli._held_out import with_ends_held_out
from varlen.cli._inputs import progress_bar, shown_warnings
from varlen.cli._reading import Reading
from varlen.cli._shards import Sharding, write_splits
from varlen.cli._whole import whole_folder
from varlen.errors import ConfigError, FeatureError
from varlen.formats import CsvLayout, Kinds, Progress, Row
from varlen.records import RecordReader
from varlen.train._splits import VALIDATION_NAMES

_SPLIT_NAMES = ("train", *VALIDATION_NAMES, "test")
_SPLIT = re.compile(rf"(?:^|[-_.])({'|'.join(_SPLIT_NAMES)})(?=[-_.]|$)")
_SPLIT_KEY = "split"  # as many call it
_PLACE = re.compile(r"(?P<file>.*?(?P<split>[\w-]+)-00000-of-00001\.tfrecord) @ byte (?P<byte>\d+)")
_SOURCE = "source.json"
_RUN_FILES = ("config.json", "vocabulary.json")
_EXPECTED = (
    "expected a folder of record files (train-*.tfrecord), or files named .jsonl, .csv, .tsv, "
    ".conllu, .parquet, .arrow, .npz or .txt"
)


@contextmanager
def record_folder(
    paths: Sequence[Path],
    cache: Path | None,
    reading: Reading,
    *,
    rest: str = "train",
    valid_share: float | None = None,
) -> Iterator[Path]:
    """A folder of record files of what is in `paths`.

    A folder that has record files is itself; other files, or a folder of them, are made into
    records in `cache`, unless they have been before and are still the same.

    Args:
        paths: a folder, or files of one format.
        cache: where to make records; None for a folder that is gone afterwards.
        reading: how files that are no record files are meant.
        rest: the split of files whose names do not say one.
        valid_share: of texts that are to be learned, how much of the end is for the split "valid",
            if there is no file for that; None for nothing.

    Raises:
        ConfigError: there is nothing that can be read.
        What the readers of formats raise.
    """
    if has_records(paths):
        reading.refuse("is for files that are not record files yet", at=str(paths[0]))
        yield paths[0]
        return
    files = _files_in(paths)
    with ExitStack() as stack:
        folder = cache
        if folder is None:
            temporary = tempfile.TemporaryDirectory(prefix="varlen-")
            folder = Path(stack.enter_context(temporary)) / "data"
        source = _described(files, reading, rest, _held_out(files, valid_share))
        if not _is_cached(folder, source):
            count = _convert(files, folder, reading, source)
            if cache is not None:
                print(f"{count:,} records made of {_named(files)} in {cache}", file=sys.stderr)
        with source_places(folder):
            yield folder


@contextmanager
def source_places(folder: Path) -> Iterator[None]:
    """Names file and line in errors about records that were made of other files."""
    try:
        yield
    except FeatureError as error:
        found = _PLACE.match(error.at or "")
        if found is None or Path(found["file"]).parent != folder:
            raise
        place = _source_place(folder, found["split"], Path(found["file"]), int(found["byte"]))
        if place is None:
            raise
        rest = str(error.at)[found.end() :]
        raise FeatureError(error.problem, at=f"{place}{rest}", hint=error.hint) from error


def has_records(paths: Sequence[Path]) -> bool:
    """Whether it is a folder of record files.

    Raises:
        ConfigError: there is no such folder or file.
    """
    if not paths[0].exists():
        raise ConfigError(
            "no such data folder or file", at=str(paths[0]), hint="`varlen convert` makes one"
        )
    return len(paths) == 1 and paths[0].is_dir() and any(paths[0].glob("*.tfrecord"))


def _files_in(paths: Sequence[Path]) -> list[str]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            if all((path / name).is_file() for name in _RUN_FILES):
                raise ConfigError(
                    "expected data, found the folder of a run",
                    at=str(path),
                    hint=f"go on with it by `varlen train --resume {path}`; its config.json says "
                    "which data it learned from",
                )
            found = sorted(file for file in path.iterdir() if format_of(file.name))
            # Beside other data, a text says what this is.
            found = [file for file in found if format_of(file.name) != "txt"] or found
            if not found:
                raise ConfigError(
                    "no data files in the folder",
                    at=str(path),
                    hint=_EXPECTED,
                )
            files += found
        elif not path.exists():
            raise ConfigError("no such file", at=str(path))
        else:
            files.append(path)
    for file in files:
        if format_of(file.name) == RECORDS:
            raise ConfigError(
                "expected the folder of record files, found a record file",
                at=str(file),
                hint="give its folder, in which files are named like train-00000-of-00001.tfrecord",
            )
        if format_of(file.name) is None:
            raise ConfigError(
                "cannot tell the format of the file by its name", at=str(file), hint=_EXPECTED
            )
    file, times = Counter(files).most_common(1)[0]
    if times > 1:
        raise ConfigError("the file is given more than once", at=str(file))
    formats = {str(format_of(file.name)): file for file in files}
    if len(formats) > 1:
        listed = " and ".join(f"{name} ({file.name})" for name, file in formats.items())
        raise ConfigError(
            f"expected files of one format, found {listed}",
            at=str(files[0].parent),
            hint="give the files of one of them",
        )
    return [str(file) for file in files]


def _held_out(files: Sequence[str], valid_share: float | None) -> float | None:
    """The share, if there is something of which it can be held out."""
    is_text = all(format_of(file) == "txt" for file in files)
    has_valid = any(_split_of(file) in VALIDATION_NAMES for file in files)
    return valid_share if is_text and not has_valid else None


def _convert(files: Sequence[str], folder: Path, reading: Reading, source: dict[str, Any]) -> int:
    """Makes the record files and says how many records there are."""
    num_passes = reader_of(input_format(files, None), CsvLayout()).num_passes
    with (
        shown_warnings(),
        progress_bar(files, num_passes * (1 if source["held_out"] is None else 2)) as progress,
        whole_folder(folder) as beside,
    ):
        named = set[str]()
        rows = Kinds().checked(_rows(files, reading, source, progress))
        if reading.split_by is None and not all(map(_split_of, files)):
            rows = _noting_splits(rows, named)
        splits = write_splits(rows, beside, Sharding(1, None, None, None))
        if not splits:
            raise ConfigError("expected a record at least, found none", at=files[0])
        (beside / _SOURCE).write_text(json.dumps(source))
    if named - {source["rest"]}:
        print(
            f"note: all records are taken as {source['rest']}, though their {_SPLIT_KEY!r} says "
            f"{', '.join(sorted(named))}; say --split-by {_SPLIT_KEY} to keep these apart",
            file=sys.stderr,
        )
    return sum(split.records for split in splits.values())


def _noting_splits(rows: Iterator[Row], named: set[str]) -> Iterator[Row]:
    """The rows, of which the names of splits are noted that stand in them."""
    for row in rows:
        name = row.context.get(_SPLIT_KEY)
        if isinstance(name, str) and name in _SPLIT_NAMES:
            named.add(name)
        yield row


def _rows(
    files: Sequence[str], reading: Reading, source: dict[str, Any], progress: Progress
) -> Iterator[Row]:
    read = partial(_rows_of_files, files, reading, source["rest"], progress)
    held_out = source["held_out"]
    return read() if held_out is None else with_ends_held_out(read, held_out)


def _rows_of_files(
    files: Sequence[str], reading: Reading, rest: str, progress: Progress
) -> Iterator[Row]:
    format_name = input_format(files, None)
    reading.check(format_name, at=files[0])
    by_split: dict[str, list[str]] = {}
    for file in files:
        by_split.setdefault(_split_of(file) or rest, []).append(file)
    for split, of_split in by_split.items():
        yield from reading.rows(format_name, of_split, progress, split=split)


def _split_of(file: str) -> str | None:
    found = _SPLIT.search(Path(file).name.lower())
    return found[1] if found else None


def _described(
    files: Sequence[str], reading: Reading, rest: str, held_out: float | None
) -> dict[str, Any]:
    """What has changed if the records are to be made anew; as JSON has it."""
    stats = [(Path(file).resolve(), Path(file).stat()) for file in files]
    described = {
        "files": [[str(path), stat.st_size, stat.st_mtime_ns] for path, stat in stats],
        "reading": reading._asdict(),
        "rest": rest,
        "held_out": held_out,
    }
    return dict(json.loads(json.dumps(described)))


def _is_cached(folder: Path, source: dict[str, Any]) -> bool:
    try:
        return bool(json.loads((folder / _SOURCE).read_text()) == source)
    except (OSError, ValueError):
        return False


def _source_place(folder: Path, split: str, file: Path, offset: int) -> str | None:
    """Where a record came from; None if its source is not what it was."""
    try:
        source = json.loads((folder / _SOURCE).read_text())
        stated = source["reading"]
        reading = Reading(
            stated["split_by"], stated["group_by"], tuple(stated["context"]), tuple(stated["words"])
        )
        files = [name for name, _, _ in source["files"]]
        if _described(files, reading, source["rest"], source["held_out"]) != source:
            return None
    except (OSError, ValueError, KeyError):
        return None
    with RecordReader(str(file)) as reader:
        number = sum(record.offset < offset for record in reader.records())
    rows = _rows(files, reading, source, lambda _: None)
    of_split = (row.place for row in rows if row.split == split)
    return next((place for i, place in enumerate(of_split) if i == number), None)


def _named(files: Sequence[str]) -> str:
    first = Path(files[0]).name
    return first if len(files) == 1 else f"{first} and {len(files) - 1} more"
