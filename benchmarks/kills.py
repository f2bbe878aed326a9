"""A training that is killed at random moments and resumed each time, beside one that never was.

    python benchmarks/kills.py --kills 50

Both are `varlen train`. The killed one gets SIGKILL between 0 and `--within` seconds after it has
begun, again and again; whatever it left, `varlen train --resume` goes on with. At the end the best
weights, all tensors of the last checkpoint (weights, averages, moments of the optimizer, random
generators) and the lines of figures of both runs must be equal, bit for bit. If not, the exit
status is 1.
"""

import argparse
import json
import multiprocessing
import os
import random
import tempfile
import time
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from machine import processor

import varlen
from varlen import RecordWriter, sequence_example


def write_data(folder: Path) -> Path:
    """A few sequences of two symbols, each tagged with the one opposite."""
    draw = random.Random(1)
    folder.mkdir()
    for split, count in (("train", 60), ("valid", 8)):
        with RecordWriter(folder / f"{split}-00000-of-00001.tfrecord") as writer:
            for _ in range(count):
                words = [draw.choice("ab") for _ in range(draw.randrange(1, 9))]
                writer.write(sequence_example(sequences={"words": words, "tags": words[::-1]}))
    return folder


class Commands:
    """Starts `varlen train` in processes of its own, for which torch is there already."""

    def __init__(self) -> None:
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["varlen.cli._train"])

    def start(self, arguments: list[str]) -> BaseProcess:
        process = self._context.Process(target=_run, args=(arguments,))
        process.start()
        return process

    def finish(self, arguments: list[str]) -> None:
        process = self.start(arguments)
        process.join()
        if process.exitcode:
            raise SystemExit(f"varlen {' '.join(arguments)} ended with status {process.exitcode}")


def _run(arguments: list[str]) -> None:
    from varlen.cli import main

    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    main(arguments)


class Killed:
    """A training that is killed, and what the killing met with.

    Args:
        commands: start it.
        begin: the arguments that begin the training.
        run: its run folder.
    """

    def __init__(self, commands: Commands, begin: list[str], run: Path) -> None:
        self.kills = self.without_checkpoint = self.within_a_file = 0
        self._commands = commands
        self._begin = begin
        self._run = run

    def train(self, num_kills: int, within: float) -> None:
        """Trains to the end, killed so many times on the way, or until it gets there."""
        draw = random.Random(num_kills)
        while self.kills < num_kills:
            process = self._commands.start(self._arguments())
            process.join(draw.uniform(0, within))
            if process.exitcode is not None:
                break
            process.kill()
            process.join()
            self.kills += 1
            self.without_checkpoint += not any(self._run.glob("checkpoints/*.safetensors"))
            self.within_a_file += any(self._run.glob("**/.*.partial"))
        self._commands.finish(self._arguments())

    def _arguments(self) -> list[str]:
        if (self._run / "vocabulary.json").exists():
            return ["train", "--resume", str(self._run)]
        return [*self._begin, "--overwrite"]


def figures(run: Path) -> list[dict[str, Any]]:
    """The lines of figures, without times."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [{**json.loads(line), "seconds": None, "stages": None} for line in lines]


def differences(run: Path, whole: Path) -> list[str]:
    """What differs between two runs that should be the same."""
    from safetensors.torch import load_file

    found = [
        name
        for name in ("model.safetensors", "vocabulary.json", "config.json")
        if (run / name).read_bytes() != (whole / name).read_bytes()
    ]
    ours, theirs = (max((path / "checkpoints").iterdir()) for path in (run, whole))
    if ours.name != theirs.name:
        return [*found, f"{ours.name} is the last checkpoint, not {theirs.name}"]
    tensors, expected = load_file(ours), load_file(theirs)
    found += [
        name
        for name in sorted({*tensors, *expected})
        if name not in tensors or name not in expected or not tensors[name].equal(expected[name])
    ]
    return found + ([] if figures(run) == figures(whole) else ["metrics.jsonl"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--within", type=float, default=1.0, help="seconds")
    parser.add_argument("--epochs", type=int, help="of the training; 10 for each kill")
    given = parser.parse_args()
    epochs = given.epochs or 10 * given.kills
    commands = Commands()
    os.environ.setdefault("GOMP_SPINCOUNT", "4000")  # as `varlen` does, before torch is there
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = write_data(folder / "data")
        whole, run = folder / "whole", folder / "run"
        options = f"--units 4 --epochs {epochs} --batch-size 8 --save-steps 3 --average 0.9"
        begin = ["train", "tag", str(data), *options.split(), "--run"]
        commands.finish([*begin, str(whole)])
        killed = Killed(commands, [*begin, str(run)], run)
        killed.train(given.kills, given.within)
        different = differences(run, whole)
        steps = figures(whole)[-1]["step"]
    print(f"{processor()}, {os.cpu_count()} processors, varlen {varlen.__version__}")
    print(
        f"killed {killed.kills} times in {epochs:,} epochs of {steps:,} steps, "
        f"{killed.without_checkpoint} times before the first checkpoint, "
        f"{killed.within_a_file} times while a file was written; "
        f"{time.monotonic() - began:.0f} seconds in all"
    )
    if different:
        raise SystemExit(f"NOT equal to the run that was never stopped: {', '.join(different)}")
    print("equal to the run that was never stopped, bit for bit: weights, last checkpoint, figures")


if __name__ == "__main__":
    main()
