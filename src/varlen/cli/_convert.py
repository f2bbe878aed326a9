"""`varlen convert`: JSON Lines into a folder of record files."""

import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from varlen.errors import ConfigError

_Line = TypeVar("_Line")


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON Lines, one object a line; may be gzip.")
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the record files go; made here.")
    ],
    split_by: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The key that names a line's split [default: all train]."),
    ] = None,
    shards: Annotated[int, typer.Option(metavar="N", help="Files per split.")] = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a folder of record files.")
    ] = False,
) -> None:
    """Turn JSON Lines into TFRecord files of SequenceExamples.

    Lists become feature lists; strings and numbers become context features. The files are named
    like train-00000-of-00004.tfrecord, and they appear all at the end, or not at all.
    """
    from varlen.cli._json_lines import read_json_lines
    from varlen.cli._shards import check_free, made_whole, write_splits

    if shards < 1:
        raise ConfigError(f"--shards: expected at least 1, found {shards}")
    check_free(folder, overwrite=overwrite)
    with source.open("rb") as file, made_whole(folder) as beside:
        lines = read_json_lines(file, split_key=split_by)
        counts = write_splits(_shown(lines, file), beside, shards)
        if not counts:
            raise ConfigError("expected a line at least, found none", at=str(source))
    for split, count in counts.items():
        print(f"{split:12}{count:>12,} records in {folder}/{split}-*-of-{shards:05}.tfrecord")


def _shown(lines: Iterator[_Line], file: BufferedReader) -> Iterator[_Line]:
    """The lines, with a bar along the bytes of their file, on a terminal."""
    from tqdm import tqdm

    size = os.fstat(file.fileno()).st_size if file.seekable() else None
    with tqdm(total=size, desc="convert", unit="B", unit_scale=True, disable=None) as bar:
        for line in lines:
            if size is not None:
                bar.update(file.tell() - bar.n)
            yield line
