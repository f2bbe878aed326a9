"""`varlen index`: where the records of files are, kept beside them."""

from typing import Annotated

import typer


def index(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Uncompressed record files, or patterns.")
    ],
    feature: Annotated[
        str | None, typer.Option(metavar="NAME", help="Also count the steps of this feature.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Keep beside each file where its records are, and how long.

    The index of data/train.tfrecord is data/train.tfrecord.index. With it, records can be read in
    any order, and batched by their lengths, without a pass over the file. It is not used when the
    file has changed.
    """
    from varlen.cli._record_index import index_files, print_indexes

    print_indexes(index_files(files, feature), as_json=as_json)
