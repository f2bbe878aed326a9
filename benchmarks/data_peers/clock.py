"""What the contestants of `benchmarks/data.py` share: going through batches by the clock.

Runs in interpreters without varlen.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

_LOOK_AT_MEMORY = 0.5  # seconds


class Counts(NamedTuple):
    """Of one batch.

    Attributes:
        examples: its rows.
        live: the real steps of all rows.
        padded: the steps that the padded block has.
    """

    examples: int
    live: int
    padded: int


# Goes through the data of a folder, on so many processors; for ever, if it can.
Work = Callable[[Path, int], Iterator[Counts]]


def run(works: dict[str, Work], version: str) -> None:
    """As the command line says: FOLDER WORK PROCESSORS SECONDS. Prints a line of JSON.

    The seconds to the first batch are those from nothing but loaded modules. Rates are what comes
    after it in the seconds that are given. A contestant is bound to its processors by whoever
    starts it, so that also what it imports knows.
    """
    folder, work, processors, seconds = sys.argv[1:]
    began = time.perf_counter()
    batches = works[work](Path(folder), int(processors))
    next(batches)
    begun = looked = now = time.perf_counter()
    sums = [0, 0, 0]
    memory = _memory()
    for counts in batches:
        for i, count in enumerate(counts):
            sums[i] += count
        now = time.perf_counter()
        if now - looked > _LOOK_AT_MEMORY:
            memory, looked = max(memory, _memory()), now
        if now - begun > float(seconds):
            break
    answer = {
        "version": version,
        "first": begun - began,
        "seconds": now - begun,
        "memory": max(memory, _memory()),
        **dict(zip(Counts._fields, sums, strict=True)),
    }
    print(json.dumps(answer), flush=True)
    # Threads and workers that read ahead are of no more use to anyone.
    _end_children()
    os._exit(0)


def _memory() -> int:
    """Bytes of this process and its children; those of mapped files, which may go, left out."""
    return sum(_memory_of(process) for process in [os.getpid(), *_children()])


def _memory_of(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:  # it has ended
        return 0
    sizes = {name: int(size.split()[0]) for name, size in (line.split(":") for line in lines)}
    # Shared pages count in equal parts for all who share them.
    return 1024 * (sizes["Pss_Anon"] + sizes["Pss_Shmem"])


def _children() -> list[int]:
    return [
        int(child)
        for thread in Path("/proc/self/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]


def _end_children() -> None:
    # Torch takes the end of a worker of its own for a failure.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for child in _children():
        os.kill(child, 9)
