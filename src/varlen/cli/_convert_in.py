"""Other formats into a folder of record files."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from varlen.cli._inputs import local_files, progress_bar
from varlen.cli._shards import Sharding, Split, with_splits, write_splits
from varlen.cli._whole import check_folder, whole_folder
from varlen.errors import ConfigError
from varlen.formats import (
    CsvLayout,
    Kind,
    Kinds,
    Progress,
    Row,
    read_arrow,
    read_conllu,
    read_csv,
    read_json_lines,
    read_npz,
    read_parquet,
    read_text,
)


class _Reader(NamedTuple):
    """How files of a format are read.

    Attributes:
        rows: gives their rows.
        num_passes: how often it reads them through.
        in_order: whether it takes their bytes once, as they come from a pipe.
    """

    rows: Callable[[Sequence[str], Progress], Iterator[Row]]
    num_passes: int = 1
    in_order: bool = False


class Written(NamedTuple):
    """What came of a conversion.

    Attributes:
        folder: where the record files are.
        splits: what is in them, by split.
        features: the kind of each.
    """

    folder: Path
    splits: dict[str, Split]
    features: dict[str, Kind]


def convert_to_records(
    paths: Sequence[str],
    source: str,
    folder: Path,
    *,
    layout: CsvLayout,
    split_by: str | None,
    sharding: Sharding,
    overwrite: bool,
) -> Written:
    """Reads files of the format `source` and writes record files, with a bar on a terminal.

    Raises:
        ConfigError: there is something in `folder` that is not to be lost, or not one record in
            the files.
        What the reader of the format and `write_splits` raise.
    """
    check_folder(folder, overwrite=overwrite)
    reader = reader_of(source, layout)
    kinds = Kinds()
    with (
        local_files(paths, pipes_too=not reader.in_order) as local,
        progress_bar(local, reader.num_passes) as progress,
        whole_folder(folder) as beside,
    ):
        rows = with_splits(reader.rows(local, progress), split_by)
        splits = write_splits(kinds.checked(rows), beside, sharding)
        if not splits:
            raise ConfigError("expected a record at least, found none", at=", ".join(paths))
    return Written(folder, splits, kinds.found())


def reader_of(source: str, layout: CsvLayout) -> _Reader:
    csv = partial(read_csv, layout=layout._replace(delimiter="\t" if source == "tsv" else ","))
    return {
        "jsonl": _Reader(read_json_lines, in_order=True),
        "csv": _Reader(csv, num_passes=2),
        "tsv": _Reader(csv, num_passes=2),
        "conllu": _Reader(read_conllu, in_order=True),
        "parquet": _Reader(read_parquet),
        "arrow": _Reader(read_arrow),
        "npz": _Reader(read_npz),
        "txt": _Reader(read_text, in_order=True),
    }[source]
