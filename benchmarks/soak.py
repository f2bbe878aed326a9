"""Passes that are interrupted at random and resumed, against the uninterrupted order.

    python benchmarks/soak.py --seconds 1200

A pass of a pipeline is left after some batches, in one of the ways of `soak_legs.py`: its iterator
is forgotten, a function fails, a signal comes, or its process or a worker is killed. Another one
resumes from the last state that was saved, perhaps with another number of workers, until the pass
is through. Every batch on the way must be, bit for bit, that of the pass without any interruption.
The first that is not ends the run with status 1.
"""

import argparse
import datetime
import gc
import json
import os
import random
import shlex
import sys
import tempfile
import threading
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import torch
from machine import memory, processor
from soak_legs import LEGS, Leg
from soak_pipelines import PIPELINES, uninterrupted, write_files

import varlen

NUM_EPOCHS = 3
RECORDS_PER_FILE = 1000


class Soak:
    """The run, and what it counts."""

    def __init__(self, folder: Path, seed: int, legs: list[str], pipelines: list[str]) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.legs = legs
        self.pipelines = pipelines
        self.interruptions: Counter[str] = Counter()
        self.batches: Counter[str] = Counter()
        self.passes: Counter[str] = Counter()
        self.expected = cache(self._expected)

    def _expected(self, pipeline: str, epoch: int) -> list[str]:
        return uninterrupted(pipeline, self.folder, epoch)

    def make_pass(self, deadline: float) -> None:
        """From the first batch to the last, in as many legs as it takes, or until the deadline."""
        pipeline = self.chance.choice(self.pipelines)
        epoch = self.chance.randrange(NUM_EPOCHS)
        position, state = 0, None
        while time.monotonic() < deadline:
            name = self.chance.choice(self.legs)
            path = self.folder / "journal"
            path.unlink(missing_ok=True)
            LEGS[name](Leg(pipeline, self.folder, epoch, state, self.chance.getrandbits(32), path))
            position, state, ended = self._follow(name, pipeline, epoch, path, position, state)
            if ended:
                self.passes[pipeline] += 1
                return
            self.interruptions[name] += 1

    def _follow(
        self, name: str, pipeline: str, epoch: int, path: Path, saved: int, state: Any
    ) -> tuple[int, Any, bool]:
        """Compares what was written down on a leg; where its last state was, and that."""
        expected = self.expected(pipeline, epoch)
        position = saved
        for what, value in _lines(path):
            if what == "batch":
                wanted = expected[position] if position < len(expected) else "the end"
                if value != wanted:
                    self._differs(name, pipeline, epoch, position, wanted, value, state)
                position += 1
                self.batches[pipeline] += 1
            elif what == "state":
                saved, state = position, value
            elif what == "end":
                if position != len(expected):
                    wanted = expected[position]
                    self._differs(name, pipeline, epoch, position, wanted, "the end", state)
                return position, state, True
        return saved, state, False

    def _differs(self, *found: Any) -> None:
        name, pipeline, epoch, position, wanted, value, state = found
        raise SystemExit(
            f"DIFFERENT: {pipeline}, epoch {epoch}, leg '{name}': batch {position}: expected "
            f"{wanted}, found {value}; resumed from\n{json.dumps(state, indent=1)}"
        )

    def report(self) -> str:
        rows = [f"{'interrupted by':20}{'times':>8}"]
        rows += [f"{name:20}{self.interruptions[name]:8,}" for name in self.legs]
        rows += ["", f"{'pipeline':20}{'passes':>8}{'batches':>10}"]
        rows += [
            f"{name:20}{self.passes[name]:8,}{self.batches[name]:10,}" for name in self.pipelines
        ]
        return "\n".join(rows)


def _lines(path: Path) -> list[tuple[str, Any]]:
    if not path.exists():  # killed before it began
        return []
    whole = path.read_text().split("\n")[:-1]  # who was killed while writing left half a line
    return [tuple(json.loads(line)) for line in whole]


def resources() -> str:
    """What a leak would show in."""
    gc.collect()
    return (
        f"{threading.active_count()} threads, {len(os.listdir('/proc/self/fd'))} file handles, "
        f"{memory('VmRSS') / 1e6:,.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--legs", nargs="+", choices=LEGS, default=list(LEGS), metavar="LEG")
    parser.add_argument(
        "--pipelines", nargs="+", choices=PIPELINES, default=list(PIPELINES), metavar="PIPELINE"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), RECORDS_PER_FILE)
        soak = Soak(Path(folder), given.seed, given.legs, given.pipelines)
        start = time.monotonic()
        soak.make_pass(start + given.seconds)
        before = resources()
        while time.monotonic() < start + given.seconds:
            soak.make_pass(start + given.seconds)
        print(f"# {shlex.join(['python', *sys.argv])}, {datetime.date.today()}")
        print(f"{processor()}, {os.cpu_count()} processors, varlen {varlen.__version__}")
        print(f"seed {given.seed}, {time.monotonic() - start:,.0f} seconds\n")
        print(soak.report())
        total = soak.interruptions.total()
        print(f"\nin all {total:,} interruptions, {soak.batches.total():,} batches compared,")
        print("every one as in the pass without interruption")
        print(f"after the first pass: {before}\nat the end:           {resources()}")


if __name__ == "__main__":
    main()
