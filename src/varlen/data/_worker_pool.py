"""A function that threads or processes work on, for a while."""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from varlen.data._stage import call

_THREAD_NAME = "varlen-map"


class WorkerPool:
    """Puts items through a function, in workers that are begun with the first of them.

    Args:
        function: of an item; for processes, one that can be pickled.
        num_workers: how many items are worked on at once.
        processes: processes, each with an interpreter of its own, instead of threads.

    Raises:
        TypeError: a function that cannot be sent to a process.
    """

    def __init__(
        self, function: Callable[[Any], Any], num_workers: int, *, processes: bool
    ) -> None:
        self._function = function
        self._num_workers = num_workers
        self._pickled = _pickled(function) if processes else None
        self._executor: Executor | None = None

    def submit(self, item: Any) -> "Future[Any]":
        """Has the function called with an item."""
        if self._executor is None:
            self._executor = self._begin()
        if self._pickled is None:
            return self._executor.submit(call, self._function, item)
        return self._executor.submit(_call_in_process, item)

    def _begin(self) -> Executor:
        if self._pickled is None:
            return ThreadPoolExecutor(self._num_workers, thread_name_prefix=_THREAD_NAME)
        # Forked processes would have the locks of threads, but not the threads that hold them.
        return ProcessPoolExecutor(
            self._num_workers,
            multiprocessing.get_context("forkserver"),
            initializer=_begin_process,
            initargs=(self._pickled,),
        )

    def result(self, future: "Future[Any]") -> Any:
        """What the function made of an item; or what it raised, with the worker's traceback.

        Raises:
            RuntimeError: a process ended without an answer.
        """
        try:
            return future.result()
        except BrokenProcessPool as error:
            self.end()
            raise RuntimeError(
                "Map: a worker process ended in the middle of its work, without an error: it was "
                "killed, perhaps for want of memory, or its script begins work when it is imported"
                "\n  fewer workers need less memory; a script that uses processes needs "
                "`if __name__ == '__main__':` around what it does; going on begins new processes"
            ) from error

    def end(self) -> None:
        """Ends the workers, each after the item that it works on. More items begin new ones."""
        executor, self._executor = self._executor, None
        if executor is not None:
            # The collector may call this in a worker itself, which cannot wait for its own end.
            is_worker = threading.current_thread().name.startswith(_THREAD_NAME)
            executor.shutdown(wait=not is_worker, cancel_futures=True)


def _pickled(function: Callable[[Any], Any]) -> bytes:
    try:
        return pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            f"Map: function: expected one that can be sent to another process, found {function!r} "
            f"({error})\n  define it at the top of a module, or take threads: processes=False"
        ) from error


class _Process:
    """What a worker process knows."""

    pickled = b""
    function: Callable[[Any], Any] | None = None


def _begin_process(pickled: bytes) -> None:
    # Ctrl-C comes to all processes of a terminal. The parent ends these.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _Process.pickled = pickled


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call_in_process(item: Any) -> Any:
    # Here, where an error is told; in the initializer it would only break the pool.
    if _Process.function is None:
        _Process.function = pickle.loads(_Process.pickled)
    return call(_Process.function, item)
