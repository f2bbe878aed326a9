"""Data larger than memory, and sequences that are long."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from varlen import RecordWriter, sequence_example
from varlen.train import Observers, make_settings, train

MIB = 2**20
NUM_RECORDS = 2000
# Beside what the process holds after it has learned from a few of the records.
LIMIT = 150
COMMAND = """
import re, resource, sys
from varlen.cli import main
from varlen.records import RecordReader

def train(folder, run):
    options = "--cell gru --units 2 --epochs 1 --batch-size 8 --valid-share 0.05".split()
    try:
        main(["train", "classify", folder, "--run", run, *options])
    except SystemExit as end:
        assert end.code == 0

limit, folder, few, runs = int(sys.argv[1]), *sys.argv[2:]
train(few, runs + "/run-few")
held = 1024 * int(re.search(r"VmData:\\s+(\\d+)", open("/proc/self/status").read())[1])
resource.setrlimit(resource.RLIMIT_DATA, (held + limit, held + limit))
train(folder, runs + "/run-all")
try:
    records = list(RecordReader(folder + "/train.tfrecord"))
except MemoryError:
    print("more than memory")
"""


def write_wide(folder, num_records):
    folder.mkdir()
    noise = np.random.default_rng(0).normal(size=(24, 2000)).astype(np.float32)
    with RecordWriter(folder / "train.tfrecord") as writer:
        for number in range(num_records):
            values = noise[: 1 + number % 24] + np.float32(number % 2)
            writer.write(sequence_example({"label": number % 2}, {"values": values}))
    return folder


def test_data_larger_than_memory_is_learned_from(tmp_path):
    wide, few = write_wide(tmp_path / "wide", NUM_RECORDS), write_wide(tmp_path / "few", 50)
    assert (wide / "train.tfrecord").stat().st_size > 1.2 * LIMIT * MIB
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, str(LIMIT * MIB), wide, few, tmp_path],
        env={**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("best: epoch 1, accuracy") == 2
    assert done.stdout.endswith("more than memory\n")


@pytest.mark.parametrize("task", ["tag", "classify"])
def test_sequences_of_a_hundred_thousand_steps(tmp_path, task):
    folder, num_steps = tmp_path / "data", 100_000
    folder.mkdir()
    values = np.random.default_rng(0).normal(size=num_steps).astype(np.float32)
    tags = (values > 0).astype(np.int64)
    for split in ("train", "valid"):
        with RecordWriter(folder / f"{split}.tfrecord") as writer:
            for label in (0, 1):
                lists = {"values": values[: num_steps - label], "tags": tags[: num_steps - label]}
                writer.write(sequence_example({"label": label}, lists))
    settings = make_settings(
        task,
        {
            "model": {"cell": "rnn", "units": 2},
            "training": {"epochs": 1},
            "data": {"inputs": ["values"]},
        },
    )
    standing = train(task, folder, tmp_path / "run", settings, observer=Observers())
    assert standing.step == 2  # one that is longer than a batch may be comes alone
    [row] = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(row)["live_steps"] == 2 * num_steps - 1
