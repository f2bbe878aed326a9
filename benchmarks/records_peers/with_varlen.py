"""The works of `benchmarks/records.py`, done by varlen; one thread for each shard."""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from serve import BATCH_SIZE, SEQUENCES, columns, rows, serve, shards

import varlen
from varlen import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    IndexedReader,
    JaggedSequence,
    RecordReader,
    RecordWriter,
    examples,
    float32,
    int64,
    parse_example,
    sequence_examples,
)
from varlen.features import decode_sequence_examples

CONTEXT = {"length": FixedLenFeature((), int64)}
LISTS = {
    "tokens": {
        "tokens": FixedLenSequenceFeature((), int64),
        "labels": FixedLenSequenceFeature((), int64),
    },
    "frames": {"frames": FixedLenSequenceFeature((40,), float32)},
}
FLAT = {
    "id": FixedLenFeature((), int64),
    "label": FixedLenFeature((), int64),
    "values": FixedLenFeature((10,), float32),
}
WRITE_BATCH = 1000
NUM_THREADS = int(sys.argv[2])
_POOL = ThreadPoolExecutor(NUM_THREADS)


def batches(path: str) -> Iterator[list[bytes]]:
    with RecordReader(path) as reader:
        while records := reader.read_many(BATCH_SIZE):
            yield records


def read(data: str, folder: Path) -> int:
    return over_shards(lambda path: sum(map(len, batches(path))), data, folder)


def decode(padded: bool) -> Callable[[str, Path], int]:
    def decode_shard(path: str, data: str) -> int:
        num_records = 0
        for records in batches(path):
            if data == "flat":
                parse_example(records, FLAT)
            else:
                decode_sequence_examples(records, CONTEXT, LISTS[data], padded=padded, threads=1)
            num_records += len(records)
        return num_records

    return lambda data, folder: over_shards(lambda path: decode_shard(path, data), data, folder)


def shuffled(data: str, folder: Path) -> int:
    def read_shard(path: str) -> int:
        with IndexedReader(path) as reader:
            order = np.random.default_rng(0).permutation(len(reader))
            steps = range(0, len(order), BATCH_SIZE)
            return sum(len(reader[order[i : i + BATCH_SIZE]]) for i in steps)

    return over_shards(read_shard, data, folder)


def write_lists(data: str, folder: Path) -> int:
    def batch(part: slice) -> list[bytes]:
        chosen = {name: column[part] for name, column in by_record.items()}
        if data == "flat":
            return examples(chosen)
        lists = {name: chosen.pop(name) for name in SEQUENCES & chosen.keys()}
        return sequence_examples(chosen, lists)

    by_record = rows(data, folder, as_lists=True)
    return write(batch, len(by_record["length"]), folder)


def write_arrays(data: str, folder: Path) -> int:
    def batch(part: slice) -> list[bytes]:
        steps = slice(ends[part.start], ends[min(part.stop, len(length))])
        lists = {
            name: JaggedSequence(arrays[name][steps], length[part])
            for name in SEQUENCES & arrays.keys()
        }
        return sequence_examples({"length": length[part]}, lists)

    arrays = columns(data, folder)
    length = arrays["length"]
    ends = [0, *np.cumsum(length).tolist()]
    return write(batch, len(length), folder)


def write(batch: Callable[[slice], list[bytes]], num_records: int, folder: Path) -> int:
    out = folder / f"written-{os.getpid()}"
    with RecordWriter(out) as writer:
        for i in range(0, num_records, WRITE_BATCH):
            writer.write_many(batch(slice(i, i + WRITE_BATCH)))
    out.unlink()
    return num_records


def over_shards(function: Callable[[str], int], data: str, folder: Path) -> int:
    return sum(_POOL.map(function, shards(data, folder)))


if __name__ == "__main__":
    serve(
        {
            "read": read,
            "padded": decode(padded=True),
            "jagged": decode(padded=False),
            "shuffled": shuffled,
            "lists": write_lists,
            "arrays": write_arrays,
        },
        f"varlen {varlen.__version__}",
    )
