"""The time that the iterators of a pipeline take, each with those before it."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from varlen.data._run import Run
from varlen.data._stage import IndexedIterator, Lengths, StageIterator


class Timed(StageIterator):
    """As the iterator within, with the seconds that it has taken so far.

    Made by `timed`.

    Attributes:
        within: what is timed.
        seconds: spent in it and, as far as it calls them itself, in those before it.
    """

    def __init__(self, within: Any) -> None:
        self.within = within
        self.seconds = 0.0

    def __next__(self) -> Any:
        began = perf_counter()
        try:
            return self.within.__next__()
        finally:
            self.seconds += perf_counter() - began

    def take(self, most: int) -> Run:
        items: Run = self._timed(self.within.take, most)
        return items

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = self.within.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._timed(self.within.load_state_dict, state)

    def begin_epoch(self, epoch: int) -> None:
        self._timed(self.within.begin_epoch, epoch)

    def skip(self, num: int) -> int:
        skipped: int = self._timed(self.within.skip, num)
        return skipped

    def _timed(self, call: Any, *arguments: Any) -> Any:
        began = perf_counter()
        try:
            return call(*arguments)
        finally:
            self.seconds += perf_counter() - began


class _TimedIndexed(Timed, IndexedIterator):
    def __len__(self) -> int:
        return len(self.within)

    def items_at(self, positions: Sequence[int]) -> list[Any]:
        items: list[Any] = self._timed(self.within.items_at, positions)
        return items

    def batch_at(self, positions: Sequence[int]) -> Any:
        return self._timed(self.within.batch_at, positions)

    def known_lengths(self, feature: str | None) -> Lengths | None:
        lengths: Lengths | None = self.within.known_lengths(feature)
        return lengths

    def known_bytes(self) -> Lengths | None:
        num_bytes: Lengths | None = self.within.known_bytes()
        return num_bytes


def timed(iterator: StageIterator) -> Timed:
    """The iterator with a clock; items of it can be had in any order if they could before."""
    return (_TimedIndexed if isinstance(iterator, IndexedIterator) else Timed)(iterator)
