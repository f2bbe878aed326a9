"""The pipelines of the soak run, the files that they read, and what a batch is known by."""

import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from varlen.data import (
    Batch,
    BatchLimits,
    BatchPlan,
    BucketBySequenceLength,
    Chunk,
    Filter,
    FollowPlan,
    IndexedRecords,
    Interleave,
    Map,
    Mix,
    Pad,
    Parse,
    Permute,
    Pipeline,
    Prefetch,
    Records,
    Repeat,
    Shuffle,
)
from varlen.features import FixedLenFeature, FixedLenSequenceFeature, VarLenFeature
from varlen.features import sequence_example as serialize
from varlen.records import RecordIndex, RecordWriter

NUM_FILES = 3


class FaultError(Exception):
    """Stands for whatever may go wrong in a user's function."""


class Fault:
    """A function of a pipeline that fails once, after some calls."""

    def __init__(self) -> None:
        self.calls_left = -1  # none

    def __call__(self, item: Any) -> Any:
        self.calls_left -= 1
        if self.calls_left == 0:
            raise FaultError("on purpose")
        return item


FAULT = Fault()
PARSE = Parse(
    {"id": FixedLenFeature([], np.int64), "bag": VarLenFeature(np.int64)},
    {
        "tokens": FixedLenSequenceFeature([], np.int64),
        "frames": FixedLenSequenceFeature([3], np.float32),
    },
)


def write_files(folder: Path, records_per_file: int) -> None:
    """Record files of sequences whose lengths are as uneven as those of sentences."""
    chance = np.random.default_rng(0)
    for number in range(NUM_FILES):
        with RecordWriter(path_of(folder, number)) as writer:
            for i in range(records_per_file):
                length = min(int(chance.lognormal(np.log(20), 0.8)), 200)
                writer.write(
                    serialize(
                        {"id": number * records_per_file + i, "bag": list(range(i % 4))},
                        {
                            "tokens": chance.integers(0, 1000, length).tolist(),
                            "frames": chance.random((length, 3), np.float32).tolist(),
                        },
                    )
                )
        RecordIndex.build(path_of(folder, number), feature="tokens").save()


def path_of(folder: Path, number: int) -> str:
    return str(folder / f"part-{number}.tfrecord")


def _paths(folder: Path) -> list[str]:
    return [path_of(folder, number) for number in range(NUM_FILES)]


def _has_steps(example: Any) -> bool:
    return bool(example["tokens"].lengths > 0)


def _streamed(folder: Path) -> Pipeline:
    return Pipeline(
        Records(_paths(folder)),
        Shuffle(500, seed=1),
        BucketBySequenceLength("tokens", (16, 32, 64), (32, 16, 8, 4)),
        PARSE,
        Map(FAULT),
        Pad(),
        Prefetch(4),
    )


def _of_examples(folder: Path) -> Pipeline:
    return Pipeline(
        Records(_paths(folder)),
        PARSE,
        Filter(_has_steps),
        Shuffle(200, seed=2),
        Map(FAULT),
        BucketBySequenceLength("tokens", (16, 32, 64), 16),
        Pad(),
        Prefetch(2),
    )


def _mixed(folder: Path) -> Pipeline:
    first, second, third = _paths(folder)
    source = Mix(
        [
            Pipeline(Records(first), Repeat(2), Shuffle(50, seed=3)),
            Interleave([Records(second), Records(third)], block=3),
        ],
        weights=(2, 1),
        seed=4,
        stop="all",
    )
    return Pipeline(source, Shuffle(100, seed=5), Batch(24), PARSE, Map(FAULT), Pad(), Prefetch(3))


def _chunks(folder: Path) -> Pipeline:
    return Pipeline(
        Records(_paths(folder)),
        PARSE,
        Shuffle(100, seed=6),
        Map(FAULT),
        Chunk(steps=35, batch_size=20),
        Pad(),
        Prefetch(1),
    )


def _planned(folder: Path) -> Pipeline:
    plan = BatchPlan(BatchLimits(max_steps=400), buckets=4, seed=7, num_ranks=2)
    return Pipeline(
        IndexedRecords(_paths(folder), "tokens"),
        FollowPlan(plan),
        PARSE,
        Map(FAULT),
        Pad(),
        Prefetch(2),
    )


def _permuted(folder: Path) -> Pipeline:
    return Pipeline(
        IndexedRecords(_paths(folder)),
        Permute(seed=8),
        Repeat(2),
        Map(FAULT),
        BucketBySequenceLength("tokens", (16, 64), 16),
        PARSE,
        Pad(),
    )


PIPELINES: dict[str, Callable[[Path], Pipeline]] = {
    "streamed": _streamed,
    "of examples": _of_examples,
    "mixed": _mixed,
    "chunks": _chunks,
    "planned": _planned,
    "permuted": _permuted,
}


def digest(batch: Any) -> str:
    """What two batches share only if they are equal, bit for bit."""
    found = hashlib.blake2b(digest_size=8)
    _add(found, batch)
    return found.hexdigest()


def _add(found: Any, value: Any) -> None:
    if isinstance(value, dict):
        for name in sorted(value):
            found.update(name.encode())
            _add(found, value[name])
    elif isinstance(value, tuple):
        for part in value:
            _add(found, part)
    else:
        array = value.numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(repr(array.tolist()).encode() if array.dtype == object else array.tobytes())


def uninterrupted(name: str, folder: Path, epoch: int) -> list[str]:
    """The digests of a whole pass."""
    FAULT.calls_left = -1
    return [digest(batch) for batch in PIPELINES[name](folder).for_epoch(epoch)]


def some(chance: random.Random, mean: int) -> int:
    """At least 1, and `mean` on the whole."""
    return 1 + int(chance.expovariate(1 / max(mean - 1, 1)))
