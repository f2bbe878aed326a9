"""Whole trainings, from the file to the validated model; varlen and its peers, side by side.

    python benchmarks/train.py
    python benchmarks/train.py --tensorflow PYTHON --nottingham nottingham.jsonl.gz

Two works, each in a process of its own, which reads JSON Lines, learns and validates:

    tag      a bidirectional LSTM of 128 units over embeddings of nine views of a word learns the
             parts of speech of Universal Dependencies' English Web Treebank, in batches of 32
    music    an LSTM of 450 units learns what notes come next in Nottingham's tunes, in batches of
             16; the file is the user's

The peers are a script in PyTorch (DataLoader, pad_sequence, pack_padded_sequence, nn.LSTM, a loss
that ignores padding) and one in Keras (tf.data's padded_batch, masks, Model.fit), with the same
model, Adam, learning rate, clipping and dropout, at their own initial weights and order. Rounds of
all take turns, and the medians count. What is shown: seconds for all (modules are loaded, data
read and encoded, and for varlen made into record files), seconds of an epoch of training, live
steps a second in it, memory at its peak, and the figure of the validation split after the last
epoch: the share of right tags, or the loss of a step.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from machine import processor
from tqdm import tqdm

from varlen._native import NATIVE

PEERS = Path(__file__).parent / "train_peers"
EWT = Path(__file__).parents[1] / "data/ud_english_ewt/ud_english_ewt.jsonl.gz"
TIMES_TORCH = 3.0
TIMES_MEMORY = 1.3
SIZES_OF_MUSIC = ["450", "16", "0.3"]  # units, batch size, dropout


class Work(NamedTuple):
    name: str
    path: Path
    epochs: int
    sizes: list[str]


class Result(NamedTuple):
    """Of one training, or the medians of several."""

    version: str
    whole: float
    epoch: float
    live: float
    memory: float
    figure: float


def main() -> None:
    given = parse_arguments()
    if not NATIVE:
        raise SystemExit("the compiled core is left out (VARLEN_NATIVE=0): nothing to compare")
    works = [Work("tag", EWT, given.epochs, [])]
    if given.nottingham:
        works.append(Work("music", given.nottingham, given.epochs, SIZES_OF_MUSIC))
    peers = {"varlen": sys.executable, "torch": sys.executable}
    if given.tensorflow:
        peers["tensorflow"] = given.tensorflow
    found: dict[tuple[str, str], list[Result]] = {}
    runs = [(work, peer) for _ in range(given.repeats) for work in works for peer in peers]
    for work, peer in tqdm(runs, unit="run", disable=None):
        found.setdefault((work.name, peer), []).append(run(work, peer, peers[peer]))
    lines = list(report(works, list(peers), {key: medians(x) for key, x in found.items()}, given))
    print("\n".join(lines))
    if given.save:
        given.save.write_text("\n".join(lines) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tensorflow", metavar="PYTHON", help="an interpreter with TensorFlow 2")
    parser.add_argument("--nottingham", type=Path, metavar="FILE", help="nottingham.jsonl.gz")
    parser.add_argument("--epochs", type=int, default=3, help="of each training (3)")
    parser.add_argument("--repeats", type=int, default=1, help="rounds (1)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write there what is printed")
    return parser.parse_args()


def run(work: Work, peer: str, python: str) -> Result:
    arguments = [work.name, str(work.path), str(work.epochs), *work.sizes]
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            [python, str(PEERS / f"with_{peer}.py"), *arguments],
            stdout=printed,
            stderr=said,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        # The largest memory of the process, or of one that it started.
        _, status, usage = os.wait4(process.pid, 0)
        whole = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        for file in (printed, said):
            file.seek(0)
        if process.returncode:
            raise SystemExit(f"{peer} has failed:\n{said.read().decode()}")
        answer: dict[str, Any] = json.loads(printed.read().splitlines()[-1])
    epoch = statistics.median(answer["seconds"])
    return Result(
        answer["version"],
        whole,
        epoch,
        answer["live"] / epoch,
        1024 * usage.ru_maxrss,
        answer["figures"][-1],
    )


def medians(results: list[Result]) -> Result:
    columns = zip(*(result[1:] for result in results), strict=True)
    return Result(results[0].version, *map(statistics.median, columns))


def report(works: list[Work], peers: list[str], found: Any, given: argparse.Namespace) -> Any:
    options = "".join(
        f" --{name} {what}"
        for name, what in (("tensorflow", "PYTHON"), ("nottingham", "FILE"))
        if getattr(given, name)
    )
    yield f"# python benchmarks/train.py{options}, {datetime.date.today()}"
    versions = dict.fromkeys(
        version for result in found.values() for version in result.version.split(", ")
    )
    yield (
        f"{processor()}, {len(os.sched_getaffinity(0))} processors, Python "
        f"{platform.python_version()}, {', '.join(versions)}"
    )
    for work in works:
        yield ""
        yield f"{work.name}, {work.epochs} epochs"
        yield f"{'':12}{'whole':>10}{'epoch':>10}{'live steps/s':>14}{'memory':>10}{'figure':>9}"
        for peer in peers:
            x = found[work.name, peer]
            yield (
                f"{peer:12}{x.whole:>8.1f} s{x.epoch:>8.2f} s{x.live:>14,.0f}"
                f"{x.memory / 1e6:>7,.0f} MB{x.figure:>9.4f}"
            )
    yield ""
    yield f"{'':44}{'found':>8}{'target':>8}"
    for work in works:
        ours = found[work.name, "varlen"]
        for peer in peers[1:]:
            theirs = found[work.name, peer]
            for name, times in (
                ("whole", theirs.whole / ours.whole),
                ("epoch", theirs.epoch / ours.epoch),
            ):
                wanted = TIMES_TORCH if peer == "torch" else None
                yield target(f"{work.name}, {name}: times as fast as {peer}", times, wanted)
            memory = ours.memory / theirs.memory
            wanted = -TIMES_MEMORY if peer == "torch" else None
            yield target(f"{work.name}: memory, as a multiple of {peer}'s", memory, wanted)


def target(what: str, value: float, wanted: float | None) -> str:
    """A line; a target below 0 is one that is not to be exceeded."""
    line = f"{what:44}{value:>8.2f}"
    if wanted is None:
        return line
    reached = value >= wanted if wanted > 0 else value <= -wanted
    return f"{line}{abs(wanted):>8.1f}  {'reached' if reached else 'MISSED'}"


if __name__ == "__main__":
    main()
