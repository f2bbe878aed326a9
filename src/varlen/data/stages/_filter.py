"""`Filter`: some items only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from varlen.data._stage import StageIterator


@dataclass(frozen=True)
class Filter:
    """Leaves out the items for which a function says no.

    Args:
        function: takes an item and returns whether to keep it. It must say the same of the same
            item every time.

    Raises:
        TypeError: not a function.
    """

    function: Callable[[Any], Any]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"Filter: expected a function, found {type(self.function).__name__}")

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return _FilterIterator(self, upstream)


class _FilterIterator(StageIterator):
    def __init__(self, stage: Filter, upstream: StageIterator) -> None:
        self._function = stage.function
        self._upstream = upstream
        self._state = upstream.state_dict()

    def __next__(self) -> Any:
        for item in self._upstream:
            if self._function(item):
                self._state = self._upstream.state_dict()
                return item
        raise StopIteration

    def state_dict(self) -> dict[str, Any]:
        return {"upstream": self._state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._upstream.load_state_dict(state["upstream"])
        self._state = state["upstream"]

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
        self._state = self._upstream.state_dict()
