"""`varlen inspect`: what is in record files."""

import os
from typing import Annotated

import typer

from varlen.errors import ConfigError

_DAMAGED = 1


def inspect(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="Record files: names, patterns, URLs, or - for a pipe."
        ),
    ],
    feature: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The feature whose lengths are shown. [default: the longest list]"
        ),
    ] = None,
    head: Annotated[
        int | None, typer.Option(metavar="N", help="Print the first N records of each file.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Print every damage and every misfit, and no more.")
    ] = False,
    schema: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="With --check: a schema that every record is to fit."),
    ] = None,
    save_schema: Annotated[
        str | None, typer.Option(metavar="FILE", help="Save the schema that all records fit.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; with --head, JSON Lines.")
    ] = False,
) -> None:
    """Print what record files hold: records, features, lengths, and how much padding would waste.

    Every record is read and every checksum verified, unless each file has a fresh index with the
    steps of one feature (see `varlen index --feature`): then steps come from the index, and all
    else from a sample of 1,000 records of each file.

    --check says of every damage, and of every record that does not fit, in which file and at which
    byte it is. With --schema, records are to have just the features of the schema, with their
    kinds, counts and ranges; a schema is JSON, from which bounds may be removed. Without, every
    record is to be a SequenceExample or an Example, and every feature of one kind throughout.

    Exit status: 0 if all is sound, 1 if there is damage or a misfit, 2 after an error.
    """
    # NumPy's OpenBLAS otherwise starts threads when it is loaded, which is a tenth of the start of
    # this command. Nothing here multiplies matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from varlen.records import expand_paths

    _check_options(feature, head, check=check, schema=schema, save_schema=save_schema)
    paths = expand_paths(files)
    if head is not None:
        from varlen.cli._record_head import print_head

        print_head(paths, head, as_json=as_json)
        return
    if check:
        from varlen.cli._inspect_check import check_files
        from varlen.features import Schema

        expected = None if schema is None else Schema.load(schema)
        sound = check_files(paths, expected, as_json=as_json)
    else:
        sound = _report(paths, feature, save_schema, as_json=as_json)
    if not sound:
        raise typer.Exit(_DAMAGED)


def _report(
    paths: list[str], feature: str | None, save_schema: str | None, *, as_json: bool
) -> bool:
    from varlen.cli._inspect_report import main_lengths, print_json, print_report
    from varlen.cli._inspection import inspect_by_indexes, inspect_files
    from varlen.features import Schema

    inspection = None if save_schema else inspect_by_indexes(paths, feature)
    inspection = inspection or inspect_files(paths)
    damaged = any(file.lost for file in inspection.files)
    if save_schema and not any(file.num_records for file in inspection.files):
        raise ConfigError(
            "--save-schema: expected a record at least, found none", at=", ".join(paths)
        )
    lengths = main_lengths(inspection, feature)
    if save_schema is not None:
        Schema.from_profile(inspection.profile).save(save_schema)
    if as_json:
        print_json(inspection, lengths)
    else:
        print_report(inspection, lengths)
    return not damaged


def _check_options(
    feature: str | None,
    head: int | None,
    *,
    check: bool,
    schema: str | None,
    save_schema: str | None,
) -> None:
    """Says, before any work, which options do not go together.

    Raises:
        ConfigError: some do not, or a file is there that is not to be lost.
    """
    if head is not None and head < 1:
        raise ConfigError(f"--head: expected at least 1, found {head}")
    if schema is not None and not check:
        raise ConfigError("--schema: expected --check with it, found none")
    if head is not None and check:
        raise ConfigError("expected --head or --check, found both")
    for option, value in (("--feature", feature), ("--save-schema", save_schema)):
        if value is not None and (check or head is not None):
            other = "--check" if check else "--head"
            raise ConfigError(f"expected {option} or {other}, found both")
    if save_schema is not None and os.path.exists(save_schema):
        raise ConfigError(
            "--save-schema: the file is there already",
            at=save_schema,
            hint="give another one, or remove it first",
        )
    folder = os.path.dirname(save_schema or "")
    if folder and not os.path.isdir(folder):
        raise ConfigError("--save-schema: no such directory to write into", at=folder)
