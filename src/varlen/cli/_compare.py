"""`varlen compare`: several runs beside each other."""

import json
from pathlib import Path
from typing import Annotated

import typer

from varlen.cli._reading_options import ContextColumns, GroupBy, SplitBy, WordKeys
from varlen.errors import ConfigError


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, two or more.")],
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Also evaluate all of them on this split. [default: only what the runs know]",
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DATA",
            help="With --split: as for `varlen evaluate`. Repeatable. [default: the data of each "
            "training]",
        ),
    ] = None,
    split_by: SplitBy = None,
    group_by: GroupBy = None,
    context: ContextColumns = None,
    words: WordKeys = None,
    html: Annotated[
        Path | None, typer.Option(metavar="PAGE", help="Also write a page; a new file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print several runs beside each other: settings that differ, figures, times.

    With --split, each model is evaluated, and beside its figures stands by how much they are above
    those of the first run, with a range: a bootstrap over the same sequences for both, of which
    there must be two. "Better" and "worse" stand where that is hardly chance. The share of numbers
    between the outermost quantiles, coverage, is better the nearer it is to what they promise.
    """
    from varlen.cli._compare_report import compare_page, comparison_json, print_comparison
    from varlen.cli._compared import ComparedRun
    from varlen.cli._reading import Reading
    from varlen.cli._whole import check_file, whole_file

    if len(runs) < 2:
        raise ConfigError("expected two runs at least, found one")
    if len({run.resolve() for run in runs}) < len(runs):
        raise ConfigError("expected different runs, found one of them twice")
    reading = Reading.of(split_by, group_by, context, words)
    if split is None:
        reading.refuse("is for --split", at="command line")
        if data:
            raise ConfigError("--data: expected --split beside it")
    if html is not None:
        check_file(html, overwrite=False)
    compared = [ComparedRun.read(run, data, split, reading) for run in runs]
    if html is not None:
        with whole_file(html) as beside:
            beside.write_text(compare_page(compared), encoding="utf-8")
    if as_json:
        print(json.dumps(comparison_json(compared), indent=2))
    else:
        print_comparison(compared)
