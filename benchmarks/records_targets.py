"""What `benchmarks/records.py` is to show, and whether it does."""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from varlen import RecordWriter, example

STARTS = 7

# Seconds, by data, work and contestant.
Medians = dict[tuple[str, str, str], float]

# Data, work, peer, and how many times as long as ours it is to take.
RATIOS = (
    ("tokens", "padded", "tf.data, 1", 6),
    ("tokens", "padded", "tf.data, 2", 6),
    ("tokens", "jagged", "tf.data, 1", 6),
    ("tokens", "jagged", "tf.data, 2", 6),
    ("frames", "padded", "tf.data, 1", 3),
    ("frames", "padded", "tf.data, 2", 3),
    ("frames", "jagged", "tf.data, 1", 3),
    ("frames", "jagged", "tf.data, 2", 3),
    ("tokens", "padded", "tfrecord", 100),
    ("tokens", "jagged", "tfrecord", 100),
    ("frames", "padded", "tfrecord", 100),
    ("frames", "jagged", "tfrecord", 100),
    ("tokens", "lists", "tfrecord", 20),
    ("tokens", "arrays", "tfrecord", 20),
    ("frames", "lists", "tfrecord", 20),
    ("frames", "arrays", "tfrecord", 20),
    ("flat", "lists", "tfrecord", 20),
)
READ_GB_PER_SECOND = 1.0
START_SECONDS = 0.3


class Target(NamedTuple):
    what: str
    found: float
    wanted: float
    is_reached: bool


def times_ours(medians: Medians, data: str, work: str, name: str) -> float:
    """How many times as long as ours with as many threads a contestant takes."""
    ours = "varlen, 2" if name.endswith(", 2") else "varlen, 1"
    return medians[data, work, name] / medians[data, work, ours]


def targets(medians: Medians, sizes: dict[str, int], folder: Path) -> list[Target]:
    """Those of which the peer was there to be measured."""
    found = []
    for data, work, name, wanted in RATIOS:
        if (data, work, name) in medians:
            ratio = times_ours(medians, data, work, name)
            found.append(Target(f"{data}, {work}: times {name}", ratio, wanted, ratio >= wanted))
    for data, size in sizes.items():
        speed = size / medians[data, "read", "varlen, 1"] / 1e9
        what = f"{data}, read by one thread, checksums verified: GB/s"
        found.append(Target(what, speed, READ_GB_PER_SECOND, speed >= READ_GB_PER_SECOND))
    start = _start_of_inspect(folder)
    found.append(Target("start of varlen inspect: s", start, START_SECONDS, start < START_SECONDS))
    return found


def print_targets(found: list[Target]) -> None:
    print(f"\n{'':56}{'found':>8}{'target':>8}")
    for what, value, wanted, is_reached in found:
        print(f"{what:56}{value:>8.2f}{wanted:>8}  {'reached' if is_reached else 'MISSED'}")


def _start_of_inspect(folder: Path) -> float:
    """How long `varlen inspect` takes for a file with a single record."""
    path = folder / "single"
    with RecordWriter(path) as writer:
        writer.write(example({"x": 1}))
    command = [sys.executable, "-c", "from varlen.cli import main; main()", "inspect", str(path)]
    taken = []
    for _ in range(STARTS):
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)
