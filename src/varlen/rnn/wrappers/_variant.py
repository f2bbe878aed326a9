"""Cells that differ from another in one method and share its parameters, for a run or a step."""

from functools import cache
from typing import Any, TypeVar

from varlen.rnn._recurrent import RecurrentCell

C = TypeVar("C", bound=RecurrentCell)


def variant(cell: C, change: type[Any], **attributes: Any) -> C:
    """A cell like `cell`, with its parameters, but with the methods of `change`.

    Args:
        cell: it stays as it is.
        change: a subclass of `RecurrentCell`. Its methods reach those of the cell with `super()`.
        attributes: what these methods read. Its `not_settings` are no part of a program.
    """
    types: tuple[Any, Any] = (type(cell), change)
    result: C = object.__new__(_changed(*types))  # a parametrised module refuses copy.copy
    vars(result).update(vars(cell) | attributes)
    return result


@cache
def _changed(cell: Any, change: Any) -> Any:
    unread = cell.not_settings | change.not_settings
    return type(cell.__name__, (change, cell), {"not_settings": unread})
