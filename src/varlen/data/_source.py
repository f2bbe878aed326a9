"""Any iterable as the beginning of a pipeline."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from torch.utils.data import IterableDataset

from varlen.data._collate import collate
from varlen.data._indexed_pass import IndexedPass
from varlen.data._stage import StageIterator
from varlen.data._workers import call_as_source, is_shared
from varlen.errors import CheckpointError


class Source:
    """Makes passes over an iterable, or over what a function without arguments returns.

    Passes that have a state of their own, such as those of another pipeline, keep it. What has
    `__len__` and `__getitem__`, as a list or a map-style dataset, is taken up again at any position
    at once. All else is replayed from its beginning, and so must give the same items every time. An
    iterator cannot be begun again: it has one pass.
    """

    def __init__(self, items: Any) -> None:
        if not isinstance(items, Iterable) and not callable(items) and not _is_indexed(items):
            raise TypeError(
                "a pipeline begins with an iterable of items, or a function that returns one; "
                f"found {type(items).__name__}"
            )
        if isinstance(items, str | bytes | Mapping):
            raise TypeError(
                "a pipeline begins with an iterable of items, or a function that returns one; "
                f"found {type(items).__name__}\n  {_cure(items)}"
            )
        self.items = items
        self._was_begun = False

    def __iter__(self) -> StageIterator:
        begun = self.begin(shared=is_shared())
        if isinstance(begun, StageIterator):
            return begun
        if _is_indexed(self.items):
            one_by_one = not hasattr(self.items, "__getitems__")
            return IndexedPass(_Items(self.items), one_by_one=one_by_one)
        return _ReplayedIterator(self, begun, shared=is_shared())

    def begin(self, *, shared: bool) -> Iterator[Any]:
        """The items from the first one on, in a pass that workers share or do not."""
        is_function = not isinstance(self.items, Iterable) and not _is_indexed(self.items)
        iterator: Iterator[Any] = call_as_source(
            lambda: iter(self.items() if is_function else self.items), shared=shared
        )
        if iterator is self.items and self._was_begun:
            raise ValueError(
                f"a {type(iterator).__name__} cannot be begun again\n"
                "  give the pipeline a list, or the function that makes the iterator, instead"
            )
        self._was_begun = True
        return iterator


def _cure(items: str | bytes | Mapping[Any, Any]) -> str:
    """What somebody wanted who gives what would be iterated, but to no use."""
    if isinstance(items, Mapping):
        return "Arrays makes examples of columns by name; of datasets by name, take one"
    return "Records reads record files, Parquet those of Parquet"


def _is_indexed(items: Any) -> bool:
    has_both = hasattr(items, "__len__") and hasattr(items, "__getitem__")
    # An IterableDataset has a `__getitem__` that only raises.
    return has_both and not isinstance(items, IterableDataset | type)


class _Items:
    """What has `__len__`, `__getitem__` and perhaps torch's `__getitems__`."""

    def __init__(self, items: Any) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def items_at(self, positions: Sequence[int]) -> list[Any]:
        if hasattr(self._items, "__getitems__"):
            return list(self._items.__getitems__(list(positions)))
        return [self._items[position] for position in positions]

    def batch_at(self, positions: Sequence[int]) -> Any:
        return collate(self.items_at(positions))

    def known_lengths(self, feature: str | None) -> None:
        return None

    def known_bytes(self) -> None:
        return None

    def begin_epoch(self, epoch: int) -> None:
        """They are the same in every epoch."""


class _ReplayedIterator(StageIterator):
    def __init__(self, source: Source, items: Iterator[Any], *, shared: bool) -> None:
        self._source = source
        self._items = items
        self._shared = shared
        self._has_moved = False
        self._taken = 0

    def __next__(self) -> Any:
        self._has_moved = True
        item = call_as_source(self._items.__next__, shared=self._shared)
        self._taken += 1
        return item

    def state_dict(self) -> dict[str, Any]:
        return {"taken": self._taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.begin_epoch(0)
        self._has_moved = True
        left = islice(self._items, state["taken"])
        skipped = call_as_source(lambda: sum(1 for _ in left), shared=self._shared)
        _check_num_items(skipped, state)
        self._taken = skipped
        self._has_moved = skipped > 0

    def begin_epoch(self, epoch: int) -> None:
        # Never forward from here: a generator that failed is at its end for good.
        if self._has_moved:
            self._items = self._source.begin(shared=self._shared)
        self._has_moved = False
        self._taken = 0


def _check_num_items(found: int, state: dict[str, Any]) -> None:
    if found < state["taken"]:
        raise CheckpointError(
            f"expected at least {state['taken']} items, as when the state was saved, found {found}"
        )
