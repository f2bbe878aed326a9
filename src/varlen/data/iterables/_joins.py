"""`batch_join` and its variants: several sources, each read by a thread of its own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from varlen.data.iterables._batch import batch
from varlen.data.iterables._kept import elements_of, kept
from varlen.data.iterables._variants import check_capacity
from varlen.data.queues._fill import joined
from varlen.data.queues._orders import FirstInFirstOut, Shuffled
from varlen.errors import check_integer


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
    _check_sources("batch_join", iterables)
    sources = [elements_of(iterable, enqueue_many=enqueue_many) for iterable in iterables]
    elements = joined(sources, capacity, FirstInFirstOut())
    return batch(elements, batch_size, dynamic_pad, allow_smaller_final_batch)


def maybe_batch_join(
    iterables: Sequence[Iterable[Any]],
    keep_input: Callable[[Any], Any] | bool,
    batch_size: int,
    capacity: int = 32,
    dynamic_pad: bool = True,
    allow_smaller_final_batch: bool = True,
    enqueue_many: bool = False,
) -> Iterator[Any]:
    """As `batch_join`, of the elements that are to be kept. As `tf.train.maybe_batch_join`.

    Args:
        iterables: the sources.
        keep_input: as in `maybe_batch`; a function is called by all the threads.
        batch_size: as in `batch`.
        capacity: how many elements are read ahead.
        dynamic_pad: as in `batch`.
        allow_smaller_final_batch: as in `batch`.
        enqueue_many: as in `batch`.

    Raises:
        TypeError: as `batch_join`.
        ValueError: as `batch_join` and `maybe_batch`.
    """
    owner = "maybe_batch_join"
    check_integer(capacity, f"{owner}: capacity", at_least=1)
    _check_sources(owner, iterables)
    sources = [kept(owner, items, keep_input, enqueue_many=enqueue_many) for items in iterables]
    elements = joined(sources, capacity, FirstInFirstOut())
    return batch(elements, batch_size, dynamic_pad, allow_smaller_final_batch)


def shuffle_batch_join(
    iterables: Sequence[Iterable[Any]],
    batch_size: int,
    capacity: int,
    min_after_dequeue: int,
    seed: int | None = None,
    dynamic_pad: bool = True,
    allow_smaller_final_batch: bool = True,
    enqueue_many: bool = False,
) -> Iterator[Any]:
    """As `batch_join`, in random order. As `tf.train.shuffle_batch_join`.

    Args:
        iterables: the sources.
        batch_size: as in `batch`.
        capacity: how many elements are held.
        min_after_dequeue: how many there are at least to choose from, before the end; below the
            capacity.
        seed: of the choice. The order differs from run to run all the same, with the threads.
        dynamic_pad: as in `batch`.
        allow_smaller_final_batch: as in `batch`.
        enqueue_many: as in `batch`.

    Raises:
        TypeError: as `batch_join`, or a number that is not an integer.
        ValueError: as `batch_join`, or a capacity that is not above `min_after_dequeue`.
    """
    check_capacity("shuffle_batch_join", capacity, min_after_dequeue)
    _check_sources("shuffle_batch_join", iterables)
    sources = [elements_of(iterable, enqueue_many=enqueue_many) for iterable in iterables]
    elements = joined(sources, capacity, Shuffled(min_after_dequeue, seed))
    return batch(elements, batch_size, dynamic_pad, allow_smaller_final_batch)


def maybe_shuffle_batch_join(
    iterables: Sequence[Iterable[Any]],
    batch_size: int,
    capacity: int,
    min_after_dequeue: int,
    keep_input: Callable[[Any], Any] | bool,
    seed: int | None = None,
    dynamic_pad: bool = True,
    allow_smaller_final_batch: bool = True,
    enqueue_many: bool = False,
) -> Iterator[Any]:
    """As `shuffle_batch_join`, of the elements that are to be kept.

    As `tf.train.maybe_shuffle_batch_join`.

    Args:
        iterables: the sources.
        batch_size: as in `batch`.
        capacity: how many elements are held.
        min_after_dequeue: as in `shuffle_batch_join`.
        keep_input: as in `maybe_batch_join`.
        seed: as in `shuffle_batch_join`.
        dynamic_pad: as in `batch`.
        allow_smaller_final_batch: as in `batch`.
        enqueue_many: as in `batch`.

    Raises:
        TypeError: as `shuffle_batch_join`.
        ValueError: as `shuffle_batch_join` and `maybe_batch`.
    """
    owner = "maybe_shuffle_batch_join"
    check_capacity(owner, capacity, min_after_dequeue)
    _check_sources(owner, iterables)
    sources = [kept(owner, items, keep_input, enqueue_many=enqueue_many) for items in iterables]
    elements = joined(sources, capacity, Shuffled(min_after_dequeue, seed))
    return batch(elements, batch_size, dynamic_pad, allow_smaller_final_batch)


def _check_sources(owner: str, iterables: Sequence[Iterable[Any]]) -> None:
    if not iterables:
        raise ValueError(f"{owner}: iterables: expected at least one source, found none")
