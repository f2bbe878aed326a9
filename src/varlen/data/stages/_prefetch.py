"""`Prefetch`: a thread that works ahead of the consumer."""

import os
import threading
import weakref
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, ClassVar

from varlen.data._stage import StageIterator
from varlen.errors import check_integer

# Seconds that a consumer who found nothing waits for more than one item. Where items are quick
# work, waking it for each takes as long as they do.
_PATIENCE = 0.001


@dataclass(frozen=True)
class Prefetch:
    """Lets a thread make up to `n` items ready while the consumer works on another.

    The thread begins with the first item, and ends with the pass, with an error, or when the
    iterator is forgotten. An error reaches the consumer after the items before it, with its own
    traceback. The state is that of the consumer, whatever has been made ready.

    Args:
        n: items to hold.

    Raises:
        TypeError: not an integer.
        ValueError: below 1.
    """

    n: int = field(compare=False)  # which changes no item, and so no state
    one_to_one: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_integer(self.n, "Prefetch: n", at_least=1)

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return _PrefetchIterator(upstream, self.n)


class _PrefetchIterator(StageIterator):
    def __init__(self, upstream: StageIterator, size: int) -> None:
        self._upstream = upstream
        self._size = size
        self._state = upstream.state_dict()
        self._worker: _Worker | None = None

    def __next__(self) -> Any:
        if self._worker is None:
            worker = _Worker(self._upstream, self._size)
            # The worker does not know this iterator, and so cannot keep it alive. This comes before
            # the start, which Ctrl-C may interrupt when the thread is running already.
            self._stop = weakref.finalize(self, worker.stop)
            self._worker = worker
            worker.start()
        taken = self._worker.take()
        if isinstance(taken, BaseException):
            # Once raised it knows this iterator, and whoever kept it would keep both.
            self._end_worker()
            try:
                raise taken
            finally:
                del taken
        item, self._state = taken
        return item

    def queue(self) -> tuple[int, int]:
        """How many items are ready, and how many can be."""
        return (0 if self._worker is None else self._worker.num_ready()), self._size

    def state_dict(self) -> dict[str, Any]:
        return {"upstream": self._state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._end_worker()
        self._upstream.load_state_dict(state["upstream"])
        self._state = self._upstream.state_dict()

    def begin_epoch(self, epoch: int) -> None:
        self._end_worker()
        self._upstream.begin_epoch(epoch)
        self._state = self._upstream.state_dict()

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._stop.detach()
            self._worker = None


class _Worker:
    """A thread that makes items ready ahead, each with the state after it.

    Its queues allow a `put` within a `put`: `stop` may be called by the collector, in any thread,
    anywhere.
    """

    def __init__(self, upstream: StageIterator, size: int) -> None:
        self._ready: SimpleQueue[tuple[Any, dict[str, Any]] | BaseException] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()  # a thing for each item that may be made
        for _ in range(size):
            self._room.put(None)
        self._is_filled = threading.Lock()  # released when the thread has to wait for room
        self._is_filled.acquire()
        self._end: BaseException | None = None  # the last of what is ready
        self._is_stopped = False
        self._process = os.getpid()
        # A daemon, since the interpreter waits for others before it forgets iterators.
        self._thread = threading.Thread(
            target=self._work, args=(upstream,), name="varlen-prefetch", daemon=True
        )

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def take(self) -> tuple[Any, dict[str, Any]] | BaseException:
        """The next item and the state after it, as soon as there is one; or how it all ended."""
        if self._process != os.getpid():
            raise RuntimeError(
                "Prefetch: the thread of this pass is one of another process, of which this one "
                "was forked\n  begin a pass in the process that iterates"
            )
        if self._ready.empty():
            self._is_filled.acquire(timeout=_PATIENCE)
        taken = self._ready.get()
        self._room.put(None)
        return taken

    def num_ready(self) -> int:
        """How many items wait for the consumer."""
        return max(0, self._ready.qsize() - (self._end is not None))

    def stop(self) -> None:
        """Ends the thread; an item that it is just making is lost. Stopping again does nothing."""
        self._is_stopped = True
        self._room.put(None)
        # A thread that is not alive has ended, or sees that it is stopped before it does anything.
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _work(self, upstream: StageIterator) -> None:
        try:
            while self._waits_for_room():
                item = next(upstream)
                self._ready.put((item, upstream.state_dict()))
        except BaseException as error:  # the consumer raises it
            self._end = error
            self._ready.put(error)
            self._wake()

    def _waits_for_room(self) -> bool:
        """Whether, now that there is room, there is still somebody to fill it for."""
        if self._room.empty():
            self._wake()
        self._room.get()
        return not self._is_stopped

    def _wake(self) -> None:
        if self._is_filled.locked():
            self._is_filled.release()
