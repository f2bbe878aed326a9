"""`varlen repair`: what is sound of a damaged file."""

from typing import Annotated

import typer


def repair(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A damaged record file.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="Where its sound records go.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace OUT if it is there.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Salvage every sound record of a damaged file, and say what was lost.

    Behind a damaged record, the next sound one is searched for. OUT is compressed as FILE is; of a
    damaged compressed stream, only what comes before the damage can be read.
    """
    from varlen.cli._salvage import check_out, print_salvage, salvage

    check_out(file, out, overwrite=overwrite)
    print_salvage(salvage(file, out), as_json=as_json)
