"""Files of unequal sequences into batches; varlen and its peers on the same files.

    python benchmarks/data.py --cache build/data
    python benchmarks/data.py --cache build/data --torch PYTHON --tensorflow PYTHON \\
        --grain PYTHON --lhotse PYTHON --save benchmarks/results/data.txt

The peers are run by interpreters of environments in which they are installed; a peer without one
is left out. The data are record files in 8 shards, of SequenceExamples with an id, and two lists of
an int64 a step, tokens and labels:

    ewt        the 12,544 training sentences of Universal Dependencies' English Web Treebank
    synthetic  1,000,000 sequences; steps are log-normal, with a median of 30 and at most 200

They are written once, and read once before anything is measured, so that no disk is. Everybody
makes padded batches of 64, for ever. Every measurement is a process of its own, bound to one
processor or to two, that goes through batches for some seconds after the first; rounds of all
contestants take turns, and the medians count. The contestants:

    varlen streamed   Records, Shuffle(10,000), BucketBySequenceLength, Parse, Pad, Prefetch(4)
    varlen indexed    IndexedRecords, FollowPlan, Parse, Pad, Prefetch(4); shuffled as a whole
    DataLoader        shuffled as a whole, pad_sequence; "files" parses protobuf messages as asked,
                      "memory" has 100,000 sequences parsed beforehand; verifies no checksum
    tf.data           TFRecordDataset, shuffle(10,000), parse_single_sequence_example, and then
                      bucket_by_sequence_length or padded_batch; in order and in any order
    Grain             MapDataset, shuffled as a whole, batch with a padding function, for it has no
                      buckets by length; "files" and "memory" as for DataLoader
    Lhotse            DynamicBucketingSampler: says which sequences go together, and reads none

All who have buckets have 10; those of tf.data have the boundaries that varlen finds. Then comes
what padding there is, by plans alone, and what they give away for it: of those in its batch, how
many an example meets again in that of the next epoch. In the end stand the targets, and which are
reached; a ratio is to the best of the peer's ways on as many processors, or fewer.
"""

import argparse
import contextlib
import datetime
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import data_files
from data_files import Data
from data_padding import print_padding
from data_targets import Found, print_targets, targets
from machine import processor
from tqdm import tqdm

from varlen._native import NATIVE

PEERS = Path(__file__).parent / "data_peers"
# Option, and what it is an interpreter with.
OPTIONS = {
    "torch": "torch and tfrecord",
    "tensorflow": "TensorFlow",
    "grain": "grain and tfrecord",
    "lhotse": "lhotse and torch",
}


class Contestant(NamedTuple):
    """Who does what on how many processors, and whether also on EWT."""

    name: str
    peer: str
    work: str
    processors: int
    on_ewt: bool = False


CONTESTANTS = [
    Contestant("varlen streamed", "varlen", "streamed", 1, True),
    Contestant("varlen streamed", "varlen", "streamed", 2, True),
    Contestant("varlen indexed, buckets", "varlen", "buckets", 1, True),
    Contestant("varlen indexed, buckets", "varlen", "buckets", 2, True),
    Contestant("varlen indexed, max_steps", "varlen", "budget", 1),
    Contestant("varlen indexed, windows of 50", "varlen", "windows", 1),
    Contestant("varlen indexed, no buckets", "varlen", "shuffled", 1),
    Contestant("varlen indexed, in order of the files", "varlen", "in order", 1),
    Contestant("varlen indexed, one file", "varlen", "joined", 1),
    Contestant("varlen indexed, DataLoader's 2 workers", "varlen", "workers", 2),
    Contestant("DataLoader, files", "torch", "files, 0", 1, True),
    Contestant("DataLoader, files, 2 workers", "torch", "files, 2", 2, True),
    Contestant("DataLoader, memory", "torch", "memory, 0", 1, True),
    Contestant("DataLoader, memory, 2 workers", "torch", "memory, 2", 2),
    Contestant("tf.data, buckets", "tensorflow", "buckets", 1, True),
    Contestant("tf.data, buckets", "tensorflow", "buckets", 2, True),
    Contestant("tf.data, buckets, any order", "tensorflow", "buckets, any order", 1, True),
    Contestant("tf.data, buckets, any order", "tensorflow", "buckets, any order", 2, True),
    Contestant("tf.data, padded_batch", "tensorflow", "padded", 1),
    Contestant("tf.data, padded_batch, any order", "tensorflow", "padded, any order", 1),
    Contestant("Grain, files", "grain", "files", 1),
    Contestant("Grain, files", "grain", "files", 2),
    Contestant("Grain, memory", "grain", "memory", 1),
    Contestant("Lhotse, sampling alone", "lhotse", "sampling", 1),
]


