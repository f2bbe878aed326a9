"""`padded_batch` and `bucketed_batch`: tf.data's batches, over plain iterables."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from varlen.data.iterables._batch import chunks_of
from varlen.data.iterables._blocks import Blocks, Numbered
from varlen.data.iterables._buckets import (
    bucket_boundaries_of,
    bucket_sizes,
    bucketed_chunks,
    check_function,
)
from varlen.data.iterables._padding import Padding
from varlen.errors import check_integer


def padded_batch(
    iterable: Iterable[Any],
    batch_size: int,
    padded_shapes: Any = None,
    padding_values: Any = None,
    drop_remainder: bool = False,
) -> Iterator[Any]:
    """Puts every `batch_size` elements in a row side by side, padded to given sizes or the largest.

    As `tf.data.Dataset.padded_batch`.

        >>> rows = [[1], [2, 3]]
        >>> next(padded_batch(rows, 2, padded_shapes=[4], padding_values=-1)).tolist()
        [[1, -1, -1, -1], [2, 3, -1, -1]]

    Args:
        iterable: gives the elements, as for `batch`.
        batch_size: elements in a batch.
        padded_shapes: a shape for each component: a list if elements are tuples, a dict if they
            are dicts, otherwise one alone. A size None or -1 is that of the largest element of the
            batch; None instead of a shape leaves all sizes open.
        padding_values: the same; None is 0, False or the empty string.
        drop_remainder: leave out the last batch if it is not full.

    Returns:
        An iterator over batches, as from `batch`.

    Raises:
        TypeError: a size that is not an integer; while iterating, as `batch`, or shapes or values
            of another structure, or a value of another type than its component.
        ValueError: a size below 1; while iterating, as `batch`, or shapes or values that are not
            one for each component, or an element of another rank or larger than its shape.
    """
    check_integer(batch_size, "padded_batch: batch_size", at_least=1)
    blocks = Blocks(
        dynamic_pad=True, padding=Padding("padded_batch", padded_shapes, padding_values)
    )
    return map(
        blocks.batch, chunks_of(iter(iterable), batch_size, allow_smaller=not drop_remainder)
    )


def bucketed_batch(
    iterable: Iterable[Any],
    element_length_func: Callable[[Any], int],
    bucket_boundaries: Sequence[int],
    bucket_batch_sizes: int | Sequence[int],
    padded_shapes: Any = None,
    padding_values: Any = None,
    pad_to_bucket_boundary: bool = False,
    no_padding: bool = False,
    drop_remainder: bool = False,
) -> Iterator[Any]:
    """Makes batches of elements of like length, so that there is little to pad.

    As `tf.data.experimental.bucket_by_sequence_length`, which has the name of another function of
    TensorFlow's, contrib's `bucket_by_sequence_length`. Bucket i takes the lengths from
    `bucket_boundaries[i - 1]` up to, and without, `bucket_boundaries[i]`. A batch comes the moment
    its bucket is full, and at the end what is left, from the shortest bucket to the longest.

        >>> rows = [[1], [2, 3, 4], [5, 6]]
        >>> for block in bucketed_batch(rows, len, [4], 3, pad_to_bucket_boundary=True):
        ...     print(block.tolist())
        [[1, 0, 0], [2, 3, 4], [5, 6, 0]]

    Args:
        iterable: gives the elements, as for `batch`.
        element_length_func: the length of an element; it takes a tuple as one argument.
        bucket_boundaries: in rising order.
        bucket_batch_sizes: elements in a batch, for all buckets or for each of the
            `len(bucket_boundaries) + 1`.
        padded_shapes: as in `padded_batch`.
        padding_values: as in `padded_batch`.
        pad_to_bucket_boundary: makes open sizes one less than the upper boundary of the bucket,
            the longest that it takes, so that there are few shapes in all. Without
            `padded_shapes`, the first axis of each component is open.
        no_padding: makes elements of unequal shape an error.
        drop_remainder: leave out batches that are not full.

    Returns:
        An iterator over batches, as from `batch`.

    Raises:
        TypeError: `element_length_func` is no function, boundaries or sizes that are not integers;
            while iterating, as `padded_batch`.
        ValueError: boundaries that do not rise, sizes below 1 or not one per bucket, or both
            `no_padding` and what is padded to; while iterating, as `padded_batch`, or an element
            as long as the last boundary when it is padded to.
    """
    owner = "bucketed_batch"
    check_function(f"{owner}: element_length_func", element_length_func)
    boundaries = bucket_boundaries_of(f"{owner}: bucket_boundaries", bucket_boundaries)
    sizes = bucket_sizes(f"{owner}: bucket_batch_sizes", bucket_batch_sizes, len(boundaries) + 1)
    if no_padding and (pad_to_bucket_boundary or padded_shapes is not None):
        raise ValueError(
            f"{owner}: expected either no_padding, or padded_shapes or pad_to_bucket_boundary, "
            "found both"
        )
    padding = None if no_padding else Padding(owner, padded_shapes, padding_values)
    blocks = Blocks(dynamic_pad=not no_padding, padding=padding)

    def which_bucket(numbered: Numbered) -> int:
        number, element = numbered
        length = element_length_func(element)
        if pad_to_bucket_boundary and length >= boundaries[-1]:
            raise ValueError(
                f"element {number}: expected a length below the last boundary, {boundaries[-1]}, "
                f"since pad_to_bucket_boundary has none to pad to beyond it, found {length}"
            )
        return bisect_right(boundaries, length)

    chunks = bucketed_chunks(
        enumerate(iterable), which_bucket, sizes, allow_smaller=not drop_remainder
    )
    return (
        blocks.batch(chunk, boundaries[i] - 1 if pad_to_bucket_boundary else None)
        for i, chunk in chunks
    )
