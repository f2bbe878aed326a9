"""Large vocabularies, long sequences, and data larger than memory, in `varlen train`.

    python benchmarks/sizes.py

Prints the size of the data, the peak of memory, live steps per second while training, and how long
the whole command took, of a training each. A step is a word, a vector or a character. Memory counts
what is mapped of files, which the system may take back.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from machine import processor

import varlen
from varlen import RecordWriter, sequence_example

NUM_WORDS = 1_000_000
LONG = 100_000
Examples = Iterator[tuple[dict[str, Any], dict[str, Any]]]


def words() -> Examples:
    """Ten words each, none of which comes twice."""
    for begin in range(0, NUM_WORDS, 10):
        number = np.arange(begin, begin + 10) * 7919 % 1_000_003
        tokens = [f"w{n:06x}{'aeiou'[n % 5]}" for n in number.tolist()]
        yield {}, {"words": tokens, "tags": [token[-1] for token in tokens]}


def long() -> Examples:
    draw = np.random.default_rng(0)
    for _ in range(8):
        values = draw.normal(size=(LONG, 2)).astype(np.float32)
        tags = (values.sum(1) > 0).astype(np.int64)
        yield {"label": int(tags[-1])}, {"values": values, "tags": tags}


def text() -> Examples:
    draw = np.random.default_rng(0)
    for _ in range(8):
        yield {"text": "".join(draw.choice(list("abcde "), LONG))}, {}


def wide() -> Examples:
    noise = np.random.default_rng(0).normal(size=(64, 2000)).astype(np.float32)
    for number in range(8000):
        yield {"label": number % 2}, {"values": noise[: 1 + number % 64] + np.float32(number % 2)}


class Case(NamedTuple):
    name: str
    examples: Callable[[], Examples]
    task: str
    options: str


CASES = [
    Case("1,000,000 words, 200 steps of Adam", words, "tag", "--steps 200"),
    Case("8 x 100,000 steps, tag", long, "tag", "--inputs values --epochs 1"),
    Case("8 x 100,000 steps, classify", long, "classify", "--epochs 1"),
    Case("8 x 100,000 characters", text, "lm", "--epochs 1"),
    Case("8,000 x 2,000-vectors", wide, "classify", "--epochs 1 --units 8"),
]


def write(folder: Path, examples: Callable[[], Examples]) -> int:
    """Writes a split to learn from and one to validate, and gives the bytes of the first."""
    folder.mkdir()
    with (
        RecordWriter(folder / "train.tfrecord") as learned,
        RecordWriter(folder / "valid.tfrecord") as judged,
    ):
        for number, example in enumerate(examples()):
            record = sequence_example(*example)
            learned.write(record)
            if number < 2:
                judged.write(record)
    return (folder / "train.tfrecord").stat().st_size


def train(case: Case, data: Path, run: Path) -> tuple[float, int]:
    """The seconds of the whole command, and its peak of memory in bytes."""
    command = [sys.executable, "-m", "varlen", "train", case.task, str(data), "--run", str(run)]
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([*command, *case.options.split()], stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            said.seek(0)
            raise SystemExit(f"{case.name}: {said.read().decode()}")
    return time.monotonic() - began, 1024 * usage.ru_maxrss


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    print(f"{processor()}, {os.cpu_count()} processors, varlen {varlen.__version__}")
    print(f"{'':36}{'data':>9}{'peak memory':>13}{'steps/s':>11}{'seconds in all':>16}")
    for case in CASES:
        with tempfile.TemporaryDirectory() as name:
            data, run = Path(name, "data"), Path(name, "run")
            num_bytes = write(data, case.examples)
            seconds, peak = train(case, data, run)
            row = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
            rate = row["live_steps"] / row["seconds"]
            print(
                f"{case.name:36}{num_bytes / 1e6:6.0f} MB{peak / 1e6:10,.0f} MB{rate:11,.0f}"
                f"{seconds:16.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
