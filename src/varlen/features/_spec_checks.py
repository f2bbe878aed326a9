"""What the specifications check when they are made, and how they print."""

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from ._kinds import KINDS, float32, int64, kind_name, string

_DEFAULT_TYPES: dict[np.dtype[Any], tuple[type, ...]] = {
    int64: (int, np.integer),
    float32: (int, float, np.integer, np.floating),
    string: (str, bytes),
}
# Plain numbers: NumPy would round what is compared with its own.
_LIMITS = {
    int64: (int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)),
    float32: (float(np.finfo(np.float32).min), float(np.finfo(np.float32).max)),
}


def assign(spec: Any, name: str, value: Any) -> None:
    object.__setattr__(spec, name, value)  # the instance is frozen, but not yet finished


def checked_shape(shape: Any) -> tuple[int, ...]:
    if isinstance(shape, str | bytes) or not isinstance(shape, Sequence):
        raise TypeError(f"shape: expected a list or tuple of sizes, found {shape!r}")
    for size in shape:
        if size is None:
            raise ValueError(f"shape: expected sizes that are all known, found {list(shape)}")
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            raise TypeError(f"shape: expected whole numbers, found {size!r}")
        if size < 0:
            raise ValueError(f"shape: expected sizes that are all known, found {size}")
    return tuple(int(size) for size in shape)


def checked_integer(argument: str, value: Any, *, at_least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{argument}: expected a whole number, found {value!r}")
    if value < at_least:
        raise ValueError(f"{argument}: expected at least {at_least}, found {value}")
    return int(value)


def checked_default(value: Any, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """The default in its kind. An int will do for a float, and text for the bytes of its UTF-8."""
    found = np.array(value, object)
    items = found.ravel().tolist()
    for item in items:
        if isinstance(item, bool | np.bool_) or not isinstance(item, _DEFAULT_TYPES[kind]):
            raise TypeError(f"default_value: expected {kind_name(kind)}, found {item!r}")
        if not _fits(item, kind):
            raise ValueError(f"default_value: expected {kind_name(kind)}, found {item!r}")
    if kind == string:
        items = [item.encode() if isinstance(item, str) else item for item in items]
    return np.array(items, kind).reshape(found.shape)


def _fits(item: Any, kind: np.dtype[Any]) -> bool:
    if kind == string or (isinstance(item, float) and not math.isfinite(item)):
        return True
    lowest, highest = _LIMITS[kind]
    return bool(lowest <= item <= highest)


def as_tuples(nested: Any) -> Any:
    """Lists as tuples all the way down, so that a spec can be compared and hashed."""
    return tuple(map(as_tuples, nested)) if isinstance(nested, list) else nested


def call_text(spec: Any) -> str:
    """The call that makes a spec, without the arguments that were left alone."""
    arguments = [
        f"{field.name}={_argument(getattr(spec, field.name))}"
        for field in fields(spec)
        if field.name in ("shape", "dtype") or getattr(spec, field.name) != field.default
    ]
    return f"{type(spec).__name__}({', '.join(arguments)})"


def _argument(value: Any) -> str:
    if not isinstance(value, np.dtype):
        return repr(value)
    return kind_name(value) if value in KINDS else str(value)
