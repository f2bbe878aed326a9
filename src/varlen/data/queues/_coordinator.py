"""`Coordinator`: threads that stop together, and an error of one that reaches who joins them."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from varlen.errors import OutOfRangeError

ErrorTypes = tuple[type[BaseException], ...]


class Coordinator:
    """Lets threads stop together: any may ask for it, all look whether it was asked.

        coordinator = Coordinator()
        threads = runner.create_threads(coordinator, start=True)
        with coordinator.stop_on_exception():
            ...
        coordinator.request_stop()
        coordinator.join(threads)

    Args:
        clean_stop_exception_types: errors that ask to stop, and are no failure; by default
            `(OutOfRangeError,)`.

    Raises:
        TypeError: not a tuple of exception types.
    """

    def __init__(self, clean_stop_exception_types: ErrorTypes | None = None) -> None:
        if clean_stop_exception_types is None:
            clean_stop_exception_types = (OutOfRangeError,)
        self._clean_types = as_error_types(
            "Coordinator: clean_stop_exception_types", clean_stop_exception_types
        )
        self._changed = threading.Condition()
        self._is_stopped = False
        self._joined = False
        self._failure: BaseException | None = None
        self._registered: set[threading.Thread] = set()
        self._on_stop: list[Callable[[], Any]] = []

    def request_stop(self, ex: BaseException | None = None) -> None:
        """Asks all to stop.

        Args:
            ex: why; `join` raises the first that is not of a clean type.

        Raises:
            BaseException: `ex`, if the threads were joined already, and nobody would raise it.
        """
        with self._changed:
            if ex is not None and self._joined:
                raise ex
            if ex is not None and self._failure is None and not isinstance(ex, self._clean_types):
                self._failure = ex
            self._is_stopped = True
            actions, self._on_stop = self._on_stop, []
            self._changed.notify_all()
        for action in actions:
            action()

    def should_stop(self) -> bool:
        """Whether a stop was requested."""
        return self._is_stopped

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Waits for a request to stop, up to `timeout` seconds; whether there is one."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_stopped, timeout)

    def clear_stop(self) -> None:
        """Begins anew: as if no stop was requested and nothing joined."""
        with self._changed:
            self._is_stopped = self._joined = False
            self._failure = None

    def call_on_stop(self, action: Callable[[], Any]) -> None:
        """Has `action` called in the thread that requests the stop; now, if that was done."""
        with self._changed:
            if not self._is_stopped:
                self._on_stop.append(action)
                return
        action()

    @contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Turns an exception inside into a request to stop, and ends there.

        Ctrl-C, and what else is no `Exception`, goes on after that.
        """
        try:
            yield
        except Exception as error:
            self.request_stop(error)
        except BaseException as interrupt:
            self.request_stop(interrupt)
            raise

    def register_thread(self, thread: threading.Thread) -> None:
        """Adds a thread to those that `join` waits for."""
        with self._changed:
            self._registered.add(thread)

    def join(
        self,
        threads: Iterable[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120.0,
        ignore_live_threads: bool = False,
    ) -> None:
        """Waits until all threads have ended; after a request to stop, for a while only.

        Args:
            threads: to wait for besides those that are registered.
            stop_grace_period_secs: how long threads may take to stop.
            ignore_live_threads: whether those that take longer are fine.

        Raises:
            BaseException: the first that was given to `request_stop` and is of no clean type.
            RuntimeError: a thread still lives after the grace period.
        """
        with self._changed:
            joined = {*self._registered, *(threads or ())}
        joined = {thread for thread in joined if thread.is_alive()}
        self._wait_for_end_or_stop(joined)
        deadline = time.monotonic() + stop_grace_period_secs
        for thread in joined:
            thread.join(max(0.0, deadline - time.monotonic()))
        living = sorted(thread.name for thread in joined if thread.is_alive())
        with self._changed:
            self._joined = True
            self._registered.clear()
        self.raise_requested_exception()
        if living and not ignore_live_threads:
            raise RuntimeError(
                f"expected all threads to end within {stop_grace_period_secs} seconds after the "
                f"request to stop, found alive: {', '.join(living)}"
            )

    @property
    def joined(self) -> bool:
        """Whether `join` has ended."""
        return self._joined

    def raise_requested_exception(self) -> None:
        """Raises what `join` would raise, if anything was given to `request_stop`.

        Raises:
            BaseException: the first that was given and is of no clean type.
        """
        if self._failure is not None:
            raise self._failure

    def _wait_for_end_or_stop(self, threads: set[threading.Thread]) -> None:
        """Sleeps until all have ended or are to stop.

        One cannot wait for a thread and for something else: a thread that waits for the threads
        tells when they have ended.
        """
        ended = False

        def watch() -> None:
            nonlocal ended
            for thread in threads:
                thread.join()
            with self._changed:
                ended = True
                self._changed.notify_all()

        if threads and not self._is_stopped:
            threading.Thread(target=watch, name="varlen-join", daemon=True).start()
            with self._changed:
                self._changed.wait_for(lambda: ended or self._is_stopped)


class LooperThread(threading.Thread):
    """A thread that calls a function again and again, until it is to stop.

    What the function raises is given to `request_stop`. The thread does not keep the program
    alive.

    Args:
        coord: says when to stop.
        timer_interval_secs: from one call's beginning to the next one's; None calls without pause.
        target: the function.
        args: its arguments.
        kwargs: its keyword arguments.

    Raises:
        TypeError: `coord` is not a Coordinator.
    """

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(coord, Coordinator):
            raise TypeError(f"LooperThread: coord: expected a Coordinator, found {coord!r}")
        super().__init__(name="varlen-looper", daemon=True)
        self._coord = coord
        self._interval = timer_interval_secs
        self._function = target
        self._function_args = tuple(args)
        self._function_kwargs = dict(kwargs or {})
        coord.register_thread(self)

    def run(self) -> None:
        """Calls until it is to stop."""
        with self._coord.stop_on_exception():
            due = time.monotonic()
            while not self._coord.should_stop():
                self._function(*self._function_args, **self._function_kwargs)
                if self._interval is not None:
                    due += self._interval
                    self._coord.wait_for_stop(max(0.0, due - time.monotonic()))


def as_error_types(argument: str, types: Any) -> ErrorTypes:
    """Checks a tuple of exception types.

    Raises:
        TypeError: something else, or no type in it.
    """
    if (
        not isinstance(types, tuple)
        or not types
        or not all(isinstance(t, type) and issubclass(t, BaseException) for t in types)
    ):
        raise TypeError(f"{argument}: expected a tuple of exception types, found {types!r}")
    return types
