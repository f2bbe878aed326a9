"""`varlen evaluate`: how good a trained model is, in all and class by class."""

from pathlib import Path
from typing import Annotated

import typer

from varlen.cli._shared import percent
from varlen.errors import CheckpointError


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DATA", help="A data folder [default: that of the training]."),
    ] = None,
    split: Annotated[str, typer.Option(metavar="NAME", help="The split to look at.")] = "test",
) -> None:
    """Print the accuracy of a trained model and a table by tag."""
    from rich.console import Console
    from rich.table import Table

    from varlen.train import RunFolder, Tagger, evaluate_tagger

    folder = RunFolder.open(run, task="tag")
    tagger = Tagger.load(folder)
    stored = folder.config.get("data")
    if data is None and not isinstance(stored, str):
        raise CheckpointError(
            "config.json does not say where the data was", at=str(run), hint="give --data"
        )
    report = evaluate_tagger(tagger, data or Path(str(stored)), split)

    table = Table("tag", "precision", "recall", "F1", "count", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for tag, precision, recall, f1, num_words in report.by_tag():
        table.add_row(tag, percent(precision), percent(recall), percent(f1), f"{num_words:,}")
    Console().print(table)
    print(f"\naccuracy        {percent(report.accuracy)}  of {report.num_words:,} words")
    if report.num_unknown:
        print(
            f"unknown words   {percent(report.unknown_accuracy)}  of {report.num_unknown:,} "
            "that training never saw, whatever their capitals"
        )
