"""The works of `benchmarks/records.py`, done by tf.data."""

import os
import sys
from pathlib import Path

import numpy as np
from serve import BATCH_SIZE, SEQUENCES, rows, serve, shards

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

NUM_THREADS = int(sys.argv[2])
tf.config.threading.set_intra_op_parallelism_threads(NUM_THREADS)
tf.config.threading.set_inter_op_parallelism_threads(NUM_THREADS)

CONTEXT = {"length": tf.io.FixedLenFeature((), tf.int64)}
PADDED = {
    "tokens": {
        "tokens": tf.io.FixedLenSequenceFeature((), tf.int64),
        "labels": tf.io.FixedLenSequenceFeature((), tf.int64),
    },
    "frames": {"frames": tf.io.FixedLenSequenceFeature((40,), tf.float32)},
}
JAGGED = {
    "tokens": {
        "tokens": tf.io.RaggedFeature(tf.int64),
        "labels": tf.io.RaggedFeature(tf.int64),
    },
    "frames": {"frames": tf.io.RaggedFeature(tf.float32)},
}
FLAT = {
    "id": tf.io.FixedLenFeature((), tf.int64),
    "label": tf.io.FixedLenFeature((), tf.int64),
    "values": tf.io.FixedLenFeature((10,), tf.float32),
}


def batches(data: str, folder: Path) -> tf.data.Dataset:
    parallel = None if NUM_THREADS == 1 else NUM_THREADS
    return tf.data.TFRecordDataset(shards(data, folder), num_parallel_reads=parallel).batch(
        BATCH_SIZE
    )


def read(data: str, folder: Path) -> int:
    return sum(len(records) for records in batches(data, folder))


def decode(lists):
    def parse(data, records):
        if data == "flat":
            return tf.shape(records)[0], tf.io.parse_example(records, FLAT)
        return tf.shape(records)[0], tf.io.parse_sequence_example(records, CONTEXT, lists[data])

    def work(data: str, folder: Path) -> int:
        parallel = None if NUM_THREADS == 1 else NUM_THREADS
        dataset = batches(data, folder).map(
            lambda records: parse(data, records), num_parallel_calls=parallel
        )
        if NUM_THREADS > 1:
            dataset = dataset.prefetch(NUM_THREADS)
        return sum(int(count) for count, _ in dataset)

    return work


def write(as_lists: bool):
    def work(data: str, folder: Path) -> int:
        columns = rows(data, folder, as_lists)
        out = folder / f"written-{os.getpid()}"
        with tf.io.TFRecordWriter(str(out)) as writer:
            for record in zip(*columns.values(), strict=True):
                writer.write(message(dict(zip(columns, record, strict=True))).SerializeToString())
        out.unlink()
        return len(columns["length"])

    return work


def message(values):
    context = {name: feature(name, v) for name, v in values.items() if name not in SEQUENCES}
    lists = {
        name: tf.train.FeatureList(feature=[feature(name, step) for step in steps])
        for name, steps in values.items()
        if name in SEQUENCES
    }
    features = tf.train.Features(feature=context)
    if not lists:
        return tf.train.Example(features=features)
    return tf.train.SequenceExample(
        context=features, feature_lists=tf.train.FeatureLists(feature_list=lists)
    )


def feature(name: str, value) -> tf.train.Feature:
    values = [value] if np.ndim(value) == 0 else value
    if name in ("frames", "values"):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


if __name__ == "__main__":
    serve(
        {
            "read": read,
            "padded": decode(PADDED),
            "jagged": decode(JAGGED),
            "lists": write(as_lists=True),
            "arrays": write(as_lists=False),
        },
        f"tensorflow {tf.__version__}",
    )
