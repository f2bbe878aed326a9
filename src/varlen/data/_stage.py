"""What a stage is: a frozen description, and an iterator that moves and can say where it is."""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable


class StageIterator(Iterator[Any], ABC):
    """One pass through the items of a stage, which can be left and taken up again anywhere.

    The state belongs to the position after the last item that was handed out, also if an error
    or an interrupt came since. It is plain data, for JSON: dicts, lists, numbers and strings.
    """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Says where the pass is. Later movement does not change what was returned."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes to where `state` was taken, from wherever the pass is, and leaves it unchanged."""


@runtime_checkable
class Stage(Protocol):
    """Describes what happens to the items of the stage before it."""

    def iterate(self, upstream: StageIterator) -> StageIterator:
        """Begins a pass over the items of `upstream`."""


class EachIterator(StageIterator):
    """The items of `upstream`, each put through `function`."""

    def __init__(self, upstream: StageIterator, function: Callable[[Any], Any]) -> None:
        self._upstream = upstream
        self._function = function
        self._state = upstream.state_dict()

    def __next__(self) -> Any:
        result = self._function(next(self._upstream))
        # Only now, so that an item whose function fails counts as not handed out.
        self._state = self._upstream.state_dict()
        return result

    def state_dict(self) -> dict[str, Any]:
        return {"upstream": self._state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._upstream.load_state_dict(state["upstream"])
        self._state = self._upstream.state_dict()


def check_integer(value: Any, argument: str, *, at_least: int) -> None:
    """Refuses what is not an integer, or too small a one."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{argument}: expected an integer, found {value!r}") from None
    if isinstance(value, bool):
        raise TypeError(f"{argument}: expected an integer, found {value!r}")
    if number < at_least:
        raise ValueError(f"{argument}: expected at least {at_least}, found {value}")
