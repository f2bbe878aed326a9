"""`Map`: any function of an item, here or by threads or processes that work ahead."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from varlen.data._stage import EachIterator, StageIterator
from varlen.data.stages._map_ahead import MapAheadIterator
from varlen.data.stages._remote import RemoteFunction
from varlen.errors import check_integer


@dataclass(frozen=True)
class Map:
    """Puts every item through a function: an example before `Batch`, a batch after it.

    With workers, up to twice as many items as there are workers are taken ahead, and results come
    in the order of the items. An error reaches the consumer in the place of its item, with its own
    traceback. Workers begin with the first item and end when the iterator is forgotten. Neither
    their number nor their kind is part of a state.

    Threads serve functions that wait, for files or the network, or that let go of the
    interpreter's lock, as large operations of NumPy do. Processes serve all others: the function,
    the items and the results are pickled, and a worker takes a second or two to start. A program
    that uses them must begin below `if __name__ == "__main__":`, as they import its main file.

    Args:
        function: takes an item and returns another. The same item must give the same result, if
            resuming is to give the same pass.
        workers: how many threads or processes; 0 calls the function where the item is asked for.
        processes: whether the workers are processes.

    Raises:
        TypeError: not a function, workers that are not an integer; with processes, beginning a
            pass, a function that cannot be pickled, and while iterating, an item or result.
        ValueError: workers below 0, or processes without workers.
        RuntimeError: while iterating; a worker process has ended, or cannot be started here.
    """

    function: Callable[[Any], Any]
    # Not compared, nor part of a state, since the items are the same.
    workers: int = field(default=0, compare=False)
    processes: bool = field(default=False, compare=False)
    one_to_one: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"Map: expected a function, found {type(self.function).__name__}")
        check_integer(self.workers, "Map: workers", at_least=0)
        if self.processes and not self.workers:
            raise ValueError(
                "Map: workers: expected at least 1, how many processes there are to be, found 0"
            )

    def iterate(self, upstream: StageIterator) -> StageIterator:
        if not self.workers:
            return EachIterator(upstream, self.function)
        if not self.processes:
            return MapAheadIterator(upstream, [self.function] * self.workers)
        remote = RemoteFunction.pickled(self.function)
        return MapAheadIterator(upstream, [remote.copy() for _ in range(self.workers)])