def main() -> None:
    given = parse_arguments()
    if not NATIVE:
        raise SystemExit("the compiled core is left out (VARLEN_NATIVE=0): nothing to compare")
    printed = io.StringIO()
    with contextlib.ExitStack() as stack:
        cache = given.cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cache.mkdir(parents=True, exist_ok=True)
        stack.enter_context(contextlib.redirect_stdout(_Both(sys.stdout, printed)))
        compare(cache, given)
    if given.save:
        given.save.write_text(printed.getvalue())


class _Both(io.TextIOBase):
    def __init__(self, *files: Any) -> None:
        self._files = files

    def write(self, text: str) -> int:
        for file in self._files:
            file.write(text)
            file.flush()
        return len(text)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="for the data (a temporary one); 1.5 GB"
    )
    for option, what in OPTIONS.items():
        parser.add_argument(f"--{option}", metavar="PYTHON", help=f"an interpreter with {what}")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each measurement (2)")
    parser.add_argument("--repeats", type=int, default=3, help="rounds (3)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write there what is printed")
    return parser.parse_args()


def compare(cache: Path, given: argparse.Namespace) -> None:
    begin = time.perf_counter()
    names = ["python", "benchmarks/data.py"]
    names += [f"--{option} PYTHON" for option in OPTIONS if getattr(given, option)]
    print(f"# {' '.join(names)}, {datetime.date.today()}")
    all_data = data_files.make(cache)
    for data in all_data:
        data_files.warm(data)
    joined = data_files.joined(all_data[-1])
    contestants = [c for c in CONTESTANTS if c.peer == "varlen" or getattr(given, c.peer)]
    found = measure(all_data, contestants, given)
    versions = dict.fromkeys(", ".join(a["version"] for a in found.values()).split(", "))
    print(
        f"{processor()}, {len(os.sched_getaffinity(0))} processors, Python "
        f"{platform.python_version()}, {', '.join(versions)}"
    )
    for option in OPTIONS:
        if getattr(given, option) is None:
            print(f"{option} is left out: --{option} names no interpreter")
    for data in all_data:
        print_table(data, contestants, found)
    with_padding = print_padding()
    print_targets(targets(found, with_padding, joined))
    print(f"\ntook {(time.perf_counter() - begin) / 60:.1f} minutes")


def measure(
    all_data: Sequence[Data], contestants: Sequence[Contestant], given: argparse.Namespace
) -> Found:
    """The medians of all rounds, by data, name and processors."""
    runs = [
        (data, contestant)
        for data in all_data
        for contestant in contestants
        if data.name == "synthetic" or contestant.on_ewt
    ]
    answers: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for data, contestant in tqdm(runs * given.repeats, unit="run", disable=None):
        key = (data.name, contestant.name, contestant.processors)
        answers.setdefault(key, []).append(run(data, contestant, given))
    return {key: dict(_medians(several)) for key, several in answers.items()}


def run(data: Data, contestant: Contestant, given: argparse.Namespace) -> dict[str, Any]:
    python = sys.executable if contestant.peer == "varlen" else getattr(given, contestant.peer)
    arguments = [data.folder, contestant.work, contestant.processors, given.seconds]
    chosen = sorted(os.sched_getaffinity(0))[-contestant.processors :]
    done = subprocess.run(
        [python, PEERS / f"with_{contestant.peer}.py", *map(str, arguments)],
        preexec_fn=lambda: os.sched_setaffinity(0, chosen),
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{contestant.name} has failed:\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)
    for name in ("examples", "live", "padded"):
        answer[name] /= answer["seconds"]
    return answer


def _medians(answers: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    yield "version", answers[0]["version"]
    for name in ("first", "memory", "examples", "live", "padded"):
        yield name, statistics.median(answer[name] for answer in answers)


def print_table(data: Data, contestants: Sequence[Contestant], found: Found) -> None:
    print(
        f"\n{data.name}: {data.num_examples:,} sequences, {data.size / 1e6:,.1f} MB\n"
        f"{'':40}{'processors':>11}{'examples/s':>12}{'live steps/s':>14}{'padding':>9}"
        f"{'first batch':>13}{'memory':>9}"
    )
    for contestant in contestants:
        answer = found.get((data.name, contestant.name, contestant.processors))
        if answer is not None:
            padding = 1 - answer["live"] / answer["padded"]
            print(
                f"{contestant.name:40}{contestant.processors:>11}{answer['examples']:>12,.0f}"
                f"{answer['live']:>14,.0f}{padding:>9.1%}{answer['first']:>11.2f} s"
                f"{answer['memory'] / 1e6:>6,.0f} MB"
            )


if __name__ == "__main__":
    main()
