"""Values side by side: one array per value in, one block with a batch axis out."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Place = Callable[[int], str]

_OF_NOTHING = (np.dtype(np.float64), np.dtype(object))


def as_array(value: Any, place: Place, number: int) -> Array:
    """An array of a number, a string, an array, a CPU tensor or a regular nested list of those.

    Strings, of bytes or of text, become arrays of objects.

    Raises:
        ValueError: lists of unequal length within each other.
    """
    try:
        array = np.asarray(value)
        if array.dtype.kind in "SU":
            # NumPy's own strings lose zeros at the end, and have as many types as lengths.
            array = np.asarray(value, object)
    except ValueError as error:
        raise ValueError(
            f"{place(number)}: expected values of a regular shape ({error})"
        ) from error
    return array


def joint_dtype(arrays: Sequence[Array], place: Place) -> np.dtype[Any] | None:
    """The dtype that all arrays share; None if they are empty and of no known type.

    An empty array of float64 has no say, since that is what NumPy makes of an empty list; nor has
    one of objects where there are others, since that is what others make of it.

    Raises:
        TypeError: two dtypes; the message names the places of both.
    """
    typed = [i for i, array in enumerate(arrays) if array.size or array.dtype not in _OF_NOTHING]
    typed = typed or [i for i, array in enumerate(arrays) if array.dtype == object]
    for i in typed:
        if arrays[i].dtype != arrays[typed[0]].dtype:
            raise TypeError(
                f"{place(i)}: expected {arrays[typed[0]].dtype}, as in {place(typed[0])}, "
                f"found {arrays[i].dtype}"
            )
    return arrays[typed[0]].dtype if typed else None


def stack_equal(
    arrays: Sequence[Array], dtype: np.dtype[Any] | None, place: Place, *, hint: str
) -> Array:
    """The block of arrays of one shape, in `dtype`, or None for their own.

    Raises:
        ValueError: two shapes; the message names the places of both and ends with `hint`.
    """
    for i, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise ValueError(
                f"{place(i)}: expected shape {arrays[0].shape}, as in {place(0)}, "
                f"found {array.shape}; {hint}"
            )
    return np.stack(arrays).astype(dtype or arrays[0].dtype, copy=False)


def stack_padded(
    arrays: Sequence[Array],
    dtype: np.dtype[Any] | None,
    place: Place,
    shape: tuple[int, ...] | None = None,
    value: Any = None,
) -> Array:
    """The block of arrays of one rank, each padded on the high side.

    Args:
        arrays: one for each row.
        dtype: of the block; None takes theirs.
        place: names a row in messages.
        shape: of a row of the block, at least as large as the largest array, as which it is by
            default.
        value: what an array has not; by default 0, False or an empty string.

    Raises:
        ValueError: two ranks; the message names the places of both.
    """
    for i, array in enumerate(arrays):
        if array.ndim != arrays[0].ndim:
            raise ValueError(
                f"{place(i)}: expected rank {arrays[0].ndim}, as in {place(0)}, "
                f"found rank {array.ndim} (shape {array.shape})"
            )
    if shape is None:
        shape = tuple(map(max, zip(*(array.shape for array in arrays), strict=True)))
    dtype = dtype or arrays[0].dtype
    value = default_padding(dtype, arrays) if value is None else value
    block = np.full((len(arrays), *shape), value, dtype)
    for i, array in enumerate(arrays):
        corner: list[Any] = [slice(size) for size in array.shape]
        # The dots make this a block of no dimension, not an item, where an array has none: an item
        # of objects would hold the array instead of its string.
        block[(i, *corner, ...)] = array
    return block


def default_padding(dtype: np.dtype[Any], arrays: Sequence[Array]) -> Any:
    """0 or False, or the empty string of the kind, bytes or text, that the arrays hold."""
    if dtype.kind != "O":
        return 0
    sample = next((item for array in arrays for item in array.flat), b"")
    return "" if isinstance(sample, str) else b""


def is_padding_for(value: Any, dtype: np.dtype[Any]) -> bool:
    """Whether a padding value keeps its meaning in an array of `dtype`."""
    if isinstance(value, str | bytes) or dtype.kind == "O":
        return isinstance(value, str | bytes) and dtype.kind == "O"
    return bool(np.result_type(dtype, value) == dtype)
