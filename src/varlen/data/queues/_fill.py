"""A thread that fills a queue from an iterable, and ends with the queue at the latest."""

import threading
import weakref
from collections.abc import Iterable
from typing import Any

from varlen.data.queues._components import Components
from varlen.data.queues._queues import Queue
from varlen.data.queues._store import Store
from varlen.errors import CancelledError


def fill(queue: Queue, values: Iterable[Any]) -> None:
    """Starts to enqueue `values` one by one, and closes the queue behind the last.

    What the iterable raises, who dequeues gets after the elements before it. When nobody holds the
    queue any more, the thread ends: `values` must not hold it.
    """
    # The thread does not know the queue, and so cannot keep it alive.
    store, components = queue._store, queue._components
    weakref.finalize(queue, store.close, cancel_pending=True)
    threading.Thread(
        target=_fill, args=(store, components, values), name="varlen-producer", daemon=True
    ).start()


def _fill(store: Store, components: Components, values: Iterable[Any]) -> None:
    try:
        for value in values:
            if store.is_closed():
                return
            store.put([components.element(value)])
        store.close(cancel_pending=False)
    except BaseException as error:  # the consumer raises it
        if not (isinstance(error, CancelledError) and store.is_closed()):
            store.fail(error)
