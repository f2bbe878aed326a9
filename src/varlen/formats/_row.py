"""What every format is read into, and written from."""

from collections.abc import Callable
from typing import Any, NamedTuple

# Told how many more bytes of the files have been read.
Progress = Callable[[int], object]


class Row(NamedTuple):
    """What becomes a record, or was one.

    Attributes:
        context: by name, a value, or a list or array of values.
        sequences: by name, a list or array of steps; a step is a value, or a list or array of
            values.
        place: where it comes from, for error messages: file and line, row or byte.
        split: the part of the data to which it belongs, if the file says so.
    """

    context: dict[str, Any]
    sequences: dict[str, Any]
    place: str
    split: str | None = None
