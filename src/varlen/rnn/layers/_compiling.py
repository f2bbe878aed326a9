"""Making the programs of cells before a compiler looks, since it cannot see through the making."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from varlen.rnn.engine import explain


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def trace_programs(layers: Any) -> None:
    """Has the program of every cell in `layers.cells()` traced, to be found when it is run.

    A thread of its own is outside of whatever modes the caller is in: an export would otherwise
    record the tracing.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        for cell in layers.cells():
            program = thread.submit(explain, cell).result().program
            if program is not None:
                _ = program.json  # made once, then known
