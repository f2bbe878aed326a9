"""`Map`: any function of an item."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from varlen.data._stage import EachIterator, StageIterator, check_integer
from varlen.data._worker_pool import WorkerPool
from varlen.data.stages._map_ahead import MapAheadIterator


@dataclass(frozen=True)
class Map:
    """Puts every item through a function: an example before `Batch`, a batch after it.

    With workers, up to twice as many items are worked on ahead, and handed out in order. Workers
    begin with the first item and end with the iterator. An error of the function comes in its turn,
    with the worker's traceback.

    Args:
        function: takes an item and returns another. The same item must give the same result, if
            resuming is to give the same pass.
        workers: how many threads, or processes, work on items at once; 0 calls the function where
            the item is asked for.
        processes: whether workers are processes, for a function that holds the interpreter's lock.
            Function, items and results are sent between them and must be such as can be pickled; a
            script needs `if __name__ == "__main__":` around what it does.

    Raises:
        TypeError: not a function, or workers that are not an integer; beginning a pass, a function
            that cannot be sent to a process.
        ValueError: workers below 0, or processes without workers.
        RuntimeError: while iterating; a worker process was killed. The pass can go on.
    """

    function: Callable[[Any], Any]
    # How it is done changes no item, and so no state.
    workers: int = field(default=0, compare=False)
    processes: bool = field(default=False, compare=False)
    one_to_one: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"Map: expected a function, found {type(self.function).__name__}")
        check_integer(self.workers, "Map: workers", at_least=0)
        if self.processes and not self.workers:
            raise ValueError("Map: processes: expected workers with it, found none")

    def iterate(self, upstream: StageIterator) -> StageIterator:
        if not self.workers:
            return EachIterator(upstream, self.function)
        pool = WorkerPool(self.function, self.workers, processes=self.processes)
        return MapAheadIterator(upstream, pool, self.workers)
