"""DATA of `varlen train`: a folder of record files, or other files, which are made into one."""

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from varlen.cli._convert_in import reader_of
from varlen.cli._format_names import RECORDS, format_of, input_format
from varlen.cli._inputs import local_files, progress_bar, shown_warnings
from varlen.cli._shards import Sharding, with_splits, write_splits
from varlen.cli._whole import whole_folder
from varlen.errors import ConfigError
from varlen.formats import CsvLayout, Kinds, Progress, Row

_SPLIT = re.compile(r"(?:^|[-_.])(train|valid|validation|val|dev|test)(?=[-_.]|$)")
_SOURCE = "source.json"


@contextmanager
def record_folder(
    paths: Sequence[Path], cache: Path | None, split_by: str | None
) -> Iterator[Path]:
    """A folder of record files of what is in `paths`.

    A folder that has record files is itself; a folder of other files stands for these. They are
    read into `cache`, unless they have been before and are still the same.

    Args:
        paths: a folder, or files of one format.
        cache: where to make records; None for a folder that is gone afterwards.
        split_by: the context feature that names the split of a record; None to go by the names of
            files.

    Raises:
        ConfigError: there is nothing that can be read.
        What the readers of formats raise.
    """
    if _has_records(paths):
        if split_by is not None:
            raise ConfigError(
                "--split-by is for files that are not record files yet",
                at=str(paths[0]),
                hint="`varlen convert --split-by` makes record files by split",
            )
        yield paths[0]
        return
    files = _files_in(paths)
    with ExitStack() as stack:
        if cache is None:
            temporary = tempfile.TemporaryDirectory(prefix="varlen-")
            cache = Path(stack.enter_context(temporary)) / "data"
        source = _described(files, split_by)
        if not _is_cached(cache, source):
            _convert(files, cache, split_by, source)
        yield cache


def _has_records(paths: Sequence[Path]) -> bool:
    if not paths[0].exists():
        raise ConfigError(
            "no such data folder or file", at=str(paths[0]), hint="`varlen convert` makes one"
        )
    return len(paths) == 1 and paths[0].is_dir() and any(paths[0].glob("*.tfrecord"))


def _files_in(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(file for file in path.iterdir() if format_of(file.name))
            if not found:
                raise ConfigError(
                    "no data files in the folder",
                    at=str(path),
                    hint="expected record files (train-*.tfrecord), or files named .jsonl, .csv, "
                    ".tsv, .conllu, .parquet, .arrow or .npz",
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
    return files


def _convert(
    files: Sequence[Path], folder: Path, split_by: str | None, source: dict[str, Any]
) -> None:
    format_name = input_format([str(file) for file in files], None)
    reader = reader_of(format_name, CsvLayout())
    kinds = Kinds()
    with (
        shown_warnings(),
        local_files([str(file) for file in files], pipes_too=False) as local,
        progress_bar(local, reader.num_passes) as progress,
        whole_folder(folder) as beside,
    ):
        rows = _rows(reader, local, split_by, progress)
        splits = write_splits(kinds.checked(rows), beside, Sharding(1, None, None, None))
        if not splits:
            raise ConfigError("expected a record at least, found none", at=str(files[0]))
        (beside / _SOURCE).write_text(json.dumps(source))


def _rows(
    reader: Any, files: Sequence[str], split_by: str | None, progress: Progress
) -> Iterator[Row]:
    if split_by is not None:
        yield from with_splits(reader.rows(files, progress), split_by)
        return
    by_split: dict[str | None, list[str]] = {}
    for file in files:
        by_split.setdefault(_split_of(file), []).append(file)
    for split, of_split in by_split.items():
        for row in reader.rows(of_split, progress):
            yield row._replace(split=row.split or split or "train")


def _split_of(file: str) -> str | None:
    found = _SPLIT.search(Path(file).name.lower())
    return found[1] if found else None


def _described(files: Sequence[Path], split_by: str | None) -> dict[str, Any]:
    """What has changed if the records are to be made anew."""
    stats = [(str(file.resolve()), file.stat()) for file in files]
    return {
        "files": [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats],
        "split_by": split_by,
    }


def _is_cached(cache: Path, source: dict[str, Any]) -> bool:
    try:
        found = json.loads((cache / _SOURCE).read_text())
    except (OSError, ValueError):
        return False
    return bool(found == source)
