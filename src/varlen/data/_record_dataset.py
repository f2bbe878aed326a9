"""`RecordDataset`: the records of files as a map-style dataset, a batch of them in one decode."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from varlen.data._collate import collate
from varlen.data._indexed_pass import IndexedPass
from varlen.data._source import Source
from varlen.data._stage import Stage, StageIterator
from varlen.data.stages._indexed_records import IndexedRecords, Paths
from varlen.data.stages._pad import Pad
from varlen.data.stages._parse import Parse


class RecordDataset(Dataset[dict[str, Any]]):
    """The SequenceExamples of files, by number, for torch's DataLoader.

    `dataset[7]` is an example, as `Parse` gives it, and `len(dataset)` says how many there are. A
    DataLoader with a batch sampler asks for the examples of a batch together, which are read and
    decoded in one native call:

        dataset = RecordDataset("train-*.tfrecord", sequence_features=..., feature="tokens")
        sampler = BatchPlan(64, buckets=8, seed=7).over(dataset.lengths).sampler()
        loader = DataLoader(
            dataset, batch_sampler=sampler, collate_fn=dataset.collate, num_workers=2
        )
        for epoch in range(10):
            sampler.set_epoch(epoch)
            for batch in loader:
                ...

    Args:
        paths: files and patterns, as for `varlen.records.expand_paths`; local, not compressed.
        context_features: specifications by name, as for `Parse`.
        sequence_features: the same.
        feature: whose steps are the lengths of the examples.
        form: what becomes of a batch: `Pad()`, or another stage that makes one batch of one.

    Raises:
        ValueError: no specification at all, or a name in both.
        What `IndexedRecords` raises; and FeatureError, when a record does not hold what is
        specified.
    """

    def __init__(
        self,
        paths: Paths,
        context_features: Mapping[str, Any] | None = None,
        sequence_features: Mapping[str, Any] | None = None,
        *,
        feature: str | None = None,
        form: Stage | None = None,
    ) -> None:
        self._parse = Parse(context_features, sequence_features)
        self._form = Pad() if form is None else form
        self._files = IndexedRecords(paths, feature).files()

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """The steps of each example, `[examples]`.

        Raises:
            ValueError: no feature was named.
        """
        lengths = self._files.known_lengths(None)
        if lengths is None:
            raise ValueError("RecordDataset: feature: expected one to have lengths of, found none")
        return lengths

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int) -> dict[str, Any]:
        if not -len(self) <= number < len(self):
            raise IndexError(
                f"expected a number below {len(self)}, how many examples there are, found {number}"
            )
        example: dict[str, Any] = _put_through(
            self._parse, self._files.items_at([number % len(self)])[0]
        )
        return example

    def __iter__(self) -> StageIterator:
        return self._parse.iterate(IndexedPass(self._files))

    def __getitems__(self, numbers: Sequence[int]) -> dict[str, Any]:
        """The batch of some examples, as `Parse` gives it, for `collate`."""
        return _Batch(_put_through(self._parse, self._files.batch_at(numbers)))

    def collate(self, fetched: Any) -> Any:
        """Makes the batch of what a DataLoader has fetched: for its `collate_fn`."""
        batch = fetched if isinstance(fetched, _Batch) else collate(fetched)
        return _put_through(self._form, batch)


class _Batch(dict[str, Any]):
    def __missing__(self, key: Any) -> Any:
        if isinstance(key, int):  # torch's default_collate, which wants a list of examples
            raise TypeError(
                "a RecordDataset makes its own batches: use "
                "DataLoader(dataset, collate_fn=dataset.collate, ...)"
            )
        raise KeyError(key)


def _put_through(stage: Stage, item: Any) -> Any:
    return next(stage.iterate(iter(Source([item]))))
