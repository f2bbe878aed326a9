"""The works of `benchmarks/data.py`, done by varlen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from clock import Counts, run
from torch.utils.data import DataLoader

import varlen
from varlen import FixedLenFeature, FixedLenSequenceFeature, int64
from varlen.data import (
    BatchLimits,
    BatchPlan,
    BucketBySequenceLength,
    FollowPlan,
    IndexedRecords,
    Pad,
    Parse,
    Pipeline,
    Prefetch,
    Records,
    Repeat,
    Shuffle,
)

BATCH_SIZE = 64
NUM_BUCKETS = 10
WINDOWS = 50
PARSE = Parse(
    {"id": FixedLenFeature((), int64)},
    {name: FixedLenSequenceFeature((), int64) for name in ("tokens", "labels")},
)


def streamed(folder: Path) -> Pipeline:
    with np.load(folder / "facts.npz") as facts:
        boundaries = facts["boundaries"].tolist()
    return Pipeline(
        Records(str(folder / "shard-*.tfrecord")),
        Shuffle(10_000, seed=0),
        BucketBySequenceLength("tokens", boundaries, BATCH_SIZE),
        Repeat(),
        PARSE,
        Pad(),
        Prefetch(4),
    )


def indexed(folder: Path, plan: BatchPlan, files: str = "shard-*.tfrecord") -> Pipeline:
    return Pipeline(
        IndexedRecords(str(folder / files), "tokens"),
        FollowPlan(plan),
        Repeat(),
        PARSE,
        Pad(),
        Prefetch(4),
    )


IN_BUCKETS = BatchPlan(BATCH_SIZE, buckets=NUM_BUCKETS)
SHUFFLED = BatchPlan(BATCH_SIZE)
IN_ORDER = BatchPlan(BATCH_SIZE, shuffle=False)
BY_BUDGET = BatchPlan(BatchLimits(max_steps=41 * BATCH_SIZE), buckets=NUM_BUCKETS)
IN_WINDOWS = BatchPlan(BATCH_SIZE, windows=WINDOWS)


def counted(batches: Any) -> Iterator[Counts]:
    for batch in batches:
        data, lengths = batch["tokens"]
        yield Counts(len(lengths), int(lengths.sum()), data.shape[0] * data.shape[1])


def loaded(pipeline: Pipeline, num_workers: int) -> Iterator[Counts]:
    return counted(DataLoader(pipeline, batch_size=None, num_workers=num_workers))


if __name__ == "__main__":
    run(
        {
            "streamed": lambda folder, _: counted(streamed(folder)),
            "buckets": lambda folder, _: counted(indexed(folder, IN_BUCKETS)),
            "shuffled": lambda folder, _: counted(indexed(folder, SHUFFLED)),
            "in order": lambda folder, _: counted(indexed(folder, IN_ORDER)),
            "budget": lambda folder, _: counted(indexed(folder, BY_BUDGET)),
            "windows": lambda folder, _: counted(indexed(folder, IN_WINDOWS)),
            "joined": lambda folder, _: counted(indexed(folder, IN_BUCKETS, "joined.tfrecord")),
            "workers": lambda folder, _: loaded(indexed(folder, IN_BUCKETS), 2),
        },
        f"varlen {varlen.__version__}, torch {torch.__version__}",
    )
