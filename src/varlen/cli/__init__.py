"""The command line: `varlen convert | inspect | index | repair | train | evaluate | predict`.

A command imports what it needs when it runs, so that those that need no torch start without it.
"""

import sys
from typing import NoReturn

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs the command line and exits.

    Exit status 0 if all is well, 1 if `inspect` finds damage, 2 after an error, which is one
    message on the standard error, and 130 after Ctrl-C.

    Args:
        arguments: without the program's name; None for those of this process. None at all ask
            for help.
    """
    try:
        from varlen.cli._app import run
    except KeyboardInterrupt:  # loading takes a moment, in which nothing is begun
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
    run(arguments)
