"""`Repeat`: pass after pass."""

from dataclasses import dataclass
from typing import Any

from varlen.data._stage import StageIterator
from varlen.errors import check_integer


@dataclass(frozen=True)
class Repeat:
    """Begins again when the stages before it have come to their end.

    Each pass is an epoch with a number of its own, which stages that shuffle make another order of.
    After `Batch`, batches end with their epoch; before it, they may reach over into the next. A
    pass without any item ends an endless repetition, as no other could be expected to have one.

    Args:
        times: how many passes; None for no end.

    Raises:
        TypeError: not an integer.
        ValueError: below 1; while iterating, a source that cannot be begun again.
    """

    times: int | None = None

    def __post_init__(self) -> None:
        if self.times is not None:
            check_integer(self.times, "Repeat: times", at_least=1)

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return _RepeatIterator(self, upstream)


class _RepeatIterator(StageIterator):
    def __init__(self, stage: Repeat, upstream: StageIterator) -> None:
        self._times = stage.times
        self._upstream = upstream
        self._pass = 0
        self._first_epoch = 0  # not 0 where this repetition is itself repeated

    def __next__(self) -> Any:
        is_empty = False
        while (item := next(self._upstream, _END)) is _END:
            is_last = self._pass + 1 == self._times
            if is_last or (is_empty and self._times is None):
                raise StopIteration
            self._begin_pass(self._pass + 1)
            is_empty = True
        return item

    def _begin_pass(self, number: int) -> None:
        self._upstream.begin_epoch(self._first_epoch + number)
        self._pass = number

    def state_dict(self) -> dict[str, Any]:
        return {"pass": self._pass, "upstream": self._upstream.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._begin_pass(state["pass"])
        self._upstream.load_state_dict(state["upstream"])

    def begin_epoch(self, epoch: int) -> None:
        self._first_epoch = epoch * (self._times or 0)
        self._begin_pass(0)


_END = object()
