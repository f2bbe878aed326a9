"""The items of `Map` with workers: worked on ahead, handed out in order."""

import weakref
from collections import deque
from concurrent.futures import Future
from typing import Any

from varlen.data._stage import StageIterator
from varlen.data._worker_pool import WorkerPool

# Of each worker, so that it has something to do while the item before is on its way.
_ITEMS_AHEAD = 2


class MapAheadIterator(StageIterator):
    """As `EachIterator`, with workers that are ahead of the consumer.

    Args:
        upstream: gives the items.
        pool: works on them.
        num_workers: how many it has.
    """

    def __init__(self, upstream: StageIterator, pool: WorkerPool, num_workers: int) -> None:
        self._upstream = upstream
        self._pool = pool
        self._size = _ITEMS_AHEAD * num_workers
        # Each with the state after it; an error of the upstream comes last.
        self._ahead: deque[tuple[Future[Any], dict[str, Any]]] = deque()
        self._error: BaseException | None = None
        self._state = upstream.state_dict()
        weakref.finalize(self, pool.end)

    def __next__(self) -> Any:
        self._fill()
        if not self._ahead:
            # Once raised it knows those who wait for it, and whoever kept it would keep them.
            error, self._error = self._error, None
            assert error is not None
            try:
                raise error
            finally:
                del error
        future, state = self._ahead.popleft()
        result = self._pool.result(future)
        self._state = state
        return result

    def _fill(self) -> None:
        while len(self._ahead) < self._size and self._error is None:
            try:
                item = next(self._upstream)
            except Exception as error:
                self._error = error
                return
            self._ahead.append((self._pool.submit(item), self._upstream.state_dict()))

    def queue(self) -> tuple[int, int]:
        """How many items are ready, and how many can be."""
        return sum(future.done() for future, _ in self._ahead), self._size

    def state_dict(self) -> dict[str, Any]:
        return {"upstream": self._state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._forget()
        self._upstream.load_state_dict(state["upstream"])
        self._state = self._upstream.state_dict()

    def begin_epoch(self, epoch: int) -> None:
        self._forget()
        self._upstream.begin_epoch(epoch)
        self._state = self._upstream.state_dict()

    def _forget(self) -> None:
        for future, _ in self._ahead:
            future.cancel()
        self._ahead.clear()
        self._error = None
