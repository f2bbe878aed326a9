"""`bucket` and `bucket_by_sequence_length`: batches of like elements, as in contrib.training."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from varlen.data.iterables._blocks import Blocks, Numbered
from varlen.data.stages._batch import check_boundaries
from varlen.errors import check_integer


def bucket(
    tensors: Iterable[Any],
    which_bucket: Callable[[Any], int],
    batch_size: int | Sequence[int],
    num_buckets: int,
    dynamic_pad: bool = True,
    allow_smaller_final_batch: bool = True,
    keep_input: Callable[[Any], Any] | bool = True,
) -> Iterator[tuple[int, Any]]:
    """Puts elements into buckets, and gives a batch the moment its bucket is full.

    At the end follows what is left, from the first bucket to the last. As
    `tf.contrib.training.bucket`, without its threads and queues, so that the order is defined, and
    with other defaults: there, `dynamic_pad` and `allow_smaller_final_batch` are False.

        >>> for number, block in bucket(range(6), lambda n: n % 2, 3, num_buckets=2):
        ...     print(number, block)
        0 [0 2 4]
        1 [1 3 5]

    Args:
        tensors: gives the elements, as for `batch`.
        which_bucket: the number of an element's bucket. An element with a number outside of 0 to
            `num_buckets - 1` is left out.
        batch_size: elements in a batch, for all buckets or for each.
        num_buckets: how many there are.
        dynamic_pad: False makes elements of unequal shape an error.
        allow_smaller_final_batch: False leaves out what is left in buckets at the end.
        keep_input: a function that says whether an element is kept, or one answer for all.

    Returns:
        An iterator over `(bucket, batch)`.

    Raises:
        TypeError: `which_bucket` is no function, sizes that are not integers; while iterating, as
            `batch`.
        ValueError: sizes below 1, or not one per bucket; while iterating, as `batch`.
    """
    check_function("bucket: which_bucket", which_bucket)
    check_integer(num_buckets, "bucket: num_buckets", at_least=1)
    sizes = bucket_sizes("bucket: batch_size", batch_size, num_buckets)
    blocks = Blocks(dynamic_pad=dynamic_pad)
    chunks = bucketed_chunks(
        _kept(tensors, keep_input),
        lambda numbered: which_bucket(numbered[1]),
        sizes,
        allow_smaller=allow_smaller_final_batch,
    )
    return ((number, blocks.batch(chunk)) for number, chunk in chunks)


def bucket_by_sequence_length(
    input_length: Callable[[Any], int],
    tensors: Iterable[Any],
    batch_size: int | Sequence[int],
    bucket_boundaries: Sequence[int],
    dynamic_pad: bool = True,
    allow_smaller_final_batch: bool = True,
    keep_input: Callable[[Any], Any] | bool = True,
) -> Iterator[tuple[Any, Any]]:
    """Makes batches of elements of like length, so that there is little to pad.

    Bucket i takes the lengths from `bucket_boundaries[i - 1]` up to, and without,
    `bucket_boundaries[i]`; the first has no lower bound and the last no upper one. As
    `tf.contrib.training.bucket_by_sequence_length`, as far as `bucket` is as TensorFlow's. The
    stage `BucketBySequenceLength` does this in a Pipeline.

        >>> words = ["a", "bcd", "e", "fgh"]
        >>> for lengths, block in bucket_by_sequence_length(len, words, 2, [2]):
        ...     print(lengths, block)
        [1 1] ['a' 'e']
        [3 3] ['bcd' 'fgh']

    Args:
        input_length: the length of an element.
        tensors: gives the elements, as for `batch`.
        batch_size: elements in a batch, for all buckets or for each of the
            `len(bucket_boundaries) + 1`.
        bucket_boundaries: in rising order.
        dynamic_pad: False makes elements of unequal shape an error.
        allow_smaller_final_batch: False leaves out what is left in buckets at the end.
        keep_input: a function that says whether an element is kept, or one answer for all.

    Returns:
        An iterator over `(lengths, batch)`, lengths int32 `[batch]`. A batch is as from `batch`,
        but a dict or a tuple of one component keeps a list around it, as TensorFlow's did:
        `{"x": [block]}` and `[block]`.

    Raises:
        TypeError: `input_length` is no function, boundaries or sizes that are not integers; while
            iterating, as `batch`.
        ValueError: boundaries that do not rise, or sizes below 1 or not one per bucket; while
            iterating, as `batch`.
    """
    owner = "bucket_by_sequence_length"
    check_function(f"{owner}: input_length", input_length)
    boundaries = bucket_boundaries_of(f"{owner}: bucket_boundaries", bucket_boundaries)
    sizes = bucket_sizes(f"{owner}: batch_size", batch_size, len(boundaries) + 1)
    blocks = Blocks(dynamic_pad=dynamic_pad)
    chunks = bucketed_chunks(
        _kept(tensors, keep_input),
        lambda numbered: bisect_right(boundaries, input_length(numbered[1])),
        sizes,
        allow_smaller=allow_smaller_final_batch,
    )
    return (
        (
            np.array([input_length(element) for _, element in chunk], np.int32),
            _with_list(chunk[0][1], blocks.batch(chunk)),
        )
        for _, chunk in chunks
    )


def _with_list(element: Any, batch: Any) -> Any:
    """A batch whose only component keeps a list around it (Q17 of TensorFlow's oddities)."""
    if isinstance(element, Mapping) and len(element) == 1:
        return {name: [block] for name, block in batch.items()}
    return [batch] if isinstance(element, tuple) and len(element) == 1 else batch


def _kept(elements: Iterable[Any], keep_input: Any) -> Iterator[Numbered]:
    for number, element in enumerate(elements):
        if keep_input(element) if callable(keep_input) else keep_input:
            yield number, element


def check_function(argument: str, function: Any) -> None:
    """Refuses what is no function, as the tensors that TensorFlow took there."""
    if not callable(function):
        raise TypeError(
            f"{argument}: expected a function of an element, such as len, found {function!r}"
        )


def bucket_boundaries_of(argument: str, boundaries: Any) -> Sequence[int]:
    """Boundaries that rise, in a list or tuple.

    Raises:
        TypeError: not a list or tuple, or not of integers.
        ValueError: none, or boundaries that do not rise.
    """
    if not isinstance(boundaries, list | tuple):
        raise TypeError(f"{argument}: expected a list of integers, found {boundaries!r}")
    check_boundaries(argument, boundaries)
    return boundaries


def bucket_sizes(argument: str, batch_size: Any, num_buckets: int) -> list[int]:
    """How many elements fill each bucket, from one number for each or one for all.

    Raises:
        TypeError: what is no integer.
        ValueError: below 1, or not one for each.
    """
    sizes = list(batch_size) if isinstance(batch_size, list | tuple) else [batch_size] * num_buckets
    for size in sizes:
        check_integer(size, argument, at_least=1)
    if len(sizes) != num_buckets:
        raise ValueError(
            f"{argument}: expected one for each of the {num_buckets} buckets, found {len(sizes)}"
        )
    return sizes


def bucketed_chunks(
    elements: Iterable[Numbered],
    which_bucket: Callable[[Numbered], int],
    sizes: Sequence[int],
    *,
    allow_smaller: bool,
) -> Iterator[tuple[int, Sequence[Numbered]]]:
    """Full buckets with their numbers, as they get full, and at the end what is left.

    An element whose bucket does not exist is left out.
    """
    buckets: list[list[Numbered]] = [[] for _ in sizes]
    for numbered in elements:
        i = which_bucket(numbered)
        if not 0 <= i < len(sizes):
            continue
        buckets[i].append(numbered)
        if len(buckets[i]) == sizes[i]:
            yield i, buckets[i]
            buckets[i] = []
    for i, chunk in enumerate(buckets):
        if chunk and allow_smaller:
            yield i, chunk
