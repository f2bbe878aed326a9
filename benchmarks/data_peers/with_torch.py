"""The works of `benchmarks/data.py`, done by torch's DataLoader with the usual `pad_sequence`."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from clock import Counts, Work, run
from tfrecord import example_pb2
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

BATCH_SIZE = 64
HEADER_SIZE = 12
Example = tuple[Tensor, Tensor]


class FileDataset(Dataset[Example]):
    """Parses a record each time it is asked for, by protobuf messages; verifies no checksum."""

    def __init__(self, folder: Path) -> None:
        with np.load(folder / "facts.npz") as facts:
            self._places = list(
                zip(*(facts[x] for x in ("files", "offsets", "sizes")), strict=True)
            )
        self._paths = sorted(folder.glob("shard-*.tfrecord"))
        self._files = None

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> Example:
        if self._files is None:  # here, so that each worker has its own
            self._files = [path.open("rb") for path in self._paths]
        file, offset, size = self._places[number]
        self._files[file].seek(offset + HEADER_SIZE)
        message = example_pb2.SequenceExample.FromString(self._files[file].read(size))
        lists = message.feature_lists.feature_list
        tokens, labels = (
            torch.tensor([step.int64_list.value[0] for step in lists[name].feature])
            for name in ("tokens", "labels")
        )
        return tokens, labels


class MemoryDataset(Dataset[Example]):
    """Examples that have been parsed already, two tensors each."""

    def __init__(self, folder: Path) -> None:
        with np.load(folder / "memory.npz") as stored:
            lengths = stored["lengths"].tolist()
            columns = [torch.from_numpy(stored[x]).split(lengths) for x in ("tokens", "labels")]
        self._examples = list(zip(*columns, strict=True))

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, number: int) -> Example:
        return self._examples[number]


def collate(examples: list[Example]) -> tuple[Tensor, Tensor, Tensor]:
    tokens, labels = zip(*examples, strict=True)
    lengths = torch.tensor(list(map(len, tokens)))
    return pad_sequence(tokens, batch_first=True), pad_sequence(labels, batch_first=True), lengths


def work(make: type[Dataset[Example]], num_workers: int) -> Work:
    def go_through(folder: Path, _: int) -> Iterator[Counts]:
        loader = DataLoader(
            make(folder),
            BATCH_SIZE,
            shuffle=True,
            collate_fn=collate,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
        )
        while True:
            for tokens, _, lengths in loader:
                yield Counts(len(lengths), int(lengths.sum()), tokens.numel())

    return go_through


if __name__ == "__main__":
    run(
        {
            f"{name}, {num_workers}": work(make, num_workers)
            for name, make in (("files", FileDataset), ("memory", MemoryDataset))
            for num_workers in (0, 2)
        },
        f"torch {torch.__version__}, tfrecord {version('tfrecord')}, "
        f"protobuf {version('protobuf')}",
    )
