"""Any iterable as the beginning of a pipeline."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from varlen.data._stage import StageIterator
from varlen.errors import CheckpointError


class Source:
    """Makes passes over an iterable, or over what a function without arguments returns.

    Passes that have a state of their own, such as those of another pipeline, keep it. All else
    is replayed from its beginning, and so must give the same items every time. An iterator
    cannot be begun again: it has one pass.
    """

    def __init__(self, items: Any) -> None:
        if not isinstance(items, Iterable) and not callable(items):
            raise TypeError(
                "a pipeline begins with an iterable of items, or a function that returns one; "
                f"found {type(items).__name__}"
            )
        self.items = items
        self._was_begun = False

    def __iter__(self) -> StageIterator:
        begun = self.begin()
        return begun if isinstance(begun, StageIterator) else _ReplayedIterator(self, begun)

    def begin(self) -> Iterator[Any]:
        """The items from the first one on."""
        iterator = iter(self.items if isinstance(self.items, Iterable) else self.items())
        if iterator is self.items and self._was_begun:
            raise ValueError(
                f"a {type(iterator).__name__} cannot be begun again\n"
                "  give the pipeline a list, or the function that makes the iterator, instead"
            )
        self._was_begun = True
        return iterator


class _ReplayedIterator(StageIterator):
    def __init__(self, source: Source, items: Iterator[Any]) -> None:
        self._source = source
        self._items = items
        self._has_moved = False
        self._taken = 0

    def __next__(self) -> Any:
        self._has_moved = True
        item = next(self._items)
        self._taken += 1
        return item

    def state_dict(self) -> dict[str, Any]:
        return {"taken": self._taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        # Never forward from here: a generator that failed is at its end for good.
        if self._has_moved:
            self._items = self._source.begin()
        self._has_moved = True
        skipped = sum(1 for _ in islice(self._items, state["taken"]))
        if skipped < state["taken"]:
            raise CheckpointError(
                f"expected at least {state['taken']} items, as when the state was saved, "
                f"found {skipped}"
            )
        self._taken = skipped
        self._has_moved = skipped > 0
