"""From columns to what the specifications promise: dense arrays, sparse values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from varlen.sequences import JaggedSequence, SparseValues, pad

from ._combined_specs import SparseFeature
from ._kinds import kind_name, string
from ._requests import Column, Place, Request, bad_feature
from ._specs import FixedLenFeature, FixedLenSequenceFeature, default_array


def counts(column: Column) -> npt.NDArray[np.int64]:
    """The lengths, 0 where a feature is missing."""
    return np.maximum(column.lengths, 0)


def fixed(column: Column, spec: FixedLenFeature) -> npt.NDArray[Any]:
    """`[batch, *shape]`, the default where the feature is missing."""
    shape = (len(column.lengths), *spec.shape)
    is_there = column.lengths >= 0
    values = column.values.reshape(np.count_nonzero(is_there), *spec.shape)
    if len(values) == len(column.lengths):
        return values
    dense = np.empty(shape, spec.dtype)
    dense[is_there] = values
    dense[~is_there] = default_array(spec)
    return dense


def steps(column: Column, spec: FixedLenSequenceFeature) -> JaggedSequence:
    """The rows of every message, `[rows of all messages, *shape]`."""
    lengths = counts(column)
    return JaggedSequence(column.values.reshape(lengths.sum(), *spec.shape), lengths)


def rows(
    column: Column, request: Request, spec: FixedLenSequenceFeature, place: Place
) -> npt.NDArray[Any]:
    """`[batch, most rows, *shape]` from a feature whose values fill any number of rows.

    Raises:
        FeatureError: the values of a message do not fill whole rows.
    """
    num_values = counts(column)
    odd = num_values % spec.size if spec.size else num_values
    if odd.any():
        number = int(np.flatnonzero(odd)[0])
        raise bad_feature(
            request,
            f"expected a multiple of {spec.size} {kind_name(spec.dtype)}, "
            f"found {num_values[number]}",
            place(number),
        )
    lengths = num_values // max(spec.size, 1)
    values = column.values.reshape(lengths.sum(), *spec.shape)
    filler = spec.default_value
    if filler is None:
        filler = b"" if spec.dtype == string else 0
    block: npt.NDArray[Any] = pad(JaggedSequence(values, lengths), padding_value=filler).data
    return block


def sparse(column: Column) -> SparseValues:
    """Values at `[message, number]`."""
    lengths = counts(column)
    return SparseValues(
        indices=np.stack([_owners(lengths), _numbers(lengths)], axis=1),
        values=column.values,
        dense_shape=np.array([len(lengths), lengths.max(initial=0)]),
    )


def sparse_steps(column: Column) -> SparseValues:
    """Values at `[message, step, number]`."""
    num_steps, sizes = counts(column), column.step_lengths
    messages = np.repeat(_owners(num_steps), sizes)
    numbers_of_steps = np.repeat(_numbers(num_steps), sizes)
    return SparseValues(
        indices=np.stack([messages, numbers_of_steps, _numbers(sizes)], axis=1),
        values=column.values,
        dense_shape=np.array([len(num_steps), num_steps.max(initial=0), sizes.max(initial=0)]),
    )


def each_fixed(column: Column, spec: FixedLenFeature) -> list[npt.NDArray[Any]]:
    """For every message, an array of the shape."""
    values = fixed(column, spec)
    return [values[number, ...] for number in range(len(values))]


def each_steps(column: Column, spec: FixedLenSequenceFeature) -> list[npt.NDArray[Any]]:
    """For every message, its rows, `[rows, *shape]`."""
    values, lengths = steps(column, spec)
    return _cut(values, lengths)


def each_sparse(column: Column) -> list[SparseValues]:
    """For every message, values at `[number]`."""
    lengths = counts(column)
    return _cut_sparse(sparse(column), lengths, lengths[:, None])


def each_sparse_steps(column: Column) -> list[SparseValues]:
    """For every message, values at `[step, number]`."""
    num_steps, sizes = counts(column), column.step_lengths
    owners = _owners(num_steps)
    longest = np.zeros(len(num_steps), np.int64)
    np.maximum.at(longest, owners, sizes)
    num_values = np.bincount(owners, sizes, len(num_steps)).astype(np.int64)
    return _cut_sparse(sparse_steps(column), num_values, np.stack([num_steps, longest], axis=1))


def at_positions(
    index_columns: Sequence[Column],
    values: Column,
    request: Request,
    spec: SparseFeature,
    place: Place,
) -> SparseValues:
    """Values at `[message, *position]`, sorted by position unless they are said to be.

    Raises:
        FeatureError: a message has not as many positions as values, or coordinates.
    """
    lengths = counts(index_columns[0])
    others = index_columns[1:] if spec.already_sorted else (*index_columns[1:], values)
    for other in others:
        differs = np.flatnonzero(counts(other) != lengths)
        if len(differs):
            number = int(differs[0])
            raise bad_feature(
                request,
                f"expected as many values as positions, found {counts(other)[number]} for "
                f"{lengths[number]}",
                place(number),
            )
    indices = np.stack([_owners(lengths), *(column.values for column in index_columns)], axis=1)
    found = values.values
    if not spec.already_sorted:
        order = np.lexsort(indices.T[::-1])
        indices, found = indices[order], found[order]
    return SparseValues(indices, found, np.array([len(lengths), *spec.sizes]))


def only(value: Any) -> Any:
    """What a batch of one message holds, without the axis of the batch."""
    if isinstance(value, SparseValues):
        return SparseValues(value.indices[:, 1:], value.values, value.dense_shape[1:])
    return value[0, ...]


def _cut(values: npt.NDArray[Any], lengths: npt.NDArray[np.int64]) -> list[npt.NDArray[Any]]:
    """Views of as many values as each row has, one row after the other."""
    ends = lengths.cumsum().tolist()
    return [values[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def _cut_sparse(
    batch: SparseValues, num_values: npt.NDArray[np.int64], shapes: npt.NDArray[np.int64]
) -> list[SparseValues]:
    """The rows of a batch, each with its own shape, without the axis of the batch."""
    indices, values = _cut(batch.indices[:, 1:], num_values), _cut(batch.values, num_values)
    return list(map(SparseValues, indices, values, shapes))


def _owners(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For every item, the number of the row that it belongs to."""
    return np.repeat(np.arange(len(lengths)), lengths)


def _numbers(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For every item, its number in its row."""
    return np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
