"""`maybe_batch`, `shuffle_batch`, `maybe_shuffle_batch`: what comes before `batch`."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from varlen.data.iterables._batch import batch
from varlen.data.iterables._kept import elements_of, kept
from varlen.data.queues._orders import Shuffled
from varlen.errors import check_integer


def maybe_batch(
    iterable: Iterable[Any],
    keep_input: Callable[[Any], Any] | bool,
    batch_size: int,
    dynamic_pad: bool = True,
    allow_smaller_final_batch: bool = True,
    enqueue_many: bool = False,
) -> Iterator[Any]:
    """As `batch`, of the elements that are to be kept. As `tf.train.maybe_batch`.

        >>> next(maybe_batch(range(10), lambda n: n % 3 == 0, 4)).tolist()
        [0, 3, 6, 9]

    Args:
        iterable: as in `batch`.
        keep_input: a function that is asked for each item of the iterable, or one answer for all.
            With `enqueue_many` it may give one answer for each row.
        batch_size: as in `batch`.
        dynamic_pad: as in `batch`.
        allow_smaller_final_batch: as in `batch`.
        enqueue_many: as in `batch`.

    Raises:
        TypeError: as `batch`.
        ValueError: as `batch`; or answers that are not one for the item or, with `enqueue_many`,
            one for each row.
    """
    elements = kept("maybe_batch", iterable, keep_input, enqueue_many=enqueue_many)
    return batch(elements, batch_size, dynamic_pad, allow_smaller_final_batch)


def shuffle_batch(
    iterable: Iterable[Any],
    batch_size: int,
    capacity: int,
    min_after_dequeue: int,
    seed: int | None = None,
    dynamic_pad: bool = True,
    allow_smaller_final_batch: bool = True,
    enqueue_many: bool = False,
) -> Iterator[Any]:
    """As `batch`, of elements in random order. As `tf.train.shuffle_batch`, without its threads.

    Each element is chosen from `capacity` of them, or those that are left.

    Args:
        iterable: as in `batch`.
        batch_size: as in `batch`.
        capacity: how many elements are held.
        min_after_dequeue: below the capacity. TensorFlow chose among that many at least; here
            there are always `capacity` to choose from, before the end.
        seed: the same seed gives the same order.
        dynamic_pad: as in `batch`.
        allow_smaller_final_batch: as in `batch`.
        enqueue_many: as in `batch`.

    Raises:
        TypeError: as `batch`, or a number that is not an integer.
        ValueError: as `batch`, or a capacity that is not above `min_after_dequeue`.
    """
    check_capacity("shuffle_batch", capacity, min_after_dequeue)
    elements = elements_of(iterable, enqueue_many=enqueue_many)
    shuffled = _shuffled(elements, capacity, seed)
    return batch(shuffled, batch_size, dynamic_pad, allow_smaller_final_batch)


def maybe_shuffle_batch(
    iterable: Iterable[Any],
    batch_size: int,
    capacity: int,
    min_after_dequeue: int,
    keep_input: Callable[[Any], Any] | bool,
    seed: int | None = None,
    dynamic_pad: bool = True,
    allow_smaller_final_batch: bool = True,
    enqueue_many: bool = False,
) -> Iterator[Any]:
    """As `shuffle_batch`, of the elements that are to be kept. As `tf.train.maybe_shuffle_batch`.

    Args:
        iterable: as in `batch`.
        batch_size: as in `batch`.
        capacity: as in `shuffle_batch`.
        min_after_dequeue: as in `shuffle_batch`.
        keep_input: as in `maybe_batch`.
        seed: as in `shuffle_batch`.
        dynamic_pad: as in `batch`.
        allow_smaller_final_batch: as in `batch`.
        enqueue_many: as in `batch`.

    Raises:
        TypeError: as `shuffle_batch`.
        ValueError: as `shuffle_batch` and `maybe_batch`.
    """
    check_capacity("maybe_shuffle_batch", capacity, min_after_dequeue)
    elements = kept("maybe_shuffle_batch", iterable, keep_input, enqueue_many=enqueue_many)
    shuffled = _shuffled(elements, capacity, seed)
    return batch(shuffled, batch_size, dynamic_pad, allow_smaller_final_batch)


def check_capacity(owner: str, capacity: int, min_after_dequeue: int) -> None:
    """Refuses numbers that are no integers, or a capacity that leaves nothing to take."""
    check_integer(min_after_dequeue, f"{owner}: min_after_dequeue", at_least=0)
    check_integer(capacity, f"{owner}: capacity", at_least=min_after_dequeue + 1)


def _shuffled(elements: Iterator[Any], capacity: int, seed: int | None) -> Iterator[Any]:
    order = Shuffled(0, seed)
    for element in elements:
        order.put((element,))
        if len(order) == capacity:
            yield order.take()[0]
    while order.can_take():
        yield order.take()[0]
