"""Elements of TensorFlow 1's batch functions, side by side in padded blocks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from varlen.data._collate import join_sparse
from varlen.data._stack import as_array, joint_dtype, stack_equal, stack_padded
from varlen.data.iterables._padding import Padding
from varlen.sequences import SparseValues

Numbered = tuple[int, Any]
"""An element, with its number in the source."""


class Blocks:
    """Makes batches, which all have the structure and the dtypes of the first.

    Args:
        dynamic_pad: whether elements of unequal shape are padded, or an error.
        padding: to which sizes, and with what; by default as large as the largest, with 0, False
            or the empty string.
    """

    def __init__(self, *, dynamic_pad: bool, padding: Padding | None = None) -> None:
        self._dynamic_pad = dynamic_pad
        self._padding = padding
        self._names: dict[Any, Any] = {}
        self._first = 0
        self._dtypes: dict[Any, np.dtype[Any]] = {}

    def blocks(self, chunk: Sequence[Numbered], steps: int | None = None) -> dict[Any, Any]:
        """The blocks of a batch, by name, by position, or the only one under None.

        Args:
            chunk: its elements.
            steps: what open sizes of the padding are in this batch; by default the largest.

        Raises:
            TypeError: a component that changes its dtype, or a padding that does not go with it.
            ValueError: elements that differ in structure, rank, or, without padding, shape.
        """
        elements = [components(element) for _, element in chunk]
        numbers = [number for number, _ in chunk]
        if not self._names:
            self._names, self._first = elements[0], numbers[0]
        self._check_structure(elements, numbers)
        if self._padding is not None:
            self._padding.fit_to(list(self._names))
        return {
            key: self._block(key, [element[key] for element in elements], numbers, steps)
            for key in self._names
        }

    def batch(self, chunk: Sequence[Numbered], steps: int | None = None) -> Any:
        """A batch in the form of its elements: a dict, a list of several blocks, or one alone."""
        blocks = self.blocks(chunk, steps)
        if isinstance(chunk[0][1], Mapping):
            return blocks
        return next(iter(blocks.values())) if len(blocks) == 1 else list(blocks.values())

    def _check_structure(self, elements: Sequence[dict[Any, Any]], numbers: Sequence[int]) -> None:
        if not self._names:
            raise ValueError(f"element {self._first}: expected at least one component, found none")
        for number, element in zip(numbers, elements, strict=True):
            if element.keys() != self._names.keys():
                raise ValueError(
                    f"element {number}: expected {_listed(self._names)}, as in element "
                    f"{self._first}, found {_listed(element)}"
                )

    def _block(
        self, key: Any, values: Sequence[Any], numbers: Sequence[int], steps: int | None
    ) -> Any:
        """One component of a batch. Its dtype is kept as soon as it is known."""

        def place(i: int) -> str:
            return _place(key, numbers[i])

        is_sparse = [isinstance(value, SparseValues) for value in values]
        if all(is_sparse):
            return join_sparse(values, place)
        if any(is_sparse):
            i = is_sparse.index(not is_sparse[0])
            raise ValueError(
                f"{place(i)}: expected {type(values[0]).__name__}, as in {place(0)}, "
                f"found {type(values[i]).__name__}"
            )
        arrays = [as_array(value, place, i) for i, value in enumerate(values)]
        found = joint_dtype(arrays, place)
        if found is not None and self._dtypes.setdefault(key, found) != found:
            raise TypeError(f"{place(0)}: expected {self._dtypes[key]}, as before, found {found}")
        dtype = self._dtypes.get(key)
        if self._padding is not None:
            shape = self._padding.shape(key, arrays, place, steps)
            value = self._padding.value(key, dtype or arrays[0].dtype, arrays)
            block = stack_padded(arrays, dtype, place, shape, value)
        elif self._dynamic_pad:
            block = stack_padded(arrays, dtype, place)
        else:
            block = stack_equal(arrays, dtype, place, hint="dynamic_pad=True pads them")
        return torch.from_numpy(block) if isinstance(values[0], torch.Tensor) else block


def components(element: Any) -> dict[Any, Any]:
    """The components by name, by position, or the only one under None."""
    if isinstance(element, Mapping):
        return dict(element)
    several = isinstance(element, tuple) and not isinstance(element, SparseValues)
    return dict(enumerate(element)) if several else {None: element}


def rows(items: Iterable[Any]) -> Iterator[Any]:
    """The elements that items hold, whose components have an axis in front, with a row for each.

    Raises:
        ValueError: a component without an axis, or unequal numbers of rows.
    """
    for number, item in enumerate(items):
        columns = {
            key: value if isinstance(value, torch.Tensor) else _as_array(key, number, value)
            for key, value in components(item).items()
        }
        for row in range(_num_rows(columns, number)):
            values = {key: column[row] for key, column in columns.items()}
            if isinstance(item, Mapping):
                yield values
            else:
                yield tuple(values.values()) if isinstance(item, tuple) else values[None]


def _num_rows(columns: Mapping[Any, Any], number: int) -> int:
    """How many rows all components of item `number` have.

    Raises:
        ValueError: a component without an axis, or unequal numbers.
    """
    sizes = {}
    for key, column in columns.items():
        shape = np.shape(column)
        if not shape:
            raise ValueError(f"{_place(key, number)}: expected rows, found a scalar")
        sizes[key] = shape[0]
        first = next(iter(sizes))
        if sizes[key] != sizes[first]:
            raise ValueError(
                f"{_place(key, number)}: expected {sizes[first]} rows, as in component "
                f"{first!r}, found {sizes[key]}"
            )
    return next(iter(sizes.values()), 0)


def _as_array(key: Any, number: int, value: Any) -> Any:
    return as_array(value, lambda _: _place(key, number), 0)


def _place(key: Any, number: int) -> str:
    return f"element {number}" if key is None else f"component {key!r} of element {number}"


def _listed(names: Mapping[Any, Any]) -> str:
    if None in names:
        return "a single component"
    return f"the components {', '.join(map(repr, names)) or '(none)'}"
