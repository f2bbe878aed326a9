"""The works of `benchmarks/data.py`, done by Grain, with padding of our own: it has none."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import grain
import numpy as np
from clock import Counts, Work, run
from tfrecord import example_pb2

BATCH_SIZE = 64
HEADER_SIZE = 12
NAMES = ("tokens", "labels")


class FileSource:
    """The records of the files by number, as bytes; verifies no checksum."""

    def __init__(self, folder: Path) -> None:
        with np.load(folder / "facts.npz") as facts:
            self._places = list(
                zip(*(facts[x] for x in ("files", "offsets", "sizes")), strict=True)
            )
        self._data = [np.memmap(path, mode="r") for path in sorted(folder.glob("shard-*.tfrecord"))]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> bytes:
        file, offset, size = self._places[number]
        return self._data[file][offset + HEADER_SIZE :][:size].tobytes()


class MemorySource:
    """Examples that have been parsed already."""

    def __init__(self, folder: Path) -> None:
        with np.load(folder / "memory.npz") as stored:
            ends = np.cumsum(stored["lengths"])[:-1]
            columns = [np.split(stored[name], ends) for name in NAMES]
        self._examples = [
            dict(zip(NAMES, values, strict=True)) for values in zip(*columns, strict=True)
        ]

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        return self._examples[number]


def parse(record: bytes) -> dict[str, np.ndarray]:
    lists = example_pb2.SequenceExample.FromString(record).feature_lists.feature_list
    return {
        name: np.array([step.int64_list.value[0] for step in lists[name].feature]) for name in NAMES
    }


def pad(examples: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    lengths = np.array([len(example["tokens"]) for example in examples])
    padded = {name: np.zeros((len(examples), lengths.max()), np.int64) for name in NAMES}
    for i, example in enumerate(examples):
        for name, block in padded.items():
            block[i, : lengths[i]] = example[name]
    return {**padded, "length": lengths}


def work(make: type, function) -> Work:
    def go_through(folder: Path, num_processors: int) -> Iterator[Counts]:
        examples = grain.MapDataset.source(make(folder)).seed(0).shuffle()
        if function is not None:
            examples = examples.map(function)
        batches = examples.batch(BATCH_SIZE, batch_fn=pad).repeat()
        options = grain.ReadOptions(num_threads=num_processors, prefetch_buffer_size=16)
        for batch in batches.to_iter_dataset(options):
            yield Counts(len(batch["length"]), int(batch["length"].sum()), batch["tokens"].size)

    return go_through


if __name__ == "__main__":
    run(
        {"files": work(FileSource, parse), "memory": work(MemorySource, None)},
        f"grain {version('grain')}",
    )
