"""The options that say which files are meant, and how, where they are not record files."""

from pathlib import Path
from typing import Annotated

import typer

DataToJudge = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="DATA",
        help="A folder of record files; or files or a folder of other formats, as for training. "
        "Repeatable. [default: the data of the training]",
    ),
]
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
