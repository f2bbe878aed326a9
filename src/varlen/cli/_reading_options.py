"""The options that say how files that are not record files are meant."""

from typing import Annotated

import typer

SplitBy = Annotated[
    str | None, typer.Option(metavar="KEY", help="What names the split of a record.")
]
GroupBy = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="Of CSV: lines with the same value are the steps of a sequence."
    ),
]
ContextColumns = Annotated[
    list[str] | None,
    typer.Option("--context", metavar="COLUMN", help="With --group-by: is no step. Repeatable."),
]
WordKeys = Annotated[
    list[str] | None,
    typer.Option("--words", metavar="KEY", help="Text: words with spaces between. Repeatable."),
]
