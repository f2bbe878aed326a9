"""`batch`: elements into padded blocks, as TensorFlow 1's queues made them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch

from varlen.data._stack import as_array, joint_dtype, stack_equal, stack_padded
from varlen.data._stage import check_integer


def batch(
    iterable: Iterable[Any],
    batch_size: int,
    dynamic_pad: bool = True,
    allow_smaller_final_batch: bool = True,
) -> Iterator[Any]:
    """Puts every `batch_size` elements in a row side by side, padded to the largest of them.

    As `tf.train.batch`, without its threads, and with other defaults: there, `dynamic_pad` and
    `allow_smaller_final_batch` are False.

    An element is one component, or a tuple or dict of several. A component is an array, a tensor,
    a number, a string or a regular list of those; a list is one component, a tuple several. In a
    batch every dimension of a component is as large as the largest among its elements; what an
    element has not is 0, False or an empty string, on the high side. Empty lists take the type of
    the other elements.

        >>> rows = [list(range(1, n + 1)) for n in range(3)]
        >>> next(batch(rows, 3)).tolist()
        [[0, 0], [1, 0], [1, 2]]

    Args:
        iterable: gives the elements, and is asked for no more than the next batch needs.
        batch_size: elements in a batch.
        dynamic_pad: False makes elements of unequal shape an error.
        allow_smaller_final_batch: False leaves out what is left at the end.

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
    chunks = _chunks(iter(iterable), batch_size, allow_smaller_final_batch)
    return _batches(chunks, dynamic_pad=dynamic_pad)


def _chunks(
    elements: Iterator[Any], batch_size: int, allow_smaller: bool
) -> Iterator[Sequence[Any]]:
    while chunk := list(islice(elements, batch_size)):
        if len(chunk) == batch_size or allow_smaller:
            yield chunk


def _batches(chunks: Iterator[Sequence[Any]], *, dynamic_pad: bool) -> Iterator[Any]:
    first: dict[Any, Any] | None = None
    dtypes: dict[Any, np.dtype[Any]] = {}
    count = 0
    for chunk in chunks:
        elements = [_components(element) for element in chunk]
        first = first or elements[0]
        _check_structure(elements, first, count)
        blocks = {
            key: _block(key, [element[key] for element in elements], count, dtypes, dynamic_pad)
            for key in first
        }
        yield _in_the_form_of(chunk[0], blocks)
        count += len(chunk)


def _components(element: Any) -> dict[Any, Any]:
    """The components by name, by position, or the only one under None."""
    if isinstance(element, Mapping):
        return dict(element)
    return dict(enumerate(element)) if isinstance(element, tuple) else {None: element}


def _in_the_form_of(element: Any, blocks: dict[Any, Any]) -> Any:
    if isinstance(element, Mapping):
        return blocks
    return next(iter(blocks.values())) if len(blocks) == 1 else list(blocks.values())


def _check_structure(elements: Sequence[dict[Any, Any]], first: dict[Any, Any], count: int) -> None:
    if not first:
        raise ValueError("element 0: expected at least one component, found none")
    for i, element in enumerate(elements, count):
        if element.keys() != first.keys():
            raise ValueError(
                f"element {i}: expected {_listed(first)}, as in element 0, found {_listed(element)}"
            )


def _listed(components: dict[Any, Any]) -> str:
    if None in components:
        return "a single component"
    return f"the components {', '.join(map(repr, components)) or '(none)'}"


def _block(
    key: Any, values: Sequence[Any], count: int, dtypes: dict[Any, np.dtype[Any]], dynamic_pad: bool
) -> Any:
    """One component of a batch. `dtypes` keeps its dtype as soon as it is known."""

    def place(i: int) -> str:
        return (
            f"element {count + i}" if key is None else f"component {key!r} of element {count + i}"
        )

    arrays = [as_array(value, place, i) for i, value in enumerate(values)]
    found = joint_dtype(arrays, place)
    if found is not None and dtypes.setdefault(key, found) != found:
        raise TypeError(f"{place(0)}: expected {dtypes[key]}, as before, found {found}")
    dtype = dtypes.get(key)
    if dynamic_pad:
        block = stack_padded(arrays, dtype, place)
    else:
        block = stack_equal(arrays, dtype, place, hint="dynamic_pad=True pads them")
    return torch.from_numpy(block) if isinstance(values[0], torch.Tensor) else block
