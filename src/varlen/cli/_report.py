"""`varlen report`: a page about a run, that can be sent to somebody."""

from pathlib import Path
from typing import Annotated

import typer

from varlen.cli._reading_options import ContextColumns, DataToJudge, GroupBy, SplitBy, WordKeys
from varlen.errors import CheckpointError, ConfigError

_NUM_WORST = 20


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    data: DataToJudge = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The split to look at. [default: test, or valid without one]"
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="PAGE", help="The page to write. [default: RUN/report.html]"
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a page that is there at --output.")
    ] = False,
    split_by: SplitBy = None,
    group_by: GroupBy = None,
    context: ContextColumns = None,
    words: WordKeys = None,
) -> None:
    """Write a page about a run: curves, figures with ranges, mistakes, times and settings.

    It is one file of HTML that needs nothing else, light or dark, on a desk or on a telephone. It
    can be written while training goes on, and also where the data are gone: then it has what the
    run folder knows.
    """
    from varlen.cli._judging import judge
    from varlen.cli._reading import Reading
    from varlen.cli._report_head import RunReport
    from varlen.cli._report_page import report_page
    from varlen.cli._whole import check_file, whole_file
    from varlen.train import RunFolder, data_of
    from varlen.train._run_folder import REPORT

    folder = RunFolder.open(run)
    path = run / REPORT if output is None else output
    check_file(path, overwrite=overwrite or output is None)
    if not path.parent.is_dir():
        raise ConfigError("no such directory to write into", at=str(path.parent))
    reading = Reading.of(split_by, group_by, context, words)
    judgement, missing = None, _missing(run, None if data else data_of(folder))
    if missing is None:
        splits = ["test", "valid"] if split is None else [split]
        judgement = judge(folder, data, splits, reading, num_worst=_NUM_WORST)
    elif data or split is not None:
        raise CheckpointError(missing, at=str(run))
    whole = RunReport(folder, folder.metrics(), judgement, missing)
    with whole_file(path) as beside:
        beside.write_text(report_page(whole), encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1000:,.0f} kB")


def _missing(run: Path, data: Path | None) -> str | None:
    """Why the model cannot be evaluated; None if it can."""
    if not (run / "model.safetensors").is_file():
        return "the run has no model yet, since its first epoch is not done"
    if data is not None and not data.is_dir():
        return f"the data of the training are gone: {data}"
    return None
