"""What a caller expects of a feature: its kind of values, its shape, and a default.

Names, arguments and meanings are those of TensorFlow 1.15.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._kinds import as_kind
from ._spec_checks import as_tuples, assign, call_text, checked_default, checked_shape


@dataclass(frozen=True, repr=False)
class FixedLenFeature:
    """A feature of the context that has exactly `prod(shape)` values.

    Attributes:
        shape: of the result; every size known.
        dtype: `int64`, `float32` or `string`, or NumPy's and torch's dtypes and names for them.
        default_value: stands in for a feature that is missing; None makes that an error. It is
            kept as (nested tuples of) plain numbers or bytes, and need only have as many values
            as `shape`.

    Raises:
        TypeError: a type that features do not have, or a default of another type.
        ValueError: a size that is unknown or negative, or a default that does not fit the shape
            or the type.
    """

    shape: Sequence[int]
    dtype: Any
    default_value: Any = None

    def __post_init__(self) -> None:
        assign(self, "dtype", as_kind(self.dtype))
        assign(self, "shape", checked_shape(self.shape))
        if self.default_value is not None:
            default = checked_default(self.default_value, self.dtype)
            if default.size != self.size:
                raise ValueError(
                    f"default_value: expected {self.size} values to fill shape {self.shape}, "
                    f"found {default.size}"
                )
            assign(self, "default_value", as_tuples(default.tolist()))

    @property
    def size(self) -> int:
        """How many values there are to be."""
        return math.prod(self.shape)

    def __repr__(self) -> str:
        return call_text(self)


@dataclass(frozen=True, repr=False)
class FixedLenSequenceFeature:
    """A feature list, every step of which has exactly `prod(shape)` values.

    For an Example, which has no lists: a feature of any number of rows of `prod(shape)` values.

    Attributes:
        shape: of one step; every size known.
        dtype: `int64`, `float32` or `string`, or NumPy's and torch's dtypes and names for them.
        allow_missing: a list that is absent then has no steps; otherwise it is an error. A list
            that is present without steps is always fine. For an Example it must be True.
        default_value: what the rows of a batch of Examples are padded with; None for 0 or b"". It
            must stay None for a feature list.

    Raises:
        TypeError: a type that features do not have, or a default of another type.
        ValueError: a size that is unknown or negative, or a default that is not a single value.
    """

    shape: Sequence[int]
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None

    def __post_init__(self) -> None:
        assign(self, "dtype", as_kind(self.dtype))
        assign(self, "shape", checked_shape(self.shape))
        if self.default_value is not None:
            default = checked_default(self.default_value, self.dtype)
            if default.size != 1:
                raise ValueError(
                    f"default_value: expected a single value, found {default.size} values"
                )
            assign(self, "default_value", default.item())

    @property
    def size(self) -> int:
        """How many values a step is to have."""
        return math.prod(self.shape)

    def __repr__(self) -> str:
        return call_text(self)


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
        assign(self, "dtype", as_kind(self.dtype))

    def __repr__(self) -> str:
        return call_text(self)


def default_array(spec: FixedLenFeature) -> npt.NDArray[Any]:
    """A new array of a spec's default value."""
    return np.array(spec.default_value, spec.dtype).reshape(tuple(spec.shape))
