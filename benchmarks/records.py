"""Record files: reading, decoding, any order and writing; varlen and its peers on the same files.

    python benchmarks/records.py --tfrecord PYTHON --tensorflow PYTHON

The peers are run by interpreters of environments in which they are installed; a peer without one
is left out. Every contestant is a process of its own, bound to one processor or to two, that does
one work at a time when it is told; rounds of all contestants take turns, up to 7 or 4 seconds, and
the medians count. The data are made anew, from a fixed seed, in two shards each, and lie in memory
(/dev/shm), so that no disk is measured; of all, varlen alone waits for it when it closes a file:

    tokens    20,000 SequenceExamples: a length, and two lists of an int64 a step
    frames    2,000 SequenceExamples: a length, and a list of 40 floats a step
    flat      100,000 Examples: three int64 and 10 floats

Steps are log-normal, with a median of 30 and at most 200. The works:

    read      all records as bytes, in batches of 64, checksums verified (tfrecord verifies none)
    padded    read, and decoded into padded batches of 64 (flat: into arrays)
    jagged    read, and decoded into values and lengths, 64 records at a time
    shuffled  all records in a shuffled order, 64 at a time, by an index beside the file
    lists     written from Python lists to a closed file, by one thread
    arrays    written from NumPy arrays, likewise (SequenceExamples only)

In the end stand the targets, and which are reached. A ratio is that of wall-clock times, the
peer's to ours with as many threads, each bound to as many processors.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from machine import processor
from records_targets import Medians, print_targets, targets, times_ours

from varlen import JaggedSequence, RecordIndex, ShardedWriter, example, sequence_examples
from varlen._native import NATIVE

ROUNDS = 7
MOST_SECONDS = 4.0
DATA = ("tokens", "frames", "flat")
WORKS = ("read", "padded", "jagged", "shuffled", "lists", "arrays")
# None: the usual place for files that do not last.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
PEERS = Path(__file__).parent / "records_peers"


class Contestant(NamedTuple):
    name: str
    python: str
    script: str
    num_threads: int
    environment: dict[str, str]


class Running:
    """A contestant's process."""

    def __init__(self, contestant: Contestant, folder: Path) -> None:
        self.contestant = contestant
        self._process = subprocess.Popen(
            [
                contestant.python,
                str(PEERS / contestant.script),
                str(folder),
                str(contestant.num_threads),
            ],
            env={**os.environ, **contestant.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.version, self.works = self._answer().values()

    def run(self, work: str, data: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{work} {data}\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.contestant.name} has ended; see its message above")
        return json.loads(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tfrecord", metavar="PYTHON", help="an interpreter with tfrecord")
    parser.add_argument("--tensorflow", metavar="PYTHON", help="an interpreter with TensorFlow")
    arguments = parser.parse_args()
    if not NATIVE:
        raise SystemExit("the compiled core is left out (VARLEN_NATIVE=0): nothing to compare")
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        folder = Path(name)
        sizes = {data: make(data, folder) for data in DATA}
        running = [Running(each, folder) for each in contestants(arguments)]
        print(
            f"{processor()}, {len(os.sched_getaffinity(0))} processors, Python "
            f"{platform.python_version()}, "
            + ", ".join(dict.fromkeys(each.version for each in running))
        )
        for peer in ("tfrecord", "tensorflow"):
            if getattr(arguments, peer) is None:
                print(f"{peer} is left out: --{peer} names no interpreter")
        medians: Medians = {}
        for data, size in sizes.items():
            medians |= measure(data, size, running)
        for each in running:
            each.close()
        print_targets(targets(medians, sizes, folder))


def contestants(arguments: argparse.Namespace) -> list[Contestant]:
    ours = [Contestant(f"varlen, {n}", sys.executable, "with_varlen.py", n, {}) for n in (1, 2)]
    twin = Contestant("plain twin", sys.executable, "with_varlen.py", 1, {"VARLEN_NATIVE": "0"})
    found = [*ours, twin]
    if arguments.tfrecord:
        found.append(Contestant("tfrecord", arguments.tfrecord, "with_tfrecord.py", 1, {}))
    if arguments.tensorflow:
        found += [
            Contestant(f"tf.data, {n}", arguments.tensorflow, "with_tensorflow.py", n, {})
            for n in (1, 2)
        ]
    return found


def measure(data: str, size: int, running: list[Running]) -> Medians:
    """Prints a table of times, of ratios to ours with as many threads, and of memory."""
    times: dict[tuple[str, str, str], list[float]] = {}
    peaks: dict[str, float] = {}
    works = WORKS[:-1] if data == "flat" else WORKS
    for work in works:
        able = [each for each in running if work in each.works]
        for number in range(ROUNDS + 1):  # the first is to get warm
            for each in able:
                name = each.contestant.name
                measured = times.setdefault((data, work, name), [])
                if sum(measured) > MOST_SECONDS:
                    continue
                answer = each.run(work, data)
                peaks[name] = max(peaks.get(name, 0.0), answer["peak_mb"])
                if number:
                    measured.append(answer["seconds"])
    names = [each.contestant.name for each in running]
    medians = {key: statistics.median(values) for key, values in times.items()}
    print(
        f"\n{data}: {size / 1e6:.1f} MB; milliseconds, and how many times as long as varlen takes"
    )
    print(f"{'':10}" + "".join(f"{name:>20}" for name in names))
    for work in works:
        cells = [_cell(medians, data, work, name) for name in names]
        print(f"{work:10}" + "".join(f"{cell:>20}" for cell in cells))
    speeds = [size / medians[data, "read", name] / 1e9 for name in names]
    print(f"{'read GB/s':10}" + "".join(f"{speed:>20.2f}" for speed in speeds))
    print(f"{'peak MB':10}" + "".join(f"{peaks[name]:>20.0f}" for name in names), flush=True)
    return medians


def _cell(medians: Medians, data: str, work: str, name: str) -> str:
    if (data, work, name) not in medians:
        return "-"
    took = f"{1000 * medians[data, work, name]:,.1f}"
    if name.startswith("varlen"):
        return took
    return f"{took} ({times_ours(medians, data, work, name):,.1f})"


def make(data: str, folder: Path) -> int:
    """Writes the shards of `data`, their indexes, and what they hold as arrays; gives the size."""
    generator = np.random.default_rng(0)
    columns = _columns(data, generator)
    np.savez(folder / f"{data}.npz", **columns)
    length = columns.pop("length")
    with ShardedWriter(folder / data, 2) as writer:
        if data == "flat":
            columns = {"length": length, **columns}
            rows = zip(*(column.tolist() for column in columns.values()), strict=True)
            writer.write_many([example(dict(zip(columns, row, strict=True))) for row in rows])
        else:
            lists = {name: JaggedSequence(values, length) for name, values in columns.items()}
            writer.write_many(sequence_examples({"length": length}, lists))
    for path in writer.paths:
        RecordIndex.build(path).save()
    return sum(path.stat().st_size for path in writer.paths)


def _columns(data: str, generator: np.random.Generator) -> dict[str, np.ndarray]:
    num_records = {"tokens": 20_000, "frames": 2_000, "flat": 100_000}[data]
    drawn = generator.lognormal(np.log(30), 0.7, num_records)
    length = np.clip(drawn, 1, 200).astype(np.int64)
    if data == "flat":
        return {
            "length": length,
            "id": np.arange(num_records),
            "label": generator.integers(0, 50, num_records),
            "values": generator.normal(size=(num_records, 10)).astype(np.float32),
        }
    num_steps = length.sum()
    if data == "frames":
        frames = generator.normal(size=(num_steps, 40)).astype(np.float32)
        return {"length": length, "frames": frames}
    # Words as they come: the smaller the number, the more often.
    tokens = np.minimum(generator.zipf(1.2, num_steps), 30_000)
    return {"length": length, "tokens": tokens, "labels": generator.integers(0, 50, num_steps)}


if __name__ == "__main__":
    main()
