"""`Shuffle`: another order, within windows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from varlen.data._run import Run, item_of, joined, part_of, reordered
from varlen.data._stage import StageIterator, check_integer


@dataclass(frozen=True)
class Shuffle:
    """Shuffles within consecutive windows of `window` items.

    The order depends on `seed`, the number of the window and that of the epoch alone, so that it is
    the same on every machine; before `Repeat`, every epoch has another. A window is held in memory:
    shuffle records, which are small, rather than what is made of them.

    Args:
        window: how many items to hold.
        seed: at least 0.

    Raises:
        TypeError: not integers.
        ValueError: a window below 1 or a seed below 0.
    """

    window: int
    seed: int

    def __post_init__(self) -> None:
        check_integer(self.window, "Shuffle: window", at_least=1)
        check_integer(self.seed, "Shuffle: seed", at_least=0)

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return _ShuffleIterator(self, upstream)


class _ShuffleIterator(StageIterator):
    def __init__(self, stage: Shuffle, upstream: StageIterator) -> None:
        self._stage = stage
        self._upstream = upstream
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
        left = self._stage.window
        while left and (run := self._upstream.take(left)):
            runs.append(run)
            left -= len(run)
        self._items = _shuffled(joined(runs), self._stage.seed, self._number, self._epoch)

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


def _shuffled(items: Run, seed: int, number: int, epoch: int) -> Run:
    # The raw bits of a bit generator are the same in all versions of NumPy; those of
    # `Generator.permutation` and `random.shuffle` need not be.
    keys = np.random.PCG64([seed, number, epoch]).random_raw(len(items))
    return reordered(items, np.argsort(keys, kind="stable").tolist())
