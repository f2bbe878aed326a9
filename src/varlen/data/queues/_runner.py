"""`QueueRunner`: threads that fill a queue."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from varlen.data.queues._coordinator import Coordinator, ErrorTypes, as_error_types
from varlen.data.queues._queues import Queue
from varlen.errors import CancelledError, OutOfRangeError


class QueueRunner:
    """Calls functions that enqueue, each in a thread of its own, again and again.

    A thread ends quietly when its function says that nothing more will come, by one of
    `queue_closed_exception_types`, or when the queue was closed. The last one to end closes the
    queue, so that who dequeues finds the end, too. When a function raises anything else, the queue
    closes at once: who dequeues gets what is in it, and then that error. (TensorFlow's consumer
    waited for ever, if there was no Coordinator.)

    The threads do not keep the program alive, so Ctrl-C ends it at once; there is no `daemon`
    argument. They end with the queue's closing or the coordinator's stop.

        >>> from varlen.data import FIFOQueue
        >>> numbers = iter(range(3))
        >>> queue = FIFOQueue(2, "int64", [[]])
        >>> runner = QueueRunner(queue, [lambda: queue.enqueue(next(numbers))])
        >>> threads = runner.create_threads(start=True)
        >>> queue.dequeue_many(3)
        array([0, 1, 2])

    Args:
        queue: what the functions fill.
        enqueue_ops: functions without arguments, one for each thread. The same may be there more
            than once, if it may run in several threads.
        close_op: what the last thread calls; by default `queue.close`.
        cancel_op: what a request to stop calls; by default it closes the queue, with enqueues
            that wait cancelled.
        queue_closed_exception_types: by default `(OutOfRangeError, StopIteration)`, what queues
            and what iterators end with.

    Raises:
        TypeError: what is no queue, function or tuple of exception types.
        ValueError: no queue, or no functions.
    """

    def __init__(
        self,
        queue: Queue | None = None,
        enqueue_ops: Sequence[Callable[[], Any]] | None = None,
        close_op: Callable[[], Any] | None = None,
        cancel_op: Callable[[], Any] | None = None,
        queue_closed_exception_types: ErrorTypes | None = None,
    ) -> None:
        if queue is None:
            raise ValueError("QueueRunner: queue: expected a queue, found None")
        if not isinstance(queue, Queue):
            raise TypeError(f"QueueRunner: queue: expected a queue, found {queue!r}")
        if not enqueue_ops:
            raise ValueError("QueueRunner: enqueue_ops: expected at least one function, found none")
        for i, op in enumerate(enqueue_ops):
            if not callable(op):
                raise TypeError(
                    f"QueueRunner: enqueue_ops[{i}]: expected a function that enqueues, found "
                    f"{op!r}\n  write `lambda: queue.enqueue(...)`"
                )
        if queue_closed_exception_types is None:
            queue_closed_exception_types = (OutOfRangeError, StopIteration)
        self._end_types = as_error_types(
            "QueueRunner: queue_closed_exception_types", queue_closed_exception_types
        )
        self._queue = queue
        self._enqueue_ops = tuple(enqueue_ops)
        self._close = close_op or queue.close
        self._cancel = cancel_op or (lambda: queue.close(cancel_pending_enqueues=True))
        self._lock = threading.Lock()
        self._running = 0
        self._errors: list[BaseException] = []

    @property
    def queue(self) -> Queue:
        """What the functions fill."""
        return self._queue

    @property
    def exceptions_raised(self) -> list[BaseException]:
        """The errors that ended threads which had no coordinator to tell."""
        with self._lock:
            return list(self._errors)

    def create_threads(
        self, coord: Coordinator | None = None, start: bool = False
    ) -> list[threading.Thread]:
        """A thread for each function; none, while those made before still run.

        Args:
            coord: is told of errors, and stops the threads. They are registered with it.
            start: whether to start them.
        """
        with self._lock:
            if self._running:
                return []
            self._running = len(self._enqueue_ops)
            self._errors.clear()
        self._queue._store.filled_by_threads()
        threads = [
            threading.Thread(
                target=self._run, args=(op, coord), name=f"varlen-queue-runner-{i}", daemon=True
            )
            for i, op in enumerate(self._enqueue_ops)
        ]
        if coord is not None:
            coord.call_on_stop(self._cancel)
            for thread in threads:
                coord.register_thread(thread)
        if start:
            for thread in threads:
                thread.start()
        return threads

    def _run(self, enqueue: Callable[[], Any], coord: Coordinator | None) -> None:
        try:
            self._enqueue_until_end(enqueue, coord)
        except BaseException as error:  # the consumer raises it
            self._end_one()
            if not (isinstance(error, CancelledError) and self._queue.is_closed()):
                self._fail(error, coord)
        else:
            if self._end_one():
                with suppress(CancelledError):  # somebody else has closed it
                    self._close()

    def _enqueue_until_end(self, enqueue: Callable[[], Any], coord: Coordinator | None) -> None:
        try:
            while coord is None or not coord.should_stop():
                enqueue()
        except self._end_types:
            return

    def _end_one(self) -> bool:
        """Counts a thread as ended; whether it was the last one."""
        with self._lock:
            self._running -= 1
            return self._running == 0

    def _fail(self, error: BaseException, coord: Coordinator | None) -> None:
        self._queue._store.fail(error)
        if coord is None:
            with self._lock:
                self._errors.append(error)
        elif not coord.joined:  # otherwise the queue alone can tell
            coord.request_stop(error)
