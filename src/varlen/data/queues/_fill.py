"""Threads that fill a queue from iterables, and end with its owner at the latest."""

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from varlen.data.queues._orders import Order
from varlen.data.queues._queues import Queue
from varlen.data.queues._store import Element, Store
from varlen.errors import CancelledError, OutOfRangeError


def fill(queue: Queue, values: Iterable[Any]) -> None:
    """Starts to enqueue `values` one by one, and closes the queue behind the last.

    What the iterable raises, who dequeues gets after the elements before it. When nobody holds the
    queue any more, the thread ends: `values` must not hold it.
    """
    # The thread does not know the queue, and so cannot keep it alive. Only the thread and the queue
    # hold the store: the error that one has may know the queue.
    weakref.finalize(queue, _cancel, weakref.ref(queue._store))
    _start(queue._store, [map(queue._components.element, values)])


def _cancel(store: "weakref.ref[Store]") -> None:
    found = store()
    if found is not None:
        found.close(cancel_pending=True)


def joined(iterables: Sequence[Iterable[Any]], capacity: int, order: Order) -> Iterator[Any]:
    """What the iterables give, each read ahead by a thread of its own, in `order`.

    What one raises comes after the elements before it. The threads begin with the first element,
    and end with the iterator.
    """
    store = Store(order, capacity)
    try:
        _start(store, [((value,) for value in iterable) for iterable in iterables])
        while True:
            try:
                (element,) = store.take(1)
            except OutOfRangeError:
                return
            yield element[0]
    finally:
        store.close(cancel_pending=True)


def _start(store: Store, sources: Sequence[Iterable[Element]]) -> None:
    """A thread for each source; the last one to end closes the store."""
    store.filled_by_threads()
    lock = threading.Lock()
    left = len(sources)

    def is_last() -> bool:
        nonlocal left
        with lock:
            left -= 1
            return left == 0

    for source in sources:
        threading.Thread(
            target=_fill, args=(store, source, is_last), name="varlen-producer", daemon=True
        ).start()


def _fill(store: Store, elements: Iterable[Element], is_last: Callable[[], bool]) -> None:
    try:
        for element in elements:
            if store.is_closed():
                return
            store.put([element])
        if is_last():
            store.close(cancel_pending=False)
    except BaseException as error:  # the consumer raises it
        if not (isinstance(error, CancelledError) and store.is_closed()):
            store.fail(error)
