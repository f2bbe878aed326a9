"""What a stage is: a frozen description, and an iterator that moves and can say where it is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from varlen.data._collate import collate
from varlen.data._run import Run

Lengths = npt.NDArray[np.int64]


class StageIterator(Iterator[Any], ABC):
    """One pass through the items of a stage, which can be left and taken up again anywhere.

    The state belongs to the position after the last item that was handed out, also if an error
    or an interrupt came since. It is plain data, for JSON: dicts, lists, numbers and strings.

    Passes are numbered by epoch, the first being 0. Stages that shuffle make another order of each
    epoch; all others only hand the number on to the stage before them. Who begins an epoch, the
    pipeline or `Repeat`, keeps the number in its state, so that no other stage needs to: it tells
    the epoch before it loads a state.
    """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Says where the pass is. Later movement does not change what was returned."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes to where `state` was taken, from wherever the pass is, and leaves it unchanged.

        The epoch must be that of the state already.
        """

    @abstractmethod
    def begin_epoch(self, epoch: int) -> None:
        """Goes to the beginning of the pass number `epoch`, from wherever the pass is."""

    def take(self, most: int) -> Run:
        """The next items, up to `most`, at least 1: one, and those that are there without waiting.

        None at the end. Records may come as columns. What many items cost less than one by one,
        stages do with these.
        """
        return list(islice(self, 1))

    def skip(self, num: int) -> int:
        """Passes over up to `num` items, and says how many there were."""
        skipped = 0
        while skipped < num and (items := self.take(num - skipped)):
            skipped += len(items)
        return skipped


class IndexedIterator(StageIterator):
    """A pass over items that can also be had in any order."""

    @abstractmethod
    def __len__(self) -> int:
        """The number of items of a whole pass, wherever this one is."""

    @abstractmethod
    def items_at(self, positions: Sequence[int]) -> list[Any]:
        """The items at `positions`, each from 0 up to `len(self)`. The pass stays where it is."""

    def batch_at(self, positions: Sequence[int]) -> Any:
        """The batch of the items at `positions`, as `Batch` makes one."""
        return collate(self.items_at(positions))

    def known_lengths(self, feature: str | None) -> Lengths | None:
        """The length of each item's sequence `feature`, or of the one that an index has counted.

        None if the items would have to be read for it.
        """
        return None

    def known_bytes(self) -> Lengths | None:
        """The bytes of each item's record; None if the items are no records."""
        return None


@runtime_checkable
class Stage(Protocol):
    """Describes what happens to the items of the stage before it.

    Attributes of the class, False where there are none, say what ranks and workers may do:

    - `one_to_one`: it makes one item of each, whatever the others are, so that at the end of a
      pipeline each of them puts only its own items through.
    - `makes_batches`: items are batches, and their rows are examples, which can be divided.
    - `rows_go_on`: a row of a batch goes on in the same row of the next, so that ranks must share
      the rows of every batch instead of taking turns.
    """

    def iterate(self, upstream: StageIterator) -> StageIterator:
        """Begins a pass over the items of `upstream`."""


class EachIterator(StageIterator):
    """The items of `upstream`, each put through `function`."""

    def __init__(self, upstream: StageIterator, function: Callable[[Any], Any]) -> None:
        self._upstream = upstream
        self._function = function
        self._state = upstream.state_dict()

    def __next__(self) -> Any:
        result = call(self._function, next(self._upstream))
        # Only now, so that an item whose function fails counts as not handed out.
        self._state = self._upstream.state_dict()
        return result

    def state_dict(self) -> dict[str, Any]:
        return {"upstream": self._state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._upstream.load_state_dict(state["upstream"])
        self._state = self._upstream.state_dict()

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
        self._state = self._upstream.state_dict()


def call(function: Callable[[Any], Any], item: Any) -> Any:
    """What a user's function makes of an item.

    Raises:
        RuntimeError: it raised StopIteration, which would end the pass with nobody the wiser.
    """
    try:
        return function(item)
    except StopIteration as error:
        raise RuntimeError("the function of a stage raised StopIteration") from error
