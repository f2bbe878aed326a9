"""The works of `benchmarks/data.py`, done by tf.data."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from clock import Counts, Work, run

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

BATCH_SIZE = 64
CONTEXT = {"id": tf.io.FixedLenFeature((), tf.int64)}
LISTS = {name: tf.io.FixedLenSequenceFeature((), tf.int64) for name in ("tokens", "labels")}


def parse(record):
    context, lists = tf.io.parse_single_sequence_example(record, CONTEXT, LISTS)
    return {**context, **lists, "length": tf.size(lists["tokens"])}


def in_buckets(examples: tf.data.Dataset, folder: Path) -> tf.data.Dataset:
    with np.load(folder / "facts.npz") as facts:
        boundaries = facts["boundaries"].tolist()
    return examples.bucket_by_sequence_length(
        lambda example: example["length"], boundaries, [BATCH_SIZE] * (len(boundaries) + 1)
    )


def in_order(examples: tf.data.Dataset, folder: Path) -> tf.data.Dataset:
    return examples.padded_batch(BATCH_SIZE)


def work(batches, is_deterministic: bool) -> Work:
    def go_through(folder: Path, num_processors: int) -> Iterator[Counts]:
        tf.config.threading.set_intra_op_parallelism_threads(num_processors)
        tf.config.threading.set_inter_op_parallelism_threads(num_processors)
        options = tf.data.Options()
        options.deterministic = is_deterministic
        options.threading.private_threadpool_size = num_processors
        files = sorted(map(str, folder.glob("shard-*.tfrecord")))
        examples = (
            tf.data.TFRecordDataset(files)
            .shuffle(10_000, seed=0)
            .map(parse, num_parallel_calls=tf.data.AUTOTUNE)
        )
        batched = batches(examples, folder).repeat().prefetch(tf.data.AUTOTUNE)
        for batch in batched.with_options(options).as_numpy_iterator():
            yield Counts(len(batch["length"]), int(batch["length"].sum()), batch["tokens"].size)

    return go_through


if __name__ == "__main__":
    run(
        {
            "buckets": work(in_buckets, True),
            "buckets, any order": work(in_buckets, False),
            "padded": work(in_order, True),
            "padded, any order": work(in_order, False),
        },
        f"tensorflow {tf.__version__}",
    )
