"""What the elements of a queue are made of: checked on the way in, stacked on the way out."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from varlen.data._stack import as_array, stack_padded

Array = npt.NDArray[Any]
Shape = tuple[int | None, ...]


class Components:
    """The dtypes, shapes and names of the components of an element.

    Args:
        owner: how the queue is called in messages.
        dtypes: one for each component, or one alone; None takes those of the first element.
        shapes: one for each component, without the batch axis; None leaves them open.
        names: makes elements dicts with these keys.
        may_vary: whether a shape may have sizes that are None.
        has_priority: puts an int64 without dimensions in front of the components, as one more;
            the names name it too.

    Raises:
        TypeError: what is no dtype, shape or name.
        ValueError: counts that do not agree, or a shape that is not known as far as it must be.
    """

    def __init__(
        self,
        owner: str,
        dtypes: Any,
        shapes: Any,
        names: Any,
        *,
        may_vary: bool = False,
        has_priority: bool = False,
    ) -> None:
        self._owner = owner
        known_shapes = _as_shapes(owner, shapes, may_vary=may_vary)
        self._dtypes = _as_dtypes(owner, dtypes, known_shapes)
        self._first_element = threading.Lock()  # it may have the last word about dtypes
        _check_count(f"{owner}: shapes", known_shapes, len(self._dtypes))
        self._shapes: list[Shape | None] = list(
            [None] * len(self._dtypes) if known_shapes is None else known_shapes
        )
        if has_priority:
            self._dtypes.insert(0, np.dtype(np.int64))
            self._shapes.insert(0, ())
        if not self._dtypes:
            raise ValueError(f"{owner}: dtypes: expected at least one component, found none")
        self._names = _as_names(owner, names)
        _check_count(f"{owner}: names", self._names, len(self._dtypes))

    def element(self, values: Any) -> tuple[Any, ...]:
        """One element of what a user gives: arrays of its components, copied.

        Raises:
            TypeError: a value of another kind than its component.
            ValueError: other components, or a shape that does not fit.
        """
        arrays = self._arrays(values)
        for i, array in enumerate(arrays):
            self._check_shape(i, array.shape)
        return tuple(arrays)

    def elements(self, values: Any) -> list[tuple[Any, ...]]:
        """The elements that components with an axis in front, one row each, are cut into.

        Raises:
            TypeError: a value of another kind than its component.
            ValueError: other components, none or another number of rows, or a shape of rows
                that does not fit.
        """
        arrays = self._arrays(values)
        for i, array in enumerate(arrays):
            if not array.ndim:
                raise ValueError(
                    f"{self._place(i)}: expected an axis in front, with a row for each element, "
                    "found a scalar; `enqueue` takes one element"
                )
            if len(array) != len(arrays[0]):
                raise ValueError(
                    f"{self._place(i)}: expected {len(arrays[0])} rows, as in {self._place(0)}, "
                    f"found {len(array)}"
                )
            self._check_shape(i, array.shape[1:])
        return list(zip(*arrays, strict=True))

    def bare(self, element: Sequence[Any]) -> Any:
        """An element as a user gets it: a dict if there are names, bare if there is one."""
        return self._in_form([a[()] if isinstance(a, np.ndarray) else a for a in element])

    def stacked(self, elements: Sequence[Sequence[Any]]) -> Any:
        """Elements side by side, each size as large as the largest of them."""
        columns = list(zip(*elements, strict=True)) or [()] * len(self._dtypes)
        return self._in_form([self._stack(i, column) for i, column in enumerate(columns)])

    def check_stackable(self) -> None:
        """Refuses components of which the ranks are not known.

        Raises:
            ValueError: the queue was made without shapes.
        """
        if None in self._shapes:
            raise ValueError(
                f"{self._owner}: expected shapes, without which elements cannot be put side by "
                "side, found None; give `shapes`, or dequeue one by one"
            )

    def _stack(self, i: int, column: Sequence[Any]) -> Array:
        if not column:
            return np.empty((0, *(size or 0 for size in self._shapes[i] or ())), self._dtypes[i])
        # Rows of strings of no dimension are the strings themselves.
        arrays = [np.asarray(value, self._dtypes[i]) for value in column]
        return stack_padded(arrays, self._dtypes[i], lambda _: self._place(i))

    def _in_form(self, values: list[Any]) -> Any:
        if self._names is not None:
            return dict(zip(self._names, values, strict=True))
        return values[0] if len(values) == 1 else values

    def _arrays(self, values: Any) -> list[Array]:
        listed = self._listed(values)
        arrays = [as_array(value, self._place, i) for i, value in enumerate(listed)]
        with self._first_element:
            for i, array in enumerate(arrays):
                if self._dtypes[i] is None:
                    self._dtypes[i] = array.dtype
        return [self._cast(i, array) for i, array in enumerate(arrays)]

    def _listed(self, values: Any) -> list[Any]:
        """The values of the components, in order."""
        if isinstance(values, Mapping):
            if self._names is None:
                raise ValueError(
                    f"{self._owner}: expected a list of components, since the queue has no names, "
                    f"found a dict with {sorted(map(str, values))}"
                )
            if values.keys() != set(self._names):
                raise ValueError(
                    f"{self._owner}: expected a dict with exactly {list(self._names)}, "
                    f"found {sorted(map(str, values))}"
                )
            return [values[name] for name in self._names]
        if self._names is not None:
            raise ValueError(
                f"{self._owner}: expected a dict with {list(self._names)}, since the queue has "
                f"names, found {type(values).__name__}"
            )
        listed = list(values) if isinstance(values, list | tuple) else [values]
        if len(listed) != len(self._dtypes):
            raise ValueError(
                f"{self._owner}: expected {len(self._dtypes)} component(s), found {len(listed)}\n"
                "  a list or tuple holds components: write [value] for one that is a list"
            )
        return listed

    def _cast(self, i: int, array: Array) -> Array:
        """A copy in the component's dtype, if that changes no value beyond rounding."""
        dtype = self._dtypes[i]
        assert dtype is not None
        if not _fits_kind(array, dtype):
            found = "strings or objects" if array.dtype.kind == "O" else str(array.dtype)
            expected = "strings" if dtype.kind == "O" else str(dtype)
            raise TypeError(f"{self._place(i)}: expected {expected}, found {found}")
        cast = np.array(array, dtype)
        if dtype.kind in "iu" and array.size and not np.array_equal(cast, array):
            raise ValueError(
                f"{self._place(i)}: expected numbers that fit into {dtype}, "
                f"found {array.min()} to {array.max()}"
            )
        return cast

    def _check_shape(self, i: int, shape: tuple[int, ...]) -> None:
        expected = self._shapes[i]
        if expected is None:
            return
        if len(shape) != len(expected) or any(
            size is not None and size != found for size, found in zip(expected, shape, strict=True)
        ):
            raise ValueError(f"{self._place(i)}: expected shape {expected}, found {shape}")

    def _place(self, i: int) -> str:
        return f"{self._owner}: component {i if self._names is None else repr(self._names[i])}"


