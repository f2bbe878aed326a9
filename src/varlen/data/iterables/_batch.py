"""`batch`: elements into padded blocks, as TensorFlow 1's queues made them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from varlen.data.iterables._blocks import Blocks, Numbered, rows
from varlen.errors import check_integer


def batch(
    iterable: Iterable[Any],
    batch_size: int,
    dynamic_pad: bool = True,
    allow_smaller_final_batch: bool = True,
    enqueue_many: bool = False,
) -> Iterator[Any]:
    """Puts every `batch_size` elements in a row side by side, padded to the largest of them.

    As `tf.train.batch`, without its threads, and with other defaults: there, `dynamic_pad` and
    `allow_smaller_final_batch` are False.

    An element is one component, or a tuple or dict of several. A component is an array, a tensor,
    a number, a string or a regular list of those; a list is one component, a tuple several. In a
    batch every dimension of a component is as large as the largest among its elements; what an
    element has not is 0, False or an empty string, on the high side. Empty lists take the type of
    the other elements. SparseValues become SparseValues with a batch axis in front.

        >>> rows = [list(range(1, n + 1)) for n in range(3)]
        >>> next(batch(rows, 3)).tolist()
        [[0, 0], [1, 0], [1, 2]]

    Args:
        iterable: gives the elements, and is asked for no more than the next batch needs.
        batch_size: elements in a batch.
        dynamic_pad: False makes elements of unequal shape an error.
        allow_smaller_final_batch: False leaves out what is left at the end.
        enqueue_many: True takes what the iterable gives for many elements each: every component has
            an axis in front, with a row for each element.

    Returns:
        An iterator over arrays `[batch, ...]`; over lists of them if elements are tuples of
        several, dicts of them if elements are dicts. Tensors give tensors.

    Raises:
        TypeError: not an iterable, or a size that is not an integer; while iterating, a component
            that changes its dtype.
        ValueError: a size below 1; while iterating, elements that differ in structure or rank, or
            in shape if they are not to be padded. The message names component and element.
    """
    check_integer(batch_size, "batch: batch_size", at_least=1)
    elements = rows(iterable) if enqueue_many else iter(iterable)
    chunks = chunks_of(elements, batch_size, allow_smaller=allow_smaller_final_batch)
    return map(Blocks(dynamic_pad=dynamic_pad).batch, chunks)


def chunks_of(
    elements: Iterator[Any], batch_size: int, *, allow_smaller: bool
) -> Iterator[Sequence[Numbered]]:
    """Every `batch_size` elements in a row, with their numbers."""
    numbered = enumerate(elements)
    while chunk := list(islice(numbered, batch_size)):
        if len(chunk) == batch_size or allow_smaller:
            yield chunk
