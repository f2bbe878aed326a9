"""A function that is called in a process of its own."""

import multiprocessing
import pickle
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from varlen.data.stages._map_ahead import Stoppable
from varlen.data.stages._remote_main import serve

_SECONDS_TO_END = 5.0


class RemoteFunction(Stoppable):
    """Calls a function in another process, which is started by the first call.

    Calls are made by one thread, `stop` by any.

    Args:
        function: pickled.
        name: of the function, for messages.
    """

    def __init__(self, function: bytes, name: str) -> None:
        self._function = function
        self._name = name
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._is_stopped = False

    @classmethod
    def pickled(cls, function: Callable[[Any], Any]) -> "RemoteFunction":
        """The function itself, in another process.

        Raises:
            TypeError: it cannot be pickled.
            RuntimeError: this process may not start others.
        """
        name = getattr(function, "__qualname__", type(function).__name__)
        if multiprocessing.current_process().daemon:
            raise RuntimeError(
                f"Map: cannot start processes for {name} in this one, which is the worker of "
                "another, such as a DataLoader\n"
                "  use Map(..., processes=False) there, or a DataLoader without workers"
            )
        try:
            return cls(pickle.dumps(function), name)
        except Exception as error:
            raise TypeError(
                f"Map: expected a function that can be pickled, to send it to other processes, "
                f"found {name}: {error}\n"
                "  define it with `def` at the top of a module and give it what else it needs by "
                "functools.partial, or use threads: Map(..., processes=False)"
            ) from error

    def copy(self) -> "RemoteFunction":
        """The same function in yet another process."""
        return RemoteFunction(self._function, self._name)

    def __call__(self, item: Any) -> Any:
        try:
            message = pickle.dumps(item, pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            raise TypeError(
                f"Map: expected items that can be pickled, to send them to {self._name} in another "
                f"process, found {type(item).__name__}: {error}\n"
                "  use threads: Map(..., processes=False)"
            ) from error
        is_result, result, worker_traceback = pickle.loads(self._ask(message))
        if is_result:
            return result
        try:
            raise result from WorkerTraceback(worker_traceback)
        finally:
            del result

    def _ask(self, message: bytes) -> bytes:
        connection = self._connection or self._start()
        try:
            connection.send_bytes(message)
            return connection.recv_bytes()
        except (EOFError, OSError):
            how = self._end()
            raise RuntimeError(
                f"Map: a worker process that called {self._name} {how}\n"
                "  was it killed for want of memory? fewer workers need less; and a program that "
                'uses processes must begin below `if __name__ == "__main__":`'
            ) from None

    def _start(self) -> Connection:
        # Never fork: the parent has threads, whose locks nobody in the child would let go of.
        methods = multiprocessing.get_all_start_methods()
        context: Any = multiprocessing.get_context(
            "forkserver" if "forkserver" in methods else "spawn"
        )
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve, args=(theirs, self._function), name="varlen-map", daemon=True
        )
        process.start()
        theirs.close()  # so that the end of the process is the end of what comes from it
        connection: Connection = ours
        self._process, self._connection = process, connection
        if self._is_stopped:
            process.kill()
        return connection

    def _end(self) -> str:
        """Sees to it that the process has ended, and says how it did."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is None or connection is None:
            return "has not begun"
        connection.close()
        process.join(_SECONDS_TO_END)
        code = process.exitcode
        if code is None:
            process.kill()
            process.join()
            return "no longer answers"
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"

    def stop(self) -> None:
        self._is_stopped = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        self.stop()
        self._end()


class WorkerTraceback(Exception):  # noqa: N818
    """Where it happened in the other process, as text: the cause of what is raised here."""

    def __str__(self) -> str:
        return f"\n\n{self.args[0]}"
