"""`Map`: any function of an item."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from varlen.data._stage import EachIterator, StageIterator


@dataclass(frozen=True)
class Map:
    """Puts every item through a function: an example before `Batch`, a batch after it.

    Args:
        function: takes an item and returns another. The same item must give the same result, if
            resuming is to give the same pass.

    Raises:
        TypeError: not a function.
    """

    function: Callable[[Any], Any]
    one_to_one: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"Map: expected a function, found {type(self.function).__name__}")

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return EachIterator(upstream, self.function)
