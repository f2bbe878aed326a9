"""Keeps the numbers of a pass as it goes."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from torch import Tensor

from varlen.data._stats import PipelineStats, steps_of
from varlen.data._timed import Timed

END = object()
"""Stands for an item where there is none any more."""


class Tally:
    """Counts what a pass hands out, and how long its consumer waits.

    Args:
        names: of the stages, the source first.
        clocks: one for each.
    """

    def __init__(self, names: Sequence[str], clocks: Sequence[Timed]) -> None:
        self._names = [f"{i} {name.partition('(')[0]}" for i, name in enumerate(names)]
        self._clocks = clocks
        self._items = self._padded = 0
        self._live: int | Tensor = 0
        self._waited = 0.0
        self._first: float | None = None
        self._asked = self._last = 0.0
        self._kept: PipelineStats | None = None

    def waiting_begins(self) -> None:
        """The consumer asks for an item."""
        self._asked = perf_counter()
        if self._first is None:
            self._first = self._asked

    def waiting_ends(self, item: Any) -> None:
        """The consumer has it, or the pass has ended."""
        self._last = perf_counter()
        self._waited += self._last - self._asked
        if item is not END:
            live, padded = steps_of(item)
            self._items += 1
            self._live = self._live + live
            self._padded += padded

    def stats(self) -> PipelineStats:
        """The numbers so far."""
        if self._kept is not None:
            return self._kept
        named = list(zip(self._names, self._clocks, strict=True))
        stages, before = {}, 0.0
        for name, clock in named:
            if not hasattr(clock.within, "queue"):  # which only waits for other threads
                stages[name] = max(0.0, clock.seconds - before)
            before = clock.seconds
        return PipelineStats(
            items=self._items,
            live_steps=int(self._live),
            padded_steps=self._padded,
            seconds=0.0 if self._first is None else self._last - self._first,
            waited=self._waited,
            stages=stages,
            queues={n: c.within.queue() for n, c in named if hasattr(c.within, "queue")},
            counts={n: dict(c.within.counts) for n, c in named if getattr(c.within, "counts", {})},
        )

    def end(self) -> None:
        """Keeps the numbers as they are, and lets go of the stages."""
        self._kept = self.stats()
        self._clocks = ()
