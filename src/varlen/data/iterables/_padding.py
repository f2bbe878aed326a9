"""`padded_shapes` and `padding_values`, as tf.data has them: how large, and with what."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from varlen.data._stack import Array, Place, default_padding, is_padding_for
from varlen.errors import check_integer

Shape = tuple[int | None, ...]


class Padding:
    """Sizes and values for the components of elements.

    Both arguments have the structure of an element: a list or tuple if it is a tuple, a dict with
    the same names if it is a dict, otherwise a shape or a value alone.

    Args:
        owner: how the function is called in messages.
        shapes: by component; a size None or -1 is that of the largest element of a batch. None
            instead of a shape, or of all of them, leaves all sizes open.
        values: by component; None is 0, False or the empty string.
    """

    def __init__(self, owner: str, shapes: Any, values: Any) -> None:
        self._owner = owner
        self._shapes_argument = shapes
        self._values_argument = values
        self._shapes: Mapping[Any, Shape | None] | None = None
        self._values: Mapping[Any, Any] = {}

    def shape(
        self, key: Any, arrays: Sequence[Array], place: Place, steps: int | None
    ) -> tuple[int, ...]:
        """The shape to which the arrays of a component are to be padded.

        Args:
            key: the component.
            arrays: one for each element.
            place: names an element in messages.
            steps: the size that stands for open ones; None takes the largest there is. A
                component whose shape was not given has an open first axis then.

        Raises:
            ValueError: an element of another rank, or too large.
        """
        assert self._shapes is not None
        given = self._shapes[key]
        rank = arrays[0].ndim if given is None else len(given)
        for i, array in enumerate(arrays):
            if array.ndim != rank:
                wanted = "" if given is None else f" (padded_shapes: {list(given)})"
                raise ValueError(
                    f"{place(i)}: expected rank {rank}{wanted}, found shape {array.shape}"
                )
        largest = tuple(map(max, zip(*(a.shape for a in arrays), strict=True)))
        if given is None:
            shape = largest if steps is None or not rank else (steps, *largest[1:])
        else:
            open_sizes = largest if steps is None else (steps,) * rank
            shape = tuple(o if g is None else g for g, o in zip(given, open_sizes, strict=True))
        for i, array in enumerate(arrays):
            if any(size > most for size, most in zip(array.shape, shape, strict=True)):
                raise ValueError(
                    f"{place(i)}: expected at most shape {shape}, to which it is to be padded, "
                    f"found {array.shape}"
                )
        return shape

    def value(self, key: Any, dtype: np.dtype[Any], arrays: Sequence[Array]) -> Any:
        """What to pad a component of `dtype` with.

        Raises:
            TypeError: a value of another type was given.
        """
        value = self._values[key]
        if value is None:
            return default_padding(dtype, arrays)
        if not is_padding_for(value, dtype):
            raise TypeError(
                f"{self._owner}: padding_values{_at(key)}: expected a value of {dtype}, "
                f"found {value!r}"
            )
        return _like(default_padding(dtype, arrays), value)

    def fit_to(self, keys: Sequence[Any]) -> None:
        """Takes the structure of the elements, when it is known.

        Raises:
            TypeError: an argument of another structure, or what is no shape.
            ValueError: not one for each component, or a negative size.
        """
        if self._shapes is None:
            shapes = self._by_component("padded_shapes", self._shapes_argument, keys)
            self._values = self._by_component("padding_values", self._values_argument, keys)
            self._shapes = {key: self._as_shape(key, shape) for key, shape in shapes.items()}

    def _by_component(self, name: str, given: Any, keys: Sequence[Any]) -> dict[Any, Any]:
        argument = f"{self._owner}: {name}"
        if given is None:
            return dict.fromkeys(keys)
        if keys[0] is None:
            return {None: given}
        if isinstance(keys[0], int):
            if not isinstance(given, list | tuple):
                raise TypeError(
                    f"{argument}: expected a list, since elements are tuples, found {given!r}"
                )
            given = dict(enumerate(given))
        if not isinstance(given, Mapping):
            raise TypeError(
                f"{argument}: expected a dict, since elements are dicts, found {given!r}"
            )
        if given.keys() != set(keys):
            raise ValueError(
                f"{argument}: expected one for each of the components {list(keys)}, "
                f"found {list(given)}"
            )
        return dict(given)

    def _as_shape(self, key: Any, shape: Any) -> Shape | None:
        if shape is None:
            return None
        argument = f"{self._owner}: padded_shapes{_at(key)}"
        if not isinstance(shape, list | tuple):
            raise TypeError(f"{argument}: expected a list of sizes, found {shape!r}")
        sizes = [None if size == -1 else size for size in shape]
        for size in sizes:
            if size is not None:
                check_integer(size, argument, at_least=0)
        return tuple(sizes)


def _like(default: Any, value: Any) -> Any:
    """A string as bytes or text, whichever the elements are: TensorFlow had bytes alone."""
    if isinstance(default, bytes) and isinstance(value, str):
        return value.encode()
    return value.decode() if isinstance(default, str) and isinstance(value, bytes) else value


def _at(key: Any) -> str:
    return "" if key is None else f"[{key!r}]"
