"""TensorFlow 1's queues: elements of one or more components, between threads."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from varlen.data.queues._components import Components
from varlen.data.queues._orders import FirstInFirstOut, Order, Shuffled, SmallestFirst
from varlen.data.queues._store import Store
from varlen.errors import OutOfRangeError, check_integer


class Queue(ABC):
    """What all queues can do. Every method may be called from any thread.

    An element has one component or several. A component is an array, a CPU tensor, a number, a
    string or a regular list of those, and comes out as a NumPy array (a scalar, if it has no
    dimension). Several components are a list or tuple; with `names`, elements are dicts. So a
    list is always taken as components: one component that is a list is written `[value]`.

    Whoever waits holds no processor, keeps its turn, and is woken by Ctrl-C or after `timeout`
    seconds, by a TimeoutError; nothing is lost then. (TensorFlow lost what a `dequeue_many` that
    was cut short had collected.) When a producer fails, a consumer gets the elements before that
    and then the producer's error.

    Iterating dequeues one by one, up to the end of a closed queue.
    """

    @abstractmethod
    def __init__(self, components: Components, order: Order, capacity: int) -> None:
        self._components = components
        # Threads that fill the queue know the store, and so cannot keep the queue itself alive.
        self._store = Store(order, capacity)

    def enqueue(self, vals: Any, *, timeout: float | None = None) -> None:
        """Adds an element, as soon as there is room.

        Raises:
            CancelledError: the queue is closed.
            TimeoutError: no room in `timeout` seconds.
            TypeError: a value of another kind than its component.
            ValueError: other components, or a shape that does not fit.
        """
        self._store.put([self._components.element(vals)], timeout)

    def enqueue_many(self, vals: Any, *, timeout: float | None = None) -> None:
        """Adds an element for each row of the components, as soon as there is room for it.

        Those that went in stay, if the queue is closed before the rest did. No rows do nothing.

        Raises:
            CancelledError: the queue is closed.
            TimeoutError: no room for all in `timeout` seconds.
            TypeError: a value of another kind than its component.
            ValueError: other components, unequal numbers of rows, or a shape that does not fit.
        """
        elements = self._components.elements(vals)
        if elements:
            self._store.put(elements, timeout)

    def dequeue(self, *, timeout: float | None = None) -> Any:
        """Takes an element, as soon as there is one.

        Raises:
            OutOfRangeError: the queue is closed and empty.
            TimeoutError: none in `timeout` seconds.
        """
        return self._components.bare(self._store.take(1, timeout=timeout)[0])

    def dequeue_many(self, n: int, *, timeout: float | None = None) -> Any:
        """Takes `n` elements, as they come, and stacks each component to `[n, ...]`.

        Raises:
            OutOfRangeError: the queue is closed and holds fewer; they stay in it.
            TimeoutError: too few in `timeout` seconds; they stay.
            TypeError: not an integer.
            ValueError: a negative number, or a queue without shapes.
        """
        return self._take_stacked("dequeue_many", n, fewer_at_end=False, timeout=timeout)

    def dequeue_up_to(self, n: int, *, timeout: float | None = None) -> Any:
        """As `dequeue_many`; but takes what is left, if anything, when the queue is closed.

        Raises:
            OutOfRangeError: the queue is closed and empty.
            TimeoutError: too few in `timeout` seconds; they stay.
            TypeError: not an integer.
            ValueError: a negative number, or a queue without shapes.
        """
        return self._take_stacked("dequeue_up_to", n, fewer_at_end=True, timeout=timeout)

    def _take_stacked(
        self, method: str, n: int, *, fewer_at_end: bool, timeout: float | None
    ) -> Any:
        check_integer(n, f"{method}: n", at_least=0)
        self._components.check_stackable()
        if n == 0:  # also if others wait, and if the queue is closed
            return self._components.stacked([])
        taken = self._store.take(n, fewer_at_end=fewer_at_end, timeout=timeout)
        return self._components.stacked(taken)

    def close(self, cancel_pending_enqueues: bool = False) -> None:
        """Lets no more elements in. What is in the queue can still be taken.

        Args:
            cancel_pending_enqueues: True closes at once, and those who wait to enqueue get a
                CancelledError. False waits until those who already wait have enqueued; until
                then the queue is open.

        Raises:
            CancelledError: the queue is closed already, and nothing was to be cancelled.
        """
        self._store.close(cancel_pending=cancel_pending_enqueues)

    def size(self) -> int:
        """How many elements are in the queue, without those that a `dequeue_many` has collected."""
        return self._store.size()

    def is_closed(self) -> bool:
        """Whether `enqueue` is refused."""
        return self._store.is_closed()

    def __iter__(self) -> Iterator[Any]:
        while True:
            try:
                element = self.dequeue()
            except OutOfRangeError:
                return
            yield element


class FIFOQueue(Queue):
    """Elements come out in the order in which they went in.

        >>> queue = FIFOQueue(10, "int64", shapes=[[]])
        >>> queue.enqueue_many([[1, 2, 3]])
        >>> queue.dequeue_many(2)
        array([1, 2])

    Args:
        capacity: how many elements it holds; a negative one means any number, 0 none at all.
        dtypes: of the components: NumPy's or torch's, or names of them; "string" for bytes and
            text. One alone stands for one component. None takes those of the first element.
        shapes: of the components of one element, all sizes known. None takes elements of any
            shape, which can then only be dequeued one by one.
        names: makes elements dicts with these keys.

    Raises:
        TypeError: an argument of another kind.
        ValueError: counts that do not agree, or sizes that are not known.
    """

    def __init__(
        self, capacity: int, dtypes: Any = None, shapes: Any = None, names: Any = None
    ) -> None:
        _check_capacity("FIFOQueue", capacity)
        components = Components("FIFOQueue", dtypes, shapes, names)
        super().__init__(components, FirstInFirstOut(), capacity)


class PaddingFIFOQueue(Queue):
    """As FIFOQueue, for elements of unequal size: a batch is padded to the largest of its own.

    What an element has not is 0, False or an empty string, on the high side.

        >>> queue = PaddingFIFOQueue(10, "int64", shapes=[[None]])
        >>> for length in range(3):
        ...     queue.enqueue([[7] * length])
        >>> queue.dequeue_many(3).tolist()
        [[0, 0], [7, 0], [7, 7]]

    Args:
        capacity: how many elements it holds; a negative one means any number, 0 none at all.
        dtypes: of the components, as in FIFOQueue.
        shapes: of the components of one element. A size that differs is None.
        names: makes elements dicts with these keys.

    Raises:
        TypeError: an argument of another kind.
        ValueError: no shapes, a shape of unknown rank, or counts that do not agree.
    """

    def __init__(
        self, capacity: int, dtypes: Any = None, shapes: Any = None, names: Any = None
    ) -> None:
        _check_capacity("PaddingFIFOQueue", capacity)
        if shapes is None:
            raise ValueError(
                "PaddingFIFOQueue: shapes: expected one for each component, with None for a size "
                "that differs, found None"
            )
        components = Components("PaddingFIFOQueue", dtypes, shapes, names, may_vary=True)
        super().__init__(components, FirstInFirstOut(), capacity)


class RandomShuffleQueue(Queue):
    """Elements come out in random order.

    Args:
        capacity: how many elements it holds; a negative one means any number.
        min_after_dequeue: how many must stay while the queue is open, so that there is something
            to choose from.
        dtypes: of the components, as in FIFOQueue.
        shapes: of the components of one element, as in FIFOQueue.
        names: makes elements dicts with these keys.
        seed: the same seed and the same calls, in one order, give the same elements.

    Raises:
        TypeError: an argument of another kind.
        ValueError: `min_after_dequeue` below 0 or not below the capacity, counts that do not
            agree, or sizes that are not known.
    """

    def __init__(
        self,
        capacity: int,
        min_after_dequeue: int,
        dtypes: Any = None,
        shapes: Any = None,
        names: Any = None,
        seed: int | None = None,
    ) -> None:
        _check_capacity("RandomShuffleQueue", capacity)
        check_integer(min_after_dequeue, "RandomShuffleQueue: min_after_dequeue", at_least=0)
        if 0 <= capacity <= min_after_dequeue:
            raise ValueError(
                f"RandomShuffleQueue: min_after_dequeue: expected less than the capacity "
                f"{capacity}, found {min_after_dequeue}"
            )
        components = Components("RandomShuffleQueue", dtypes, shapes, names)
        super().__init__(components, Shuffled(min_after_dequeue, seed), capacity)


class PriorityQueue(Queue):
    """The element with the smallest priority comes out first; equals in the order of arrival.

    The priority is a component in front of the others, an int64 without dimensions, which is
    enqueued and comes out with them. With `names`, the first of them is the priority's.
    `dequeue_up_to` gives what is left in a closed queue. (TensorFlow lost it.)

    Args:
        capacity: how many elements it holds; a negative one means any number, 0 none at all.
        types: the dtypes of the components after the priority, as in FIFOQueue.
        shapes: of the components after the priority, as in FIFOQueue.
        names: makes elements dicts with these keys.

    Raises:
        TypeError: an argument of another kind.
        ValueError: counts that do not agree, or sizes that are not known.
    """

    def __init__(self, capacity: int, types: Any, shapes: Any = None, names: Any = None) -> None:
        _check_capacity("PriorityQueue", capacity)
        components = Components("PriorityQueue", types, shapes, names, has_priority=True)
        super().__init__(components, SmallestFirst(), capacity)


def _check_capacity(owner: str, capacity: Any) -> None:
    check_integer(capacity, f"{owner}: capacity", at_least=-sys.maxsize)
