"""The three kinds of values that a feature can hold."""

from typing import Any, Final

import numpy as np

int64: Final = np.dtype(np.int64)
float32: Final = np.dtype(np.float32)
# Byte strings of any length; NumPy has no dtype of its own that keeps zeros at their end.
string: Final = np.dtype(object)

KINDS: Final = (int64, float32, string)

# The field of a Feature message that holds each kind.
FIELDS: Final = {int64: "int64_list", float32: "float_list", string: "bytes_list"}

# Its number.
FIELD_NUMBERS: Final = {string: 1, float32: 2, int64: 3}

_NAMES = {int64: "int64", float32: "float32", string: "string"}
_KINDS: dict[str, np.dtype[Any]] = {
    "int64": int64,
    "int": int64,
    "float32": float32,
    "string": string,
    "bytes": string,
    "str": string,
    "bytes_": string,
    "str_": string,
    "object": string,
}


def as_kind(dtype: Any) -> np.dtype[Any]:
    """`int64`, `float32` or `string`, from whatever else calls it so.

    NumPy's and torch's dtypes, their names, and `int`, `bytes` and `str` will do.

    Raises:
        TypeError: a feature cannot hold values of this type.
    """
    name = dtype.__name__ if isinstance(dtype, type) else str(dtype).removeprefix("torch.")
    if name not in _KINDS:
        raise TypeError(f"dtype: expected int64, float32 or string, found {name}")
    return _KINDS[name]


def kind_name(kind: np.dtype[Any]) -> str:
    """The name that messages use, and the constant of this module."""
    return _NAMES[kind]


def field_name(field: str | None) -> str:
    """The name of the kind that a field of a Feature message holds."""
    for kind, its_field in FIELDS.items():
        if its_field == field:
            return _NAMES[kind]
    return "no kind"
