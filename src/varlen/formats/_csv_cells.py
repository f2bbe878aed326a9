"""What the cells of a column are: found in all of them first, and then applied to each."""

import json
import re
from collections.abc import Callable
from typing import Any

from varlen.errors import FeatureError

from ._kinds import quote

# A number with a zero in front, such as 007, is a name, and so is an integer beyond int64.
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)
_NUMBER = re.compile(
    r"[-+]?((0|[1-9]\d*)(\.\d*)?|\.\d+)(e[-+]?\d+)?|[-+]?(nan|inf|infinity)",
    re.ASCII | re.IGNORECASE,
)
_LONG_INTEGER = re.compile(r"-?\d{19,}", re.ASCII)

Convert = Callable[[str], Any]


class Column:
    """A column, of which cells are looked at.

    Its cells are lists if the first one that is not empty is a list in JSON notation; otherwise
    integers if all of them are, or else numbers if all of them are, or else text.

    Args:
        is_words: its cells are words with spaces between instead.
    """

    def __init__(self, *, is_words: bool) -> None:
        self._kind = "words" if is_words else ""
        self._place = ""

    def look_at(self, cell: str, place: str) -> None:
        """Takes a cell into account.

        Raises:
            FeatureError: it is no list, and the first one was.
        """
        if not cell or self._kind in ("string", "words"):
            return
        if not self._kind:
            self._place = place
            self._kind = "integer" if _list(cell) is None else "list"
        if self._kind == "list":
            if _list(cell) is None:
                raise FeatureError(
                    f"expected a list in JSON notation as in {self._place}, found {quote(cell)}",
                    at=place,
                )
        elif not (self._kind == "integer" and _INTEGER.fullmatch(cell)):
            is_number = _NUMBER.fullmatch(cell) and not _LONG_INTEGER.fullmatch(cell)
            self._kind = "number" if is_number else "string"

    @property
    def is_list(self) -> bool:
        return self._kind in ("list", "words")

    @property
    def is_text(self) -> bool:
        return self._kind in ("string", "")

    @property
    def convert(self) -> Convert:
        """What makes a value of a cell that is not empty."""
        return _CONVERSIONS[self._kind]


def _list(cell: str) -> list[Any] | None:
    if not cell.startswith("["):
        return None
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


_CONVERSIONS: dict[str, Convert] = {
    "": str,
    "string": str,
    "words": str.split,
    "list": json.loads,
    "integer": int,
    "number": float,
}
