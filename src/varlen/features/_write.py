"""Writing a SequenceExample from lists and arrays, in one call."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from varlen.errors import FeatureError

from ._kinds import FIELDS, field_name, float32, int64, string
from ._messages import SequenceExample

_TYPES_OF_FIELDS = (
    ((int, np.integer, np.bool_), FIELDS[int64]),
    ((float, np.floating), FIELDS[float32]),
    ((str, bytes), FIELDS[string]),
)
_SMALLEST, _LARGEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


class _Values(NamedTuple):
    """The values of one Feature message, and its field; None if there is nothing to tell it by."""

    field: str | None
    values: list[Any]


def sequence_example(
    context: Mapping[str, Any] | None = None, sequences: Mapping[str, Any] | None = None
) -> bytes:
    """A serialized SequenceExample.

    The kind of a feature follows from its values: whole numbers and booleans are stored as int64,
    floats as float32, text as the bytes of its UTF-8, and bytes as they are. One feature holds one
    kind. Arrays (anything with `__array__`) may stand for lists, and their scalars for Python's.

    Args:
        context: by name, a value or a list of values; an array of more dimensions is stored row
            by row. An empty list says nothing about its kind, and reads as a missing feature
            does; an empty array has its dtype's.
        sequences: by name, a list of steps, or an array whose first axis is time. A step is a
            value, or a list or array of values, as many as you like. A list without steps is a
            sequence of length 0.

    Returns:
        Bytes that depend on the values alone: features are stored sorted by name.

    Raises:
        TypeError: a value that no feature can hold, such as None, or a sequence that is no list.
        FeatureError: values of several kinds in one feature, an integer beyond int64, or a float
            beyond float32.
    """
    message = SequenceExample()
    for name, value in (context or {}).items():
        _fill(message.context.feature[name], _read(value, f"context.{name}"), f"context.{name}")
    for name, value in (sequences or {}).items():
        at = f"feature_lists.{name}"
        steps = _of_one_kind([_read(step, at) for step in _steps(value, at)], at)
        feature_list = message.feature_lists.feature_list[name]
        for number, step in enumerate(steps):
            _fill(feature_list.feature.add(), step, f"{at}[{number}]")
    return bytes(message.SerializeToString(deterministic=True))


def _steps(value: Any, at: str) -> list[Any]:
    if _is_array(value):
        array = np.asarray(value)
        if array.ndim:
            return array.tolist() if array.ndim == 1 else list(array)
    if not isinstance(value, list | tuple):
        raise TypeError(f"{at}: expected a list of steps, found {type(value).__name__}")
    return list(value)


def _read(value: Any, at: str) -> _Values:
    if _is_array(value):
        array = np.asarray(value)
        if array.dtype != object:
            return _Values(_field_of_type(array.dtype.type, at), array.ravel().tolist())
    leaves = _leaves(value)
    kinds = _of_one_kind([_Values(_field_of_type(t, at), []) for t in set(map(type, leaves))], at)
    return _Values(kinds[0].field if kinds else None, leaves)


def _leaves(value: Any) -> list[Any]:
    """The scalars in lists of lists and arrays, one after the other."""
    if _is_array(value):
        value = np.asarray(value).tolist()
    if not isinstance(value, list | tuple):
        return [value]
    if not any(isinstance(item, list | tuple) or _is_array(item) for item in value):
        return list(value)
    return [leaf for item in value for leaf in _leaves(item)]


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") and not isinstance(value, np.generic)


def _field_of_type(of: type, at: str) -> str:
    for types, field in _TYPES_OF_FIELDS:
        if issubclass(of, types):
            return field
    raise TypeError(f"{at}: expected numbers, text or bytes, found {of.__name__}")


def _of_one_kind(parts: list[_Values], at: str) -> list[_Values]:
    """The parts, those without a kind of their own with that of the others."""
    fields = {part.field for part in parts} - {None}
    if len(fields) > 1:
        found = " and ".join(sorted(field_name(field) for field in fields))
        raise FeatureError(f"expected values of one kind, found {found}", at=at)
    field = next(iter(fields), None)
    return [part._replace(field=field) for part in parts]


def _fill(feature: Any, given: _Values, at: str) -> None:
    field, values = given
    if field is None:
        return
    if field == FIELDS[int64]:
        values = list(map(int, values))
        for value in values:
            if not _SMALLEST <= value <= _LARGEST:
                raise FeatureError(f"expected an integer that fits int64, found {value}", at=at)
    elif field == FIELDS[float32]:
        values = _as_float32(values, at)
    else:
        values = [value.encode() if isinstance(value, str) else value for value in values]
    chosen = getattr(feature, field)
    chosen.SetInParent()  # a list without values is there nevertheless
    chosen.value.extend(values)


def _as_float32(values: list[Any], at: str) -> list[float]:
    exact = np.array(values, np.float64)
    with np.errstate(over="ignore"):
        rounded = exact.astype(np.float32)
    overflow = np.isinf(rounded) & np.isfinite(exact)
    if overflow.any():
        found = exact[overflow][0]
        raise FeatureError(f"expected a number that fits float32, found {found}", at=at)
    return list(rounded.tolist())
