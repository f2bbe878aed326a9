"""What a caller gives as values of a feature: told what kind it is, and brought into that kind."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.errors import FeatureError

from ._checks import encode_text
from ._kinds import float32, int64, kind_name, string

_TYPES_OF_KINDS = (
    ((int, np.integer, np.bool_), int64),
    ((float, np.floating), float32),
    ((str, bytes), string),
)
_SMALLEST, _LARGEST = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)

Kind = np.dtype[Any]


class Values(NamedTuple):
    """Scalars one after the other, as given.

    Attributes:
        kind: theirs; None if there are none, and no dtype to tell it by.
        flat: a list, or an array of one dimension.
    """

    kind: Kind | None
    flat: list[Any] | npt.NDArray[Any]


def read_values(value: Any, at: str) -> Values:
    """The scalars in a value, an array, or lists of these.

    Raises:
        TypeError: a scalar that no feature can hold.
        FeatureError: scalars of several kinds.
    """
    if is_array(value):
        array = np.asarray(value)
        if array.dtype != object:
            return Values(_kind_of_type(array.dtype.type, at), array.ravel())
    leaves = _leaves(value)
    return Values(one_kind((_kind_of_type(t, at) for t in set(map(type, leaves))), at), leaves)


def is_array(value: Any) -> bool:
    """Whether it is an array of any library, and no scalar."""
    return hasattr(value, "__array__") and not isinstance(value, np.generic)


def is_scalar(of: type) -> bool:
    """Whether values of a type are single values of a feature."""
    return any(issubclass(of, types) for types, _ in _TYPES_OF_KINDS)


def one_kind(kinds: Iterable[Kind | None], at: str) -> Kind | None:
    """The kind of all parts of one feature that have one.

    Raises:
        FeatureError: there are several.
    """
    found = {kind_name(kind): kind for kind in kinds if kind is not None}
    if len(found) > 1:
        names = " and ".join(sorted(found))
        raise FeatureError(f"expected values of one kind, found {names}", at=at)
    return next(iter(found.values()), None)


def joined(parts: list[Values]) -> list[Any] | npt.NDArray[Any]:
    """The scalars of all parts, one part after the other."""
    if len(parts) == 1:
        return parts[0].flat
    if parts and all(isinstance(part.flat, np.ndarray) for part in parts):
        return np.concatenate([part.flat for part in parts])
    return list(chain.from_iterable(part.flat for part in parts))


def converted(
    kind: Kind | None, flat: list[Any] | npt.NDArray[Any], place: Callable[[int], str]
) -> npt.NDArray[Any] | list[bytes]:
    """The scalars as an int64 or float32 array, or a list of bytes.

    Args:
        kind: theirs; None if there are none.
        flat: the scalars.
        place: where the scalar of this number stands, for error messages.

    Raises:
        FeatureError: an integer beyond int64, or a number beyond float32.
    """
    if kind == int64:
        return _as_int64(flat, place)
    if kind == float32:
        return _as_float32(flat, place)
    return _as_bytes(flat, place)


def _leaves(value: Any) -> list[Any]:
    """The scalars in lists of lists and arrays, one after the other."""
    if is_array(value):
        value = np.asarray(value).tolist()
    if not isinstance(value, list | tuple):
        return [value]
    if all(map(is_scalar, set(map(type, value)))):
        return list(value)
    return [leaf for item in value for leaf in _leaves(item)]


def _kind_of_type(of: type, at: str) -> Kind:
    for types, kind in _TYPES_OF_KINDS:
        if issubclass(of, types):
            return kind
    raise TypeError(f"{at}: expected numbers, text or bytes, found {of.__name__}")


def _as_bytes(flat: list[Any] | npt.NDArray[Any], place: Callable[[int], str]) -> list[bytes]:
    try:
        return [value.encode() if isinstance(value, str) else bytes(value) for value in flat]
    except UnicodeEncodeError:
        # The place of each value is looked for only here, since that takes long.
        return [
            encode_text(value, place(number)) if isinstance(value, str) else bytes(value)
            for number, value in enumerate(flat)
        ]


def _as_int64(
    flat: list[Any] | npt.NDArray[Any], place: Callable[[int], str]
) -> npt.NDArray[np.int64]:
    if isinstance(flat, np.ndarray) and np.can_cast(flat.dtype, np.int64):
        return np.ascontiguousarray(flat, np.int64)
    integers = list(map(int, flat))  # NumPy would wrap its own unsigned integers around
    try:
        return np.array(integers, np.int64)
    except OverflowError:
        for number, value in enumerate(integers):
            if not _SMALLEST <= value <= _LARGEST:
                raise FeatureError(
                    f"expected an integer that fits int64, found {value}", at=place(number)
                ) from None
        raise


def _as_float32(
    flat: list[Any] | npt.NDArray[Any], place: Callable[[int], str]
) -> npt.NDArray[np.float32]:
    if isinstance(flat, np.ndarray) and np.can_cast(flat.dtype, np.float32):
        return np.ascontiguousarray(flat, np.float32)
    exact = np.array(flat, np.float64)
    with np.errstate(over="ignore"):
        rounded = exact.astype(np.float32)
    overflow = np.isinf(rounded) & np.isfinite(exact)
    if overflow.any():
        number = int(np.flatnonzero(overflow)[0])
        raise FeatureError(
            f"expected a number that fits float32, found {exact[number]}", at=place(number)
        )
    return rounded
