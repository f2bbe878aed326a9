"""From columns to ragged values, by the partitions of a RaggedFeature.

Partitions are applied innermost first. At each moment there are *units*: at first the values, then
the rows that the last partition made of them; `bounds[i]` is the first unit of message i.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.errors import FeatureError
from varlen.sequences import RaggedValues

from ._assemble import counts
from ._combined_specs import (
    KeyedPartition,
    RaggedFeature,
    RowLengths,
    RowLimits,
    RowSplits,
    RowStarts,
    UniformRowLength,
)
from ._requests import Column, Place, Request, bad_feature

_Int64s = npt.NDArray[np.int64]

# Row ids may leave rows empty, and each costs memory though no byte of the message stands for it.
_MOST_ROWS_WITHOUT_VALUES = 1 << 20


def ragged(
    columns: Sequence[Column],
    requests: Sequence[Request],
    spec: RaggedFeature,
    place: Place,
    *,
    batched: bool,
) -> RaggedValues | npt.NDArray[Any]:
    """The values of a batch in rows; the batch itself is the outermost ragged dimension.

    Args:
        columns: of the values, and of every partition that is read from a feature, in order.
        requests: those that the columns answer.
        spec: the specification.
        place: where a message came from, by its number.
        batched: False for a batch of one message, from which the batch's dimension is then left
            out. What has no ragged dimension left is an array.

    Raises:
        FeatureError: rows that cannot be; with `spec.validate` also rows that do not cover exactly
            the values.
    """
    flat: npt.NDArray[Any] = columns[0].values
    bounds = _splits_of(counts(columns[0]))
    splits: list[_Int64s] = []
    keyed = list(zip(columns[1:], requests[1:], strict=True))
    for partition in reversed(spec.partitions):
        if isinstance(partition, UniformRowLength):
            _check_uniform(bounds, partition.length, requests[0], place)
            if splits:
                splits.append(np.arange(0, bounds[-1] + 1, partition.length))
            else:
                flat = flat.reshape(-1, partition.length, *flat.shape[1:])
            bounds = bounds // partition.length
            continue
        column, request = keyed.pop()
        if spec.validate:
            _check_rows(partition, column, bounds, request, place)
        made, num_rows = _rows(partition, column, bounds, request, place)
        is_as_stored = isinstance(partition, RowSplits) and not batched
        splits.append(column.values if is_as_stored else made)
        bounds = _splits_of(num_rows)
    if batched:
        splits.append(bounds)
    if not splits:
        return flat
    return RaggedValues(flat, tuple(s.astype(spec.row_splits_dtype) for s in reversed(splits)))


def _rows(
    partition: KeyedPartition, column: Column, bounds: _Int64s, request: Request, place: Place
) -> tuple[_Int64s, _Int64s]:
    """The row splits over all units of the batch, and how many rows each message has."""
    numbers, sizes = column.values, counts(column)
    starts = bounds[:-1]
    if isinstance(partition, RowLengths):
        return _splits_of(numbers), sizes
    if isinstance(partition, RowStarts):
        return np.append(numbers + np.repeat(starts, sizes), bounds[-1:]), sizes
    if isinstance(partition, RowSplits):
        # Each message's first split is the start of its first row, which the others imply.
        numbers = np.delete(numbers, (sizes.cumsum() - sizes)[sizes > 0])
        sizes = np.maximum(sizes - 1, 0)
    if isinstance(partition, RowSplits | RowLimits):
        return np.append([0], numbers + np.repeat(starts, sizes)), sizes
    num_rows = _rows_by_ids(column, request, place)
    first_rows = num_rows.cumsum() - num_rows
    rows = numbers + np.repeat(first_rows, sizes)
    return _splits_of(np.bincount(rows, minlength=num_rows.sum())), num_rows


def _rows_by_ids(column: Column, request: Request, place: Place) -> _Int64s:
    """How many rows the ids of each message make."""
    num_rows = np.zeros(len(column.lengths), np.int64)
    for number, ids in _by_message(column):
        if not len(ids):
            continue
        limit = len(ids) + _MOST_ROWS_WITHOUT_VALUES
        if ids.min() < 0 or ids.max() >= limit:
            raise bad_feature(
                request,
                f"expected row ids from 0 to {limit - 1}, found {ids.min()} to {ids.max()}",
                place(number),
            )
        num_rows[number] = ids.max() + 1
    return num_rows


def _check_uniform(bounds: _Int64s, length: int, request: Request, place: Place) -> None:
    odd = np.flatnonzero(np.diff(bounds) % length)
    if len(odd):
        number = int(odd[0])
        raise bad_feature(
            request,
            f"expected a multiple of {length}, to fill rows of that length, "
            f"found {np.diff(bounds)[number]}",
            place(number),
        )


def _check_rows(
    partition: KeyedPartition, column: Column, bounds: _Int64s, request: Request, place: Place
) -> None:
    """Checks that the rows of every message cover its units, each once and in order."""
    num_units = np.diff(bounds)
    for number, found in _by_message(column):
        units = int(num_units[number])
        if not _covers(partition, found, units):
            raise _does_not_cover(request, partition, found, units, place(number))


def _covers(partition: KeyedPartition, found: _Int64s, units: int) -> bool:
    if not len(found):
        return units == 0
    if isinstance(partition, RowLengths):
        return bool((found >= 0).all()) and int(found.sum()) == units
    rises = bool((np.diff(found) >= 0).all())
    first, last = int(found[0]), int(found[-1])
    if isinstance(partition, RowSplits):
        return rises and first == 0 and last == units
    if isinstance(partition, RowStarts):
        return rises and first == 0 and last <= units
    if isinstance(partition, RowLimits):
        return rises and first >= 0 and last == units
    return rises and first >= 0 and len(found) == units


def _does_not_cover(
    request: Request, partition: KeyedPartition, found: _Int64s, units: int, place: str | None
) -> FeatureError:
    shown = ", ".join(map(str, found[:8])) + (", ..." if len(found) > 8 else "")
    return bad_feature(
        request,
        f"expected {type(partition).__name__} that cover {units} values in order, found [{shown}]",
        place,
    )


def _by_message(column: Column) -> list[tuple[int, _Int64s]]:
    ends = counts(column).cumsum()[:-1]
    return list(enumerate(np.split(column.values, ends))) if len(column.lengths) else []


def _splits_of(lengths: _Int64s) -> _Int64s:
    """Where rows of these lengths begin, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
