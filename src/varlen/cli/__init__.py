"""The command line: `varlen convert | inspect | train | evaluate | predict`.

A command imports what it needs when it runs, so that `--help`, `convert` and `inspect` start
without torch.
"""

from varlen.cli._app import main

__all__ = ["main"]