def _fits_kind(array: Array, dtype: np.dtype[Any]) -> bool:
    if not array.size and array.dtype == np.float64:
        return True  # what NumPy makes of an empty list
    if dtype.kind == "O":
        return array.dtype.kind == "O" and all(isinstance(item, bytes | str) for item in array.flat)
    # Python's integers are int64 and may be meant as unsigned ones; that they fit is seen later.
    return np.can_cast(array.dtype, dtype, "same_kind") or (
        array.dtype.kind == "i" and dtype.kind == "u"
    )


def _check_count(argument: str, given: Sequence[Any] | None, expected: int) -> None:
    if given is not None and len(given) != expected:
        raise ValueError(
            f"{argument}: expected one for each of the {expected} components, found {len(given)}"
        )


def _as_dtypes(
    owner: str, dtypes: Any, shapes: Sequence[Shape] | None
) -> list[np.dtype[Any] | None]:
    if dtypes is None:
        if shapes is None:
            raise ValueError(f"{owner}: expected dtypes, or at least shapes, found neither")
        return [None] * len(shapes)
    listed = list(dtypes) if isinstance(dtypes, list | tuple) else [dtypes]
    return [_as_dtype(owner, i, dtype) for i, dtype in enumerate(listed)]


def _as_dtype(owner: str, i: int, dtype: Any) -> np.dtype[Any]:
    if isinstance(dtype, torch.dtype):
        dtype = str(dtype).removeprefix("torch.")
    if isinstance(dtype, str) and dtype == "string":
        dtype = object
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"{owner}: dtypes[{i}]: expected a dtype, found {dtype!r}") from None
    return np.dtype(object) if found.kind in "SU" else found


def _as_shapes(owner: str, shapes: Any, *, may_vary: bool) -> tuple[Shape, ...] | None:
    if shapes is None:
        return None
    if isinstance(shapes, tuple) and all(isinstance(size, int | None) for size in shapes):
        shapes = [shapes]
    if not isinstance(shapes, list | tuple):
        raise TypeError(f"{owner}: shapes: expected a list of shapes, found {shapes!r}")
    return tuple(_as_shape(f"{owner}: shapes[{i}]", s, may_vary) for i, s in enumerate(shapes))


def _as_shape(argument: str, shape: Any, may_vary: bool) -> Shape:
    if shape is None:
        raise ValueError(f"{argument}: expected a shape of known rank, found None")
    if not isinstance(shape, list | tuple):
        raise TypeError(f"{argument}: expected a list of sizes, found {shape!r}")
    for size in shape:
        if size is None and not may_vary:
            raise ValueError(
                f"{argument}: expected sizes that are all known, found {list(shape)}; "
                "PaddingFIFOQueue takes unknown ones"
            )
        if size is not None and (not isinstance(size, int) or size < 0):
            raise ValueError(f"{argument}: expected sizes of 0 or more, found {list(shape)}")
    return tuple(shape)


def _as_names(owner: str, names: Any) -> tuple[str, ...] | None:
    if names is None:
        return None
    listed = tuple([names] if isinstance(names, str) else names)
    if not all(isinstance(name, str) for name in listed):
        raise TypeError(f"{owner}: names: expected strings, found {list(listed)}")
    if len(set(listed)) != len(listed):
        raise ValueError(f"{owner}: names: expected each once, found {list(listed)}")
    return listed
