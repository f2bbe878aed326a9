"""The peak memory of one training step, in a process that does nothing else.

What is measured is by how much the memory of the process grows at most during the step: its
resident pages, so that the core's allocations count as well as torch's. A small step has
run before, so that libraries and threads are there; then free memory is given back, and the peak is
forgotten. Large blocks must come from the system and go back to it, each by itself, which
`ENVIRONMENT` asks of the allocator.
"""

import ctypes
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

import torch
from machine import forget_peak_memory, memory
from rnn_cases import Case, CaseName, Work
from torch import Tensor

BATCH_SIZE = 256
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}


class Memory(NamedTuple):
    """In bytes.

    Attributes:
        peak: by how much memory grows.
        results: what is left to the caller: outputs, gradients of inputs and parameters.
        num_steps: real steps.
    """

    peak: int
    results: int
    num_steps: int


def measure(cell: str, contestant: str) -> Memory:
    """Of a training step in a fresh process; 128x256, 256 rows, log-normal lengths."""
    answer = subprocess.run(
        [sys.executable, __file__, cell, contestant, str(torch.get_num_threads())],
        env={**os.environ, **ENVIRONMENT},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Memory(*json.loads(answer.stdout))


def main() -> None:
    cell, contestant, num_threads = sys.argv[1:]
    torch.set_num_threads(int(num_threads))
    _, _, small_step = prepare(cell, contestant, batch_size=2)
    case, run, step = prepare(cell, contestant, BATCH_SIZE)
    small_step()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    forget_peak_memory()
    before = memory("VmRSS")
    step()
    peak = memory("VmHWM") - before
    learnt = [case.inputs, *(p for layer in case.layers or () for p in layer.parameters())]
    results = [run(case.inputs), *(tensor.grad for tensor in learnt if tensor.grad is not None)]
    print(json.dumps(Memory(peak, sum(tensor.nbytes for tensor in results), case.num_steps)))


def prepare(
    cell: str, contestant: str, batch_size: int
) -> tuple[Case, Callable[[Tensor], Tensor], Work]:
    case = Case(CaseName(cell, 128, 256, batch_size))
    run = (case.ours() | case.torchs())[contestant]
    return case, run, case.work("training", contestant, run)


if __name__ == "__main__":
    main()
