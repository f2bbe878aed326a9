"""The values of columns of Arrow."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.errors import FeatureError

from ._arrow import pyarrow

Place = Callable[[int], str]


def check_type(of: Any, place: str) -> bool:
    """Whether a column of this type is a sequence.

    Raises:
        FeatureError: no feature can hold such values.
    """
    depth, leaf = 0, of
    while depth < 2 and _is_list(leaf):
        depth, leaf = depth + 1, leaf.value_type
    if not _is_scalar(leaf):
        raise FeatureError(
            "expected integers, floats, booleans, text or bytes, or lists or lists of lists of "
            f"these, found {of}",
            at=place,
            hint="leave this column out, or store it as numbers or text",
        )
    return depth > 0


def column_values(column: Any, place: Place) -> list[Any]:
    """The value of each row, None where it is null.

    Args:
        column: an array of a type that has been checked.
        place: where a row is, by its number.

    Raises:
        FeatureError: there is a null in a list.
    """
    if not _is_list(column.type):
        return list(_decoded(column).to_pylist())
    outer = _lists(column)
    if not _is_list(outer.items.type):
        _refuse_nulls(outer.items, [outer], place)
        return _cut(_flat(outer.items), outer)
    inner = _lists(outer.items)
    _refuse_nulls(outer.items, [outer], place)
    _refuse_nulls(inner.items, [outer, inner], place)
    flat = _flat(inner.items)
    if inner.size is not None and isinstance(flat, np.ndarray):
        return _cut(flat[: len(outer.items) * inner.size].reshape(-1, inner.size), outer)
    return _cut(_cut(flat, inner), outer)


class _Lists(NamedTuple):
    """Rows that are lists.

    Attributes:
        items: those of all rows.
        offsets: `[rows + 1]`, where each row begins in `items`.
        valid: `[rows]`, whether a row is no null.
        size: how many items each row has, if that is always the same.
    """

    items: Any
    offsets: npt.NDArray[np.int64]
    valid: npt.NDArray[np.bool_]
    size: int | None


def _lists(column: Any) -> _Lists:
    arrow = pyarrow()
    valid = np.asarray(column.is_valid())
    if arrow.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        items = column.values.slice(column.offset * size, len(column) * size)
        return _Lists(items, np.arange(len(column) + 1) * size, valid, size)
    offsets = column.offsets.to_numpy().astype(np.int64)
    items = column.values.slice(offsets[0], offsets[-1] - offsets[0])
    return _Lists(items, offsets - offsets[0], valid, None)


def _cut(items: Any, lists: _Lists) -> list[Any]:
    ends = lists.offsets.tolist()
    return [
        items[begin:end] if valid else None
        for begin, end, valid in zip(ends[:-1], ends[1:], lists.valid.tolist(), strict=True)
    ]


def _refuse_nulls(items: Any, around: list[_Lists], place: Place) -> None:
    """Refuses a null among the items of rows, except in what a null row has in its stead."""
    if not items.null_count:
        return
    for number in np.flatnonzero(~np.asarray(items.is_valid())).tolist():
        owner = number
        for lists in reversed(around):
            owner = int(np.searchsorted(lists.offsets, owner, side="right")) - 1
            if not lists.valid[owner]:
                break
        else:
            step = number - int(around[0].offsets[owner]) if len(around) == 1 else None
            at = place(owner) if step is None else f"{place(owner)}, step {step}"
            raise FeatureError(
                "expected a value in the list, found null",
                at=at,
                hint="a row may have null in place of a list, but a list has no missing steps",
            )


def _flat(items: Any) -> Any:
    """Values one after the other: an array of numbers, or a list of text or bytes."""
    arrow = pyarrow()
    items = _decoded(items)
    if arrow.types.is_integer(items.type) or arrow.types.is_boolean(items.type):
        # With nulls, which only stand where nobody looks, integers would become floats.
        filler = False if arrow.types.is_boolean(items.type) else 0
        return items.fill_null(filler).to_numpy(zero_copy_only=False)
    if arrow.types.is_floating(items.type):
        return items.to_numpy(zero_copy_only=False)
    return items.to_pylist()


def _decoded(items: Any) -> Any:
    is_coded = pyarrow().types.is_dictionary(items.type)
    return items.dictionary_decode() if is_coded else items


def _is_list(of: Any) -> bool:
    types = pyarrow().types
    return bool(types.is_list(of) or types.is_large_list(of) or types.is_fixed_size_list(of))


def _is_scalar(of: Any) -> bool:
    types = pyarrow().types
    if types.is_dictionary(of):
        of = of.value_type
    return any(
        is_type(of)
        for is_type in (
            types.is_integer,
            types.is_floating,
            types.is_boolean,
            types.is_string,
            types.is_large_string,
            types.is_string_view,
            types.is_binary,
            types.is_large_binary,
            types.is_fixed_size_binary,
            types.is_binary_view,
            types.is_null,
        )
    )
