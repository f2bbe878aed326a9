"""`varlen inspect`: what is in record files."""

from pathlib import Path
from typing import Annotated

import typer

from varlen.errors import ConfigError


def inspect(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Record files.")],
    head: Annotated[
        int | None,
        typer.Option(metavar="N", help="Print the first N records instead, as JSON Lines."),
    ] = None,
) -> None:
    """Print what record files hold: features, kinds, lengths.

    Every checksum is verified.
    """
    if head is None:
        from varlen.cli._record_summary import print_summary

        print_summary(files)
    elif head < 1:
        raise ConfigError(f"--head: expected at least 1, found {head}")
    else:
        from varlen.cli._record_head import print_head

        print_head(files, head)
