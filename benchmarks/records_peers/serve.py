"""What the contestants of `benchmarks/records.py` share: they are told a work, and tell its time.

Runs in interpreters without varlen.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

BATCH_SIZE = 64
# The features that have a value, or 40, for each step; all others have them for each record.
SEQUENCES = {"tokens", "labels", "frames"}
Work = Callable[[str, Path], int]


def serve(works: dict[str, Work], version: str) -> None:
    """Answers each line `work data` of the standard input with a line of JSON.

    A work takes the name of the data and the folder, and returns how many records it saw.
    """
    folder, num_threads = Path(sys.argv[1]), int(sys.argv[2])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:num_threads])
    print(json.dumps({"version": version, "works": sorted(works)}), flush=True)
    for line in sys.stdin:
        work, data = line.split()
        _forget_peak()
        begin = time.perf_counter()
        num_records = works[work](data, folder)
        seconds = time.perf_counter() - begin
        answer = {"seconds": seconds, "records": num_records, "peak_mb": _peak_mb()}
        print(json.dumps(answer), flush=True)


@cache
def columns(data: str, folder: Path) -> dict[str, np.ndarray]:
    """What is to be written, by name: the values of all records, one after the other."""
    with np.load(folder / f"{data}.npz") as stored:
        return dict(stored)


@cache
def rows(data: str, folder: Path, as_lists: bool) -> dict[str, list[Any]]:
    """What is to be written, by name: a number, list or array for each record."""
    found = columns(data, folder)
    ends = np.cumsum(found["length"])[:-1]
    by_record = {
        name: np.split(values, ends) if name in SEQUENCES else list(values)
        for name, values in found.items()
    }
    if not as_lists:
        return by_record
    return {name: [row.tolist() for row in values] for name, values in by_record.items()}


def shards(data: str, folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.glob(f"{data}-*.tfrecord"))


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024
