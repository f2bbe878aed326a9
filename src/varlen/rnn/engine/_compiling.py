"""Making the programs of cells before a compiler looks, since it cannot see through the making.

Imported where a compiler is at work: torch's decorator loads the compiler, which takes as long as
loading torch.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from varlen.rnn._recurrent import RecurrentCell
from varlen.rnn.engine._explain import explain


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def trace_programs(owner: Any) -> None:
    """Has the programs of cells traced, to be found when they are run.

    A thread of its own is outside of whatever modes the caller is in: an export would otherwise
    record the tracing.

    Args:
        owner: a cell, with those inside it, or layers that give theirs as `owner.cells()`.
    """
    if hasattr(owner, "cells") and callable(owner.cells):
        cells = owner.cells()
    else:
        cells = [module for module in owner.modules() if isinstance(module, RecurrentCell)]
    with ThreadPoolExecutor(max_workers=1) as thread:
        for cell in cells:
            program = thread.submit(explain, cell).result().program
            if program is not None:
                _ = program.json  # made once, then known
