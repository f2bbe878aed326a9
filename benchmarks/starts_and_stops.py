"""Passes that are begun and left, thousands of them, and what they leave behind: nothing.

    python benchmarks/starts_and_stops.py --passes 10000

Every pass is begun, left after some batches or at its end, and forgotten; pipelines of streamed and
of indexed files take turns, with and without threads in `Map`, all with `Prefetch`. A thread or a
file handle more than after the first passes ends the run with status 1.
"""

import argparse
import datetime
import gc
import os
import random
import sys
import tempfile
import threading
import time
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from machine import memory, processor
from soak_pipelines import PARSE, path_of, write_files

import varlen
from varlen.data import (
    Batch,
    BatchLimits,
    BatchPlan,
    FollowPlan,
    IndexedRecords,
    Map,
    Pad,
    Permute,
    Pipeline,
    Prefetch,
    Records,
    Shuffle,
)

RECORDS_PER_FILE = 100
WORKERS = 2
_WARM_UP = 100


def _same(item: Any) -> Any:
    return item


def pipelines(folder: Path) -> dict[str, Pipeline]:
    """Two that stream and two that go by an index."""
    paths = [path_of(folder, number) for number in range(2)]
    plan = BatchPlan(BatchLimits(max_steps=400), buckets=4, seed=1)
    ends = (PARSE, Pad(), Prefetch(2))
    return {
        "streamed": Pipeline(Records(paths), Shuffle(20, seed=1), Batch(8), *ends),
        "streamed, Map with threads": Pipeline(
            Records(paths), Shuffle(20, seed=1), Map(_same, workers=WORKERS), Batch(8), *ends
        ),
        "indexed": Pipeline(IndexedRecords(paths, "tokens"), FollowPlan(plan), *ends),
        "indexed, Map with threads": Pipeline(
            IndexedRecords(paths), Permute(seed=1), Map(_same, workers=WORKERS), Batch(8), *ends
        ),
    }


def begin_and_leave(pipeline: Pipeline, chance: random.Random) -> None:
    """A pass that nobody wants any more after 0 to 4 batches, or, one in 20, at its end."""
    batches = iter(pipeline)
    most = None if chance.random() < 0.05 else chance.randrange(5)
    for _ in islice(batches, most):
        pass


def resources() -> tuple[int, int]:
    """Threads and file handles of this process."""
    gc.collect()
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


def run(folder: Path, num_passes: int, seed: int) -> bool:
    """Whether nothing is left of any of the pipelines' passes."""
    chance, is_clean = random.Random(seed), True
    print(f"{'pipeline':30}{'passes':>8}{'seconds':>9}  threads, file handles, MB: before, after")
    for name, pipeline in pipelines(folder).items():
        for _ in range(_WARM_UP):
            begin_and_leave(pipeline, chance)
        before, size = resources(), memory("VmRSS")
        start = time.monotonic()
        for _ in range(num_passes // 4):
            begin_and_leave(pipeline, chance)
        took, after = time.monotonic() - start, resources()
        is_clean &= after == before
        print(
            f"{name:30}{num_passes // 4:8,}{took:9.1f}  "
            f"{before[0]}, {before[1]}, {size / 1e6:,.0f}  {after[0]}, {after[1]}, "
            f"{memory('VmRSS') / 1e6:,.0f}",
            flush=True,
        )
    return is_clean


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--passes", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"# python benchmarks/starts_and_stops.py --passes {given.passes}, ", end="")
    print(f"{datetime.date.today()}")
    print(f"{processor()}, {os.cpu_count()} processors, varlen {varlen.__version__}\n")
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), RECORDS_PER_FILE)
        if not run(Path(folder), given.passes, given.seed):
            sys.exit("something was left behind")
    print("\nno thread and no file handle is left")


if __name__ == "__main__":
    main()
