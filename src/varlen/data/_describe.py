"""A stage in words, by which a state knows whether it is that of this pipeline."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def describe(value: Any) -> str:
    """The name of a stage and those of its arguments that are plain data, the same in every run.

    Functions and other objects are left out, as they have no name that would tell them apart, and
    fields that do not count when stages are compared (`compare=False`), as the size of a buffer.
    """
    return _of_dataclass(value) if is_dataclass(value) else type(value).__name__


def _of_dataclass(value: Any) -> str:
    compared = (field.name for field in fields(value) if field.compare)
    arguments = ((name, _plain(getattr(value, name))) for name in compared)
    said = ", ".join(f"{name}={text}" for name, text in arguments if text is not None)
    return f"{type(value).__name__}({said})"


def _plain(value: Any) -> str | None:
    """The text of plain data, and of what is made of it; None if there is anything else in it."""
    if isinstance(value, str | int | float | np.dtype):
        return repr(value)
    if is_dataclass(value) and not isinstance(value, type):
        return _of_dataclass(value)
    if isinstance(value, tuple | list):
        parts = [_plain(part) for part in value]
        return None if None in parts else f"({', '.join(map(str, parts))})"
    if isinstance(value, Mapping):
        named = [f"{name!r}: {_plain(part)}" for name, part in value.items()]
        return f"{{{', '.join(named)}}}"
    return None
