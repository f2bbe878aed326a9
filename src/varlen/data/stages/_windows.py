"""Items in another order within windows, for `Shuffle` and `SortByLength`."""

from collections.abc import Callable
from typing import Any

from varlen.data._run import Run, item_of, joined, part_of
from varlen.data._stage import StageIterator

Ordered = Callable[[Run, int, int], Run]  # a window, its number and that of the epoch


class WindowsIterator(StageIterator):
    """Hands out the items of one window after the other, each in an order of its own.

    The state is where the window begins upstream, its number, and how many of it were handed out.

    Args:
        upstream: gives items.
        window: how many are held.
        ordered: brings those of a window into their order, always the same for the same window.
    """

    def __init__(self, upstream: StageIterator, window: int, ordered: Ordered) -> None:
        self._upstream = upstream
        self._window_size = window
        self._ordered = ordered
        self._epoch = 0
        self._begin()

    def _begin(self) -> None:
        self._start = self._upstream.state_dict()
        self._number = 0
        self._items: Run | None = None  # None until the window is filled
        self._taken = 0

    def __next__(self) -> Any:
        items = self._window()
        if self._taken == len(items):
            raise StopIteration
        item = item_of(items, self._taken)
        self._taken += 1
        return item

    def take(self, most: int) -> Run:
        part = part_of(self._window(), self._taken, self._taken + most)
        self._taken += len(part)
        return part

    def _window(self) -> Run:
        """The window, in its order, with items that are not taken; or, at the end, without any."""
        if self._items is not None and self._taken == len(self._items):
            self._next_window()
        if self._items is None:
            self._fill()
        assert self._items is not None
        return self._items

    def _next_window(self) -> None:
        self._start = self._upstream.state_dict()
        self._number += 1
        self._taken = 0
        self._items = None

    def _fill(self) -> None:
        runs: list[Run] = []
        left = self._window_size
        while left and (run := self._upstream.take(left)):
            runs.append(run)
            left -= len(run)
        try:
            self._items = self._ordered(joined(runs), self._number, self._epoch)
        except BaseException:  # the next call meets it again, instead of going on behind it
            self._upstream.load_state_dict(self._start)
            raise

    def state_dict(self) -> dict[str, Any]:
        return {"upstream": self._start, "window": self._number, "taken": self._taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._upstream.load_state_dict(state["upstream"])
        self._start = state["upstream"]
        self._number = state["window"]
        self._fill()  # replayed rather than saved
        self._taken = state["taken"]

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
        self._epoch = epoch
        self._begin()
