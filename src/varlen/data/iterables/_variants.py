"""`maybe_batch`, `shuffle_batch` and `batch_join`: what comes before `batch`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from varlen.data._stage import check_integer
from varlen.data.iterables._batch import batch
from varlen.data.iterables._blocks import rows
from varlen.data.queues._fill import joined
from varlen.data.queues._orders import Shuffled


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
    if not callable(keep_input):
        _check_answer(keep_input, enqueue_many)
    kept = _kept(iterable, keep_input, enqueue_many=enqueue_many)
    return batch(kept, batch_size, dynamic_pad, allow_smaller_final_batch)


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
    check_integer(min_after_dequeue, "shuffle_batch: min_after_dequeue", at_least=0)
    check_integer(capacity, "shuffle_batch: capacity", at_least=min_after_dequeue + 1)
    elements = rows(iterable) if enqueue_many else iter(iterable)
    shuffled = _shuffled(elements, capacity, seed)
    return batch(shuffled, batch_size, dynamic_pad, allow_smaller_final_batch)


def batch_join(
    iterables: Sequence[Iterable[Any]],
    batch_size: int,
    capacity: int = 32,
    dynamic_pad: bool = True,
    allow_smaller_final_batch: bool = True,
    enqueue_many: bool = False,
) -> Iterator[Any]:
    """As `batch`, of several sources, each read by a thread of its own. As `tf.train.batch_join`.

    Elements of one source stay in order; in which order the sources take turns is not defined. What
    a source raises comes after the elements before it. The threads end with the iterator.

    Args:
        iterables: the sources.
        batch_size: as in `batch`.
        capacity: how many elements are read ahead.
        dynamic_pad: as in `batch`.
        allow_smaller_final_batch: as in `batch`.
        enqueue_many: as in `batch`.

    Raises:
        TypeError: as `batch`, also if sources differ in dtype.
        ValueError: as `batch`, also if sources differ in structure; no sources.
    """
    check_integer(capacity, "batch_join: capacity", at_least=1)
    if not iterables:
        raise ValueError("batch_join: iterables: expected at least one source, found none")
    sources = [rows(iterable) if enqueue_many else iter(iterable) for iterable in iterables]
    return batch(joined(sources, capacity), batch_size, dynamic_pad, allow_smaller_final_batch)


def _kept(items: Iterable[Any], keep_input: Any, *, enqueue_many: bool) -> Iterator[Any]:
    for item in items:
        answer = _check_answer(
            keep_input(item) if callable(keep_input) else keep_input, enqueue_many
        )
        if not enqueue_many:
            if answer:
                yield item
            continue
        elements = list(rows([item]))
        if answer.ndim and len(answer) != len(elements):
            raise ValueError(
                f"maybe_batch: keep_input: expected an answer for each of the {len(elements)} "
                f"rows, found {len(answer)}"
            )
        kept = np.broadcast_to(answer, len(elements))
        yield from (element for element, keep in zip(elements, kept, strict=True) if keep)


def _check_answer(answer: Any, enqueue_many: bool) -> Any:
    flags = np.asarray(answer, bool)
    if flags.ndim > int(enqueue_many):
        expected = "one answer, or one for each row" if enqueue_many else "one answer"
        raise ValueError(f"maybe_batch: keep_input: expected {expected}, found shape {flags.shape}")
    return flags


def _shuffled(elements: Iterator[Any], capacity: int, seed: int | None) -> Iterator[Any]:
    order = Shuffled(0, seed)
    for element in elements:
        order.put((element,))
        if len(order) == capacity:
            yield order.take()[0]
    while order.can_take():
        yield order.take()[0]
