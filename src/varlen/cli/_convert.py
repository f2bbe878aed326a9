"""`varlen convert`: other formats into record files, and back."""

from pathlib import Path
from typing import Annotated, Any

import typer

from varlen.errors import ConfigError


def convert(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Of one format; patterns, URLs and - will do."),
    ],
    out: Annotated[
        str,
        typer.Argument(metavar="OUT", help="A folder for record files; or a file, or -."),
    ],
    from_format: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FORMAT",
            help="Of FILE: jsonl, csv, tsv, conllu, parquet, arrow, npz or tfrecord "
            "[default: by name].",
        ),
    ] = None,
    to_format: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="FORMAT", help="Of OUT: tfrecord, jsonl or parquet [default: by name]."
        ),
    ] = None,
    split_by: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="What names a record's split [default: all train]."),
    ] = None,
    shards: Annotated[
        int | None, typer.Option(metavar="N", help="Files per split [default: 1].")
    ] = None,
    max_records: Annotated[
        int | None, typer.Option(metavar="N", help="Or: at most N records per file.")
    ] = None,
    max_bytes: Annotated[
        int | None, typer.Option(metavar="N", help="Or: at most N bytes per file, uncompressed.")
    ] = None,
    compression: Annotated[
        str | None, typer.Option(metavar="KIND", help="Of record files: GZIP or ZLIB.")
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Lines of a table with the same value are a record."),
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="With --group-by: is no step. Repeatable."),
    ] = None,
    words: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Of a table: words between spaces. Repeatable."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace OUT, if it holds what we write.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Turn other formats into TFRecord files of SequenceExamples, and back.

    The files of a folder are named like train-00000-of-00004.tfrecord. OUT appears whole at the
    end, or not at all. A feature has one kind in all records: integers, numbers (float32), text
    or bytes. Text may be gzip.

    JSON Lines: an object a line. Lists are feature lists, lists of lists have several values a
    step, all else is context. Bytes are {"b64": "AP8="}.

    CSV, TSV: with a header. Each line is a record: a list in JSON notation is a feature list, an
    empty cell is a missing feature, all else is context. With --group-by, the lines that follow
    each other with the same key are the steps of one record, of every column but the key and
    those of --context. A column is of integers, of numbers, or else of text, as all its cells are.

    CoNLL-U: words are steps of form, lemma, upos, xpos, feats, head, deprel, deps and misc;
    comments with = are context. Multiword tokens and empty nodes are left out.

    Parquet, Arrow: list columns are feature lists, other columns context, null is missing. This
    needs pyarrow: pip install 'varlen[arrow]'.

    NumPy's .npz: with an array `lengths`, the others are sequences end to end or padded, or have a
    value for each record. Names like train_values are of the split train.

    Back to JSON Lines or Parquet, a feature is a list if it has not exactly one value in every
    record, and so is a step; bytes are text if all are UTF-8.
    """
    from varlen.cli._convert_in import convert_to_records
    from varlen.cli._convert_out import convert_from_records
    from varlen.cli._convert_summary import print_exported, print_written
    from varlen.cli._format_names import RECORDS, input_format, output_format
    from varlen.cli._inputs import shown_warnings
    from varlen.cli._shards import Sharding
    from varlen.formats import CsvLayout
    from varlen.records import expand_paths

    paths = expand_paths(files)
    source = input_format(paths, from_format)
    target = output_format(out, to_format, source)
    sharding = Sharding(shards, max_records, max_bytes, compression)
    layout = CsvLayout(group_by=group_by, context=tuple(context or ()), words=tuple(words or ()))
    _check_use(source, split_by, sharding, layout)
    with shown_warnings():
        if source == RECORDS:
            exported = convert_from_records(paths, target, out, overwrite=overwrite)
            print_exported(exported, as_json=as_json)
            return
        written = convert_to_records(
            paths,
            source,
            Path(out),
            layout=layout,
            split_by=split_by,
            sharding=sharding,
            overwrite=overwrite,
        )
        print_written(written, as_json=as_json)


def _check_use(source: str, split_by: str | None, sharding: Any, layout: Any) -> None:
    """Refuses options that would do nothing."""
    from varlen.cli._format_names import RECORDS, TABLES

    if source == RECORDS:
        given = {"--split-by": split_by}
        given |= {
            f"--{name.replace('_', '-')}": value for name, value in sharding._asdict().items()
        }
        _refuse(given, "is for writing record files")
    if source not in TABLES:
        given = {
            "--group-by": layout.group_by,
            "--context": layout.context,
            "--words": layout.words,
        }
        _refuse(given, "is for csv and tsv")
    if layout.context and layout.group_by is None:
        raise ConfigError("--context: expected --group-by beside it")
    sharding.check()


def _refuse(given: dict[str, Any], reason: str) -> None:
    for option, value in given.items():
        if value:
            raise ConfigError(f"{option} {reason}")
