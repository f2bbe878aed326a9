"""The works of `benchmarks/records.py`, done by the package tfrecord, which skips checksums."""

import os
from importlib.metadata import version
from pathlib import Path

import numpy as np
from serve import BATCH_SIZE, SEQUENCES, rows, serve, shards
from tfrecord.reader import tfrecord_iterator, tfrecord_loader
from tfrecord.writer import TFRecordWriter


def read(data: str, folder: Path) -> int:
    return sum(len([bytes(r) for r in tfrecord_iterator(path)]) for path in shards(data, folder))


def decode(padded: bool):
    def work(data: str, folder: Path) -> int:
        num_records = 0
        for path in shards(data, folder):
            lists = None if data == "flat" else {}
            batch = []
            for record in tfrecord_loader(path, None, {}, sequence_description=lists):
                batch.append(record)
                num_records += 1
                if len(batch) == BATCH_SIZE:
                    collate(batch, padded, data == "flat")
                    batch = []
            if batch:
                collate(batch, padded, data == "flat")
        return num_records

    return work


def collate(batch, padded: bool, flat: bool) -> dict:
    if flat:
        return {name: np.stack([record[name] for record in batch]) for name in batch[0]}
    collated = {name: np.concatenate([c[name] for c, _ in batch]) for name in batch[0][0]}
    for name in batch[0][1]:
        values = [np.stack(lists[name]) for _, lists in batch]
        if padded:
            block = np.zeros(
                (len(values), max(map(len, values)), values[0].shape[1]), values[0].dtype
            )
            for row, steps in zip(block, values, strict=True):
                row[: len(steps)] = steps
            collated[name] = block
        else:
            collated[name] = np.concatenate(values)
    return collated


def write(as_lists: bool):
    def work(data: str, folder: Path) -> int:
        columns = rows(data, folder, as_lists)
        kinds = {name: "float" if name in ("frames", "values") else "int" for name in columns}
        out = folder / f"written-{os.getpid()}"
        writer = TFRecordWriter(str(out))
        for record in zip(*columns.values(), strict=True):
            context, lists = {}, {}
            for name, value in zip(columns, record, strict=True):
                part = lists if name in SEQUENCES else context
                part[name] = (value, kinds[name])
            writer.write(context, lists or None)
        writer.close()
        out.unlink()
        return len(columns["length"])

    return work


if __name__ == "__main__":
    serve(
        {
            "read": read,
            "padded": decode(padded=True),
            "jagged": decode(padded=False),
            "lists": write(as_lists=True),
            "arrays": write(as_lists=False),
        },
        f"tfrecord {version('tfrecord')}",
    )
