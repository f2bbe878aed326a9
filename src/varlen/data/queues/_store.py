"""What threads wait at: elements behind one lock, with TensorFlow 1's rules of turns and ends."""

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from varlen.data.queues._orders import Order
from varlen.errors import CancelledError, OutOfRangeError

Element = tuple[Any, ...]
_WaitFor = Callable[[Callable[[], bool]], None]


class Store:
    """Elements that threads put and take, each in its turn, until the store is closed.

    Whoever waits sleeps until something changes. A wait that ends in an exception (the end, a
    timeout, Ctrl-C) gives back what it had taken.

    Args:
        order: which element comes out next.
        capacity: how many it holds; below 0, any number.
    """

    def __init__(self, order: Order, capacity: int) -> None:
        self._order = order
        self._capacity = capacity
        # Its lock is re-entrant: `close` may be called by the collector, in any thread, anywhere.
        self._changed = threading.Condition()
        self._putting: deque[object] = deque()
        self._taking: deque[object] = deque()
        self._is_closed = False
        self._failure: BaseException | None = None

    def size(self) -> int:
        """How many elements can be taken, or could if none had to stay."""
        with self._changed:
            return len(self._order)

    def is_closed(self) -> bool:
        """Whether no more can be put."""
        with self._changed:
            return self._is_closed

    def put(self, elements: Sequence[Element], timeout: float | None = None) -> None:
        """Adds the elements one by one, each as soon as there is room.

        Raises:
            CancelledError: the store is closed, or is closed before all are in.
            TimeoutError: not all were in after `timeout` seconds; those that are stay.
        """
        with self._turn(self._putting, timeout) as wait_for:
            for element in elements:
                wait_for(lambda: self._is_closed or self._has_room())
                if self._is_closed:
                    raise CancelledError("the queue is closed, and takes no more elements")
                self._order.put(element)
                self._changed.notify_all()

    def take(
        self, number: int, *, fewer_at_end: bool = False, timeout: float | None = None
    ) -> list[Element]:
        """Takes `number` elements, as they come; when closed, also fewer, if there are any.

        Raises:
            OutOfRangeError: the store is closed and has too few; what it has stays in it.
            TimeoutError: too few came in `timeout` seconds; those that did stay.
        """
        taken: list[Element] = []
        with self._turn(self._taking, timeout) as wait_for:
            try:
                while len(taken) < number:
                    wait_for(lambda: self._is_closed or self._order.can_take())
                    left = len(taken) + len(self._order)
                    if self._is_closed and left < number:
                        if not (fewer_at_end and left):
                            raise self._end(number, left)
                        number = left
                    if len(taken) < number:
                        taken.append(self._order.take())
                        self._changed.notify_all()
            except BaseException:
                self._order.put_back(taken)
                raise
        return taken

    def close(self, *, cancel_pending: bool) -> None:
        """Lets no more elements in: at once, or after those whose threads already wait.

        Raises:
            CancelledError: it is closed, and nothing is to be cancelled.
        """
        if cancel_pending:
            with self._changed:
                self._close()
            return
        with self._turn(self._putting, None):
            if self._is_closed:
                raise CancelledError("the queue is closed already")
            self._close()

    def fail(self, error: BaseException) -> None:
        """Closes at once; who finds too few elements from now on gets `error`."""
        with self._changed:
            if not self._is_closed:
                self._failure = error
                self._close()

    def filled_by_threads(self) -> None:
        """Makes it fail in a forked process, which has none of the threads that fill it."""
        _FILLED.add(self)

    def lose_threads(self) -> None:
        """In a forked process: what a thread held there, nobody would ever let go of."""
        self._changed = threading.Condition()
        self._putting, self._taking = deque(), deque()
        self.fail(
            RuntimeError(
                "the threads that fill this queue are those of another process, of which this one "
                "was forked\n  make the queue in the process that dequeues"
            )
        )

    def _close(self) -> None:
        self._is_closed = True
        self._order.release()
        self._changed.notify_all()

    def _end(self, number: int, left: int) -> BaseException:
        return self._failure or OutOfRangeError(
            f"the queue is closed: expected {number} elements, found {left}"
        )

    def _has_room(self) -> bool:
        return self._capacity < 0 or len(self._order) < self._capacity

    @contextmanager
    def _turn(self, line: deque[object], timeout: float | None) -> Iterator[_WaitFor]:
        """Holds the lock, with everybody who came earlier done; gives the way to wait in it."""
        deadline = None if timeout is None else time.monotonic() + timeout

        def wait_for(condition: Callable[[], bool]) -> None:
            rest = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._changed.wait_for(condition, rest):
                raise TimeoutError(f"the queue kept this waiting for {timeout} seconds")

        ticket = object()
        with self._changed:
            try:
                line.append(ticket)
                wait_for(lambda: line[0] is ticket)
                yield wait_for
            finally:
                with suppress(ValueError):  # Ctrl-C came before it was in line
                    line.remove(ticket)
                self._changed.notify_all()


_FILLED: weakref.WeakSet[Store] = weakref.WeakSet()


def _lose_threads() -> None:
    for store in list(_FILLED):
        store.lose_threads()


if hasattr(os, "register_at_fork"):  # otherwise there is no fork
    os.register_at_fork(after_in_child=_lose_threads)
