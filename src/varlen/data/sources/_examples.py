"""`Examples`: dicts of plain lists, as other libraries give them, as examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.data._collate import collate
from varlen.data._indexed_pass import IndexedPass
from varlen.data._source import Source
from varlen.data._stage import EachIterator, IndexedIterator, StageIterator
from varlen.errors import did_you_mean
from varlen.sequences import JaggedSequence, SparseValues

_READY = (JaggedSequence, SparseValues)


@dataclass(frozen=True)
class Examples:
    """Dicts of plain values as examples: a Hugging Face dataset, rows of JSON, a map-style dataset.

        source = Examples(datasets.load_dataset("conll2003")["train"], ("tokens", "ner_tags"))
        Pipeline(source, FollowPlan(BatchPlan(64, buckets=8, feature="tokens")), Pad())

    The features that are named become sequences, JaggedSequence rows; all else becomes an array.
    What can be had in any order (`__len__` and `__getitem__`) still can, and resumes at once. The
    beginning of a pipeline.

    Args:
        items: gives the dicts: whatever a pipeline may begin with.
        sequences: the features that are sequences; None takes all whose values are lists, in each
            example anew. A mapping also says by name what a sequence without steps is, such as
            `{"frames": np.empty((0, 2), np.float32)}`: an empty list does not say, so that a batch
            of nothing else has float64 and no shape of steps.

    Raises:
        TypeError: `items` cannot begin a pipeline; while iterating, an item that is no dict.
        ValueError: while iterating; an example has no feature of that name, or one that is no
            regular list of steps. The message says which.
    """

    items: Any
    sequences: Sequence[str] | Mapping[str, npt.NDArray[Any]] | None = None
    _source: Source = field(init=False, repr=False, compare=False)
    _empty: Mapping[str, npt.NDArray[Any]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        if self.sequences is not None:
            if isinstance(self.sequences, str):
                raise TypeError(
                    f"Examples: sequences: expected a list of names, found {self.sequences!r}"
                )
            if isinstance(self.sequences, Mapping):
                object.__setattr__(self, "_empty", _checked_empty(self.sequences))
            object.__setattr__(self, "sequences", tuple(self.sequences))
        object.__setattr__(self, "_source", Source(self.items))

    def __iter__(self) -> StageIterator:
        upstream = iter(self._source)
        if isinstance(upstream, IndexedIterator):
            return IndexedPass(_Converted(upstream, self._convert), one_by_one=True)
        return EachIterator(upstream, self._convert)

    def _convert(self, item: Any) -> dict[str, Any]:
        if not isinstance(item, Mapping):
            raise TypeError(f"Examples: expected a dict of features, found {type(item).__name__}")
        for name in self.sequences or ():
            if name not in item:
                raise ValueError(
                    f"Examples: no feature named {name!r} in an example; {did_you_mean(name, item)}"
                )
        return {name: self._feature(name, value) for name, value in item.items()}

    def _feature(self, name: str, value: Any) -> Any:
        if isinstance(value, _READY):
            return value
        is_sequence = isinstance(value, list) if self.sequences is None else name in self.sequences
        try:
            array = np.asarray(value)
            if array.dtype.kind in "SU":
                array = np.asarray(value, object)
        except ValueError as error:
            raise ValueError(
                f"Examples: feature {name!r}: expected a regular list ({error})"
            ) from (error)
        if not is_sequence:
            return array
        if array.ndim == 0:
            raise ValueError(
                f"Examples: feature {name!r}: expected a list of steps, found {value!r}"
            )
        if not len(array):
            array = self._empty.get(name, array)
        return JaggedSequence(array, np.int64(len(array)))


def _checked_empty(sequences: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    for name, empty in sequences.items():
        if not isinstance(empty, np.ndarray) or not empty.ndim or len(empty):
            raise TypeError(
                f"Examples: sequences[{name!r}]: expected an array [0, ...], as a sequence without "
                f"steps is, found {empty!r}"
            )
    return dict(sequences)


class _Converted:
    """The items of a pass, converted, as `Indexed`."""

    def __init__(self, upstream: IndexedIterator, convert: Any) -> None:
        self._upstream = upstream
        self._convert = convert

    def __len__(self) -> int:
        return len(self._upstream)

    def items_at(self, positions: Sequence[int]) -> list[Any]:
        return list(map(self._convert, self._upstream.items_at(positions)))

    def batch_at(self, positions: Sequence[int]) -> Any:
        return collate(self.items_at(positions))

    def known_lengths(self, feature: str | None) -> None:
        return None

    def known_bytes(self) -> None:
        return None

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
