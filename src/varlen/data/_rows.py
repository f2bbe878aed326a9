"""Rows of a batch: how many there are, some of them, and batches divided among several takers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from varlen.data._record_batch import RecordBatch
from varlen.sequences import JaggedSequence, PaddedSequence, SparseValues


def num_rows(batch: Any) -> int:
    """How many examples a batch has.

    Raises:
        TypeError: not a batch, which is a dict of features or a RecordBatch.
    """
    if isinstance(batch, RecordBatch):
        return len(batch)
    if not isinstance(batch, Mapping) or not batch:
        raise TypeError(
            f"expected a batch, a dict of features, to divide its rows, found "
            f"{type(batch).__name__}"
        )
    value = next(iter(batch.values()))
    if isinstance(value, SparseValues):
        return int(value.dense_shape[0])
    return len(value.lengths if isinstance(value, JaggedSequence | PaddedSequence) else value)


def take_rows(batch: Any, begin: int, end: int) -> Any:
    """The batch of the rows from `begin` up to, and without, `end`."""
    if isinstance(batch, RecordBatch):
        return batch.rows(begin, end)
    return {name: _rows_of(value, begin, end) for name, value in batch.items()}


def divide(batches: Sequence[Any], parts: int) -> list[Any]:
    """Gives the rows of fewer batches than parts to all parts, in order, as evenly as may be.

    A batch goes to as many parts as come to it, so that no part is larger than its batch was. Only
    where there are fewer rows than parts, some parts are batches without rows.
    """
    shares = _shares([num_rows(batch) for batch in batches], parts)
    divided = []
    for batch, share in zip(batches, shares, strict=True):
        bounds = [num_rows(batch) * i // share for i in range(share + 1)]
        divided += [take_rows(batch, *bounds[i : i + 2]) for i in range(share)]
    return divided


def _shares(sizes: Sequence[int], parts: int) -> list[int]:
    """How many parts each batch is cut into: one at least, the largest pieces are cut first."""
    shares = [1] * len(sizes)
    for _ in range(parts - len(sizes)):
        pieces = [size / share for size, share in zip(sizes, shares, strict=True)]
        shares[pieces.index(max(pieces))] += 1
    return shares


def _rows_of(value: Any, begin: int, end: int) -> Any:
    if isinstance(value, JaggedSequence):
        first, last = int(value.lengths[:begin].sum()), int(value.lengths[:end].sum())
        return JaggedSequence(value.values[first:last], value.lengths[begin:end])
    if isinstance(value, PaddedSequence):
        return PaddedSequence(value.data[begin:end], value.lengths[begin:end])
    if isinstance(value, SparseValues):
        rows = value.indices[:, 0]
        kept = (rows >= begin) & (rows < end)
        indices = value.indices[kept]
        indices[:, 0] -= begin
        shape = np.array([end - begin, *value.dense_shape[1:]], np.int64)
        return SparseValues(indices, value.values[kept], shape)
    return value[begin:end]
