"""A pass whose items are put through a function by threads that work ahead."""

import threading
import weakref
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

from varlen.data._stage import StageIterator, call

_AHEAD = 2  # items for each worker: one in work, and one ready or waiting
Function = Callable[[Any], Any]


class Stoppable(ABC):
    """A function of which a call can be ended from another thread."""

    @abstractmethod
    def __call__(self, item: Any) -> Any:
        """What the function makes of an item."""

    @abstractmethod
    def stop(self) -> None:
        """Ends the call that is being made, with an error. There is no other after it."""

    @abstractmethod
    def close(self) -> None:
        """Gives back what the calls have needed; by the thread that has made them."""


class MapAheadIterator(StageIterator):
    """The results of the items of `upstream`, in their order.

    Args:
        upstream: is asked by the consumer's thread alone.
        functions: the same one for each worker, `Stoppable` or not.
    """

    def __init__(self, upstream: StageIterator, functions: Sequence[Function]) -> None:
        self._upstream = upstream
        self._functions = functions
        self._workers: _Workers | None = None
        self._forget()

    def _forget(self) -> None:
        """Goes on from where the upstream is, whatever is in work."""
        self._tasks: deque[_Task] = deque()
        self._end: Exception | None = None  # that came from upstream after them
        self._state = self._upstream.state_dict()

    def __next__(self) -> Any:
        if self._workers is None:
            self._start_workers()
        self._fill()
        if not self._tasks:
            end, self._end = self._end, None
            try:
                raise end or StopIteration
            finally:
                del end
        task = self._tasks[0]
        is_result, result = task.wait()
        self._tasks.popleft()
        if is_result:
            self._state = task.state
            return result
        self._abandon()
        try:
            raise result
        finally:
            del result, task  # once raised it knows this frame, and whoever keeps it would keep all

    def _start_workers(self) -> None:
        workers = _Workers(self._functions)
        # Workers do not know this iterator, and so cannot keep it alive. This comes before the
        # start, which Ctrl-C may interrupt when some are running already.
        weakref.finalize(self, workers.stop)
        self._workers = workers
        workers.start()

    def _fill(self) -> None:
        assert self._workers is not None
        while self._end is None and len(self._tasks) < _AHEAD * len(self._functions):
            try:
                item = next(self._upstream)
            except Exception as end:
                self._end = end
                return
            task = _Task(item, self._upstream.state_dict())
            self._tasks.append(task)
            self._workers.submit(task)

    def _abandon(self) -> None:
        for task in self._tasks:
            task.is_wanted = False
        self._tasks.clear()
        self._end = None

    def queue(self) -> tuple[int, int]:
        """How many results are ready, and how many can be."""
        tasks = list(self._tasks)
        return sum(task.is_done() for task in tasks), _AHEAD * len(self._functions)

    def state_dict(self) -> dict[str, Any]:
        return {"upstream": self._state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._abandon()
        self._upstream.load_state_dict(state["upstream"])
        self._forget()

    def begin_epoch(self, epoch: int) -> None:
        self._abandon()
        self._upstream.begin_epoch(epoch)
        self._forget()


class _Task:
    """An item to be put through the function, and the state of the upstream after it."""

    def __init__(self, item: Any, state: dict[str, Any]) -> None:
        self.state = state
        self.is_wanted = True
        self._item = item
        self._answer: SimpleQueue[tuple[bool, Any]] = SimpleQueue()

    def do(self, function: Function) -> None:
        """Puts the item through `function`, once; whatever that raises is the answer."""
        item, self._item = self._item, None
        try:
            result = call(function, item)
        except BaseException as error:  # the consumer raises it
            # Without a name here, as the error knows this frame and would keep itself.
            self._answer.put((False, error))
        else:
            self._answer.put((True, result))

    def wait(self) -> tuple[bool, Any]:
        """Whether there is a result, and the result or the error, as soon as it is there."""
        return self._answer.get()

    def is_done(self) -> bool:
        """Whether `wait` would not wait."""
        return not self._answer.empty()


class _Workers:
    """A thread for each function, which all take from one queue.

    The queue allows a `put` within a `put`: `stop` may be called by the collector, in any thread,
    anywhere.
    """

    def __init__(self, functions: Sequence[Function]) -> None:
        self._functions = functions
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._is_stopped = False
        # Daemons, since the interpreter waits for others before it forgets iterators.
        self._threads = [
            threading.Thread(target=self._work, args=(function,), name="varlen-map", daemon=True)
            for function in functions
        ]

    def start(self) -> None:
        """Begins to work."""
        for thread in self._threads:
            thread.start()

    def submit(self, task: _Task) -> None:
        """Gives a task to the next worker that has nothing to do."""
        self._tasks.put(task)

    def stop(self) -> None:
        """Ends all workers; what they are just doing is lost. Stopping again does nothing."""
        self._is_stopped = True
        for function in self._functions:
            self._tasks.put(None)
            if isinstance(function, Stoppable):
                function.stop()
        for thread in self._threads:
            # One that is not alive has ended, or sees that it is stopped before it does anything.
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join()

    def _work(self, function: Function) -> None:
        while self._do_next(function):
            pass
        if isinstance(function, Stoppable):
            function.close()

    def _do_next(self, function: Function) -> bool:
        task = self._tasks.get()
        if task is None or self._is_stopped:
            return False
        if task.is_wanted:
            task.do(function)
        return True
