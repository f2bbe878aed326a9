"""`Filter`: some items only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from varlen.data._stage import StageIterator, call
from varlen.data.stages._pieces import PiecesIterator


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
        return PiecesIterator(upstream, lambda item: [item] if call(self.function, item) else [])
