"""The command line: `varlen convert | inspect | index | repair | train | evaluate | predict`.

A command imports what it needs when it runs, so that those that need no torch start without it.
"""

from varlen.cli._app import main

__all__ = ["main"]
