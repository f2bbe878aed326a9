"""A pass in order over items that can be had at any position."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from varlen.data._stage import IndexedIterator, Lengths
from varlen.errors import CheckpointError

# Taken together, as reading them one by one is slow where a call costs much.
_MOST_ITEMS = 64


@runtime_checkable
class Indexed(Protocol):
    """Items that can be had at any position."""

    def __len__(self) -> int:
        """How many there are."""

    def items_at(self, positions: Sequence[int]) -> list[Any]:
        """Those at some positions, each from 0 up to `len(self)`."""

    def batch_at(self, positions: Sequence[int]) -> Any:
        """The same as a batch."""

    def known_lengths(self, feature: str | None) -> Lengths | None:
        """The length of each item's sequence `feature`; None if that would take a reading."""

    def known_bytes(self) -> Lengths | None:
        """The bytes of each item's record; None if the items are no records."""

    def begin_epoch(self, epoch: int) -> None:
        """From now on, the items are those of this epoch."""


class IndexedPass(IndexedIterator):
    """The items from the first to the last, some of them read ahead. Resumes at once.

    Args:
        items: the items.
        of_number: whether they would be others, if there were more of them.
        one_by_one: whether taking several at a time is no faster.
    """

    def __init__(
        self, items: Indexed, *, of_number: bool = False, one_by_one: bool = False
    ) -> None:
        self._items = items
        self._most = 1 if one_by_one else _MOST_ITEMS
        self._of_number = of_number
        self._go_to(0)

    def _go_to(self, position: int) -> None:
        self._taken = position
        self._ready: list[Any] = []  # the next items
        self._num_used = 0  # of them

    def __len__(self) -> int:
        return len(self._items)

    def items_at(self, positions: Sequence[int]) -> list[Any]:
        return self._items.items_at(positions)

    def batch_at(self, positions: Sequence[int]) -> Any:
        return self._items.batch_at(positions)

    def known_lengths(self, feature: str | None) -> Lengths | None:
        return self._items.known_lengths(feature)

    def known_bytes(self) -> Lengths | None:
        return self._items.known_bytes()

    def skip(self, num: int) -> int:
        skipped = max(0, min(num, len(self._items) - self._taken))
        self._go_to(self._taken + skipped)
        return skipped

    def __next__(self) -> Any:
        for item in self.take(1):
            return item
        raise StopIteration

    def take(self, most: int) -> list[Any]:
        if self._num_used == len(self._ready):
            if self._taken >= len(self._items):
                return []
            self._ready, self._num_used = self._next_items(), 0
        items = self._ready[self._num_used : self._num_used + most]
        self._num_used += len(items)
        self._taken += len(items)
        return items

    def _next_items(self) -> list[Any]:
        end = min(self._taken + self._most, len(self._items))
        try:
            return self.items_at(range(self._taken, end))
        except Exception:  # of an item that may come later: those before it are handed out
            if end == self._taken + 1:
                raise
            return self.items_at([self._taken])

    def state_dict(self) -> dict[str, Any]:
        of = {"of": len(self._items)} if self._of_number else {}
        return {"taken": self._taken, **of}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self._of_number and len(self._items) != state["of"]:
            raise CheckpointError(
                f"expected {state['of']} items, as when the state was saved, found "
                f"{len(self._items)}, which have another order"
            )
        if len(self._items) < state["taken"]:
            raise CheckpointError(
                f"expected at least {state['taken']} items, as when the state was saved, "
                f"found {len(self._items)}"
            )
        self._go_to(state["taken"])

    def begin_epoch(self, epoch: int) -> None:
        self._items.begin_epoch(epoch)
        self._go_to(0)
