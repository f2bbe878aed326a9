"""What a caller expects of a feature: its kind of values, its shape, and a default.

Names, arguments and meanings are those of TensorFlow 1.15.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from ._kinds import as_kind, float32, int64, kind_name, string

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


@dataclass(frozen=True, repr=False)
class FixedLenFeature:
    """A feature of the context that has exactly `prod(shape)` values.

    Attributes:
        shape: of the result; every size known.
        dtype: `int64`, `float32` or `string`, or NumPy's and torch's dtypes and names for them.
        default_value: stands in for a feature that is missing; None makes that an error. Its
            values are kept as (nested tuples of) plain numbers or bytes, in the given shape.

    Raises:
        TypeError: a type that features do not have, or a default of another type.
        ValueError: a size that is unknown or negative, or a default that does not fit the shape
            or the type.
    """

    shape: Sequence[int]
    dtype: Any
    default_value: Any = None

    def __post_init__(self) -> None:
        _set(self, "dtype", as_kind(self.dtype))
        _set(self, "shape", _checked_shape(self.shape))
        if self.default_value is not None:
            default = _checked_default(self.default_value, self.dtype)
            if default.size != self.size:
                raise ValueError(
                    f"default_value: expected {self.size} values to fill shape {self.shape}, "
                    f"found {default.size}"
                )
            _set(self, "default_value", _as_tuples(default.reshape(self.shape).tolist()))

    @property
    def size(self) -> int:
        """How many values there are to be."""
        return math.prod(self.shape)

    def __repr__(self) -> str:
        return _call(self)


@dataclass(frozen=True, repr=False)
class FixedLenSequenceFeature:
    """A feature list, every step of which has exactly `prod(shape)` values.

    Attributes:
        shape: of one step; every size known.
        dtype: `int64`, `float32` or `string`, or NumPy's and torch's dtypes and names for them.
        allow_missing: a list that is absent then has no steps; otherwise it is an error. A list
            that is present without steps is always fine.
        default_value: must stay None for a feature list, which has no padding.

    Raises:
        TypeError: a type that features do not have, or a default of another type.
        ValueError: a size that is unknown or negative, or a default that is not a single value.
    """

    shape: Sequence[int]
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None

    def __post_init__(self) -> None:
        _set(self, "dtype", as_kind(self.dtype))
        _set(self, "shape", _checked_shape(self.shape))
        if self.default_value is not None:
            default = _checked_default(self.default_value, self.dtype)
            if default.size != 1:
                raise ValueError(
                    f"default_value: expected a single value, found {default.size} values"
                )
            _set(self, "default_value", default.item())

    @property
    def size(self) -> int:
        """How many values a step is to have."""
        return math.prod(self.shape)

    def __repr__(self) -> str:
        return _call(self)


@dataclass(frozen=True, repr=False)
class VarLenFeature:
    """A feature of any number of values, none included. It is parsed into `SparseValues`.

    Attributes:
        dtype: `int64`, `float32` or `string`, or NumPy's and torch's dtypes and names for them.

    Raises:
        TypeError: a type that features do not have.
    """

    dtype: Any

    def __post_init__(self) -> None:
        _set(self, "dtype", as_kind(self.dtype))

    def __repr__(self) -> str:
        return _call(self)


def default_array(spec: FixedLenFeature) -> npt.NDArray[Any]:
    """A new array of a spec's default value."""
    return np.array(spec.default_value, spec.dtype).reshape(tuple(spec.shape))


def _set(spec: Any, name: str, value: Any) -> None:
    object.__setattr__(spec, name, value)  # the instance is frozen, but not yet finished


def _checked_shape(shape: Any) -> tuple[int, ...]:
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


def _checked_default(value: Any, kind: np.dtype[Any]) -> npt.NDArray[Any]:
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


def _as_tuples(nested: Any) -> Any:
    """Lists as tuples all the way down, so that a spec can be compared and hashed."""
    return tuple(map(_as_tuples, nested)) if isinstance(nested, list) else nested


def _call(spec: Any) -> str:
    """The call that makes the spec, without the arguments that were left alone."""
    arguments = [
        f"{field.name}={_argument(getattr(spec, field.name))}"
        for field in fields(spec)
        if field.name in ("shape", "dtype") or getattr(spec, field.name) != field.default
    ]
    return f"{type(spec).__name__}({', '.join(arguments)})"


def _argument(value: Any) -> str:
    return kind_name(value) if isinstance(value, np.dtype) else repr(value)
