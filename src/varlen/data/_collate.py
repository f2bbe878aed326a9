"""Examples into a batch: equal shapes are stacked, sequences joined, with their lengths.

Raw records are put together as they are, and parsed together later.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from varlen._native import count_steps
from varlen.data._record_batch import RecordBatch
from varlen.data._stack import Place, as_array, joint_dtype, stack_equal
from varlen.errors import FeatureError, did_you_mean
from varlen.records import Record
from varlen.sequences import JaggedSequence, SparseValues

_HINT = "sequences of unequal length go into JaggedSequence(values, length)"


def collate(examples: Sequence[Any]) -> Any:
    """Makes a batch of examples, which are dicts with the same names, or raw records.

    Rows `JaggedSequence(values, length)` become one JaggedSequence with the lengths `[batch]`;
    SparseValues become SparseValues with a batch axis in front, as large as the largest of them;
    everything else becomes an array `[batch, ...]`.

    Raises:
        TypeError: an example is not a dict, or values of one name differ in dtype.
        ValueError: examples with other names, or values of one name that differ in shape or form.
    """
    if _are_records(examples):
        return RecordBatch.of(examples)
    for i, example in enumerate(examples):
        _check_names(example, examples[0], i)
    return {name: _collate_values(name, [e[name] for e in examples]) for name in examples[0]}


def _are_records(examples: Sequence[Any]) -> bool:
    return set(map(type, examples)) <= {Record}


def sequence_lengths(examples: Sequence[Any], name: str) -> list[int]:
    """The `sequence_length` of each of some examples; of records, all in one native call.

    Raises:
        What `sequence_length` raises, for any of them.
    """
    if not _are_records(examples):
        return [sequence_length(example, name) for example in examples]
    data = [record.data for record in examples]
    sizes = np.array(list(map(len, data)), np.int64)
    steps: list[int] = count_steps(
        b"".join(data), np.cumsum(sizes) - sizes, sizes, name.encode()
    ).tolist()
    if min(steps, default=0) < 0:
        raise FeatureError(
            "the record is no SequenceExample and no Example",
            at=next(r.place for r, num in zip(examples, steps, strict=True) if num < 0),
        )
    return steps


def sequence_length(example: Any, name: str) -> int:
    """The length of the sequence `name` of an example, or a record, that is in no batch yet.

    In a record, the steps of the feature list of that name are counted, or else the values of the
    feature; 0 if it has neither, which `Parse` will refuse.

    Raises:
        TypeError: not a dict of features, or the feature is not a JaggedSequence.
        ValueError: no such feature, or one of a whole batch.
        FeatureError: a record that is no SequenceExample and no Example.
    """
    if isinstance(example, Record):
        return sequence_lengths([example], name)[0]
    _check_is_dict(example, "the example")
    if name not in example:
        raise ValueError(f"no feature named {name!r} in the example; {did_you_mean(name, example)}")
    value = example[name]
    if not isinstance(value, JaggedSequence):
        raise TypeError(
            f"feature {name!r}: expected a JaggedSequence, found {type(value).__name__}; {_HINT}"
        )
    return _row_length(value, lambda _: f"feature {name!r}", 0)


def _check_is_dict(example: Any, what: str) -> None:
    if not isinstance(example, Mapping):
        raise TypeError(f"{what}: expected a dict of features, found {type(example).__name__}")


def _check_names(example: Any, first: Any, number: int) -> None:
    what = f"example {number} of the batch"
    _check_is_dict(example, what)
    if example.keys() != first.keys():
        raise ValueError(
            f"{what}: expected the features {sorted(first)}, as in example 0, "
            f"found {sorted(example)}"
        )


def _collate_values(name: str, values: Sequence[Any]) -> Any:
    def place(i: int) -> str:
        return f"feature {name!r} of example {i}"

    for form, collate_form in ((JaggedSequence, _join), (SparseValues, join_sparse)):
        is_form = [isinstance(value, form) for value in values]
        if all(is_form):
            return collate_form(values, place)
        if any(is_form):
            i = is_form.index(not is_form[0])
            raise ValueError(
                f"{place(i)}: expected {type(values[0]).__name__}, as in example 0, "
                f"found {type(values[i]).__name__}"
            )
    arrays = [as_array(value, place, i) for i, value in enumerate(values)]
    return stack_equal(arrays, joint_dtype(arrays, place), place, hint=_HINT)


def _join(rows: Sequence[JaggedSequence], place: Place) -> JaggedSequence:
    lengths = np.array([_row_length(row, place, i) for i, row in enumerate(rows)], np.int64)
    arrays = [as_array(row.values, place, i) for i, row in enumerate(rows)]
    dtype = joint_dtype(arrays, place) or arrays[0].dtype
    # An empty row may come as [], whatever the shape of the steps of others is.
    with_steps = [i for i, array in enumerate(arrays) if len(array)] or [0]
    first = with_steps[0]
    for i in with_steps:
        if arrays[i].shape[1:] != arrays[first].shape[1:]:
            raise ValueError(
                f"{place(i)}: expected steps of shape {arrays[first].shape[1:]}, as in "
                f"{place(first)}, found {arrays[i].shape[1:]}"
            )
    values = np.concatenate([arrays[i] for i in with_steps])
    return JaggedSequence(values.astype(dtype, copy=False), lengths)


def _row_length(row: JaggedSequence, place: Place, number: int) -> int:
    values_shape, lengths_shape = _shape(row.values), _shape(row.lengths)
    if lengths_shape:
        raise ValueError(
            f"{place(number)}: expected a single sequence, whose length is a number, found lengths "
            f"of shape {lengths_shape}"
        )
    length = int(row.lengths)
    if not values_shape or values_shape[0] != length:
        raise ValueError(
            f"{place(number)}: expected as many values as the length says, {length}, "
            f"found shape {values_shape}"
        )
    return length


def _shape(value: Any) -> tuple[int, ...]:
    # Nearly all are arrays, and every row of every batch is asked.
    return value.shape if isinstance(value, np.ndarray) else tuple(np.shape(value))


def join_sparse(rows: Sequence[SparseValues], place: Place) -> SparseValues:
    """Sparse values with a batch axis in front, each size as large as the largest of them.

    Raises:
        TypeError: two dtypes.
        ValueError: two ranks.
    """
    rank = len(rows[0].dense_shape)
    for i, row in enumerate(rows):
        if len(row.dense_shape) != rank:
            raise ValueError(
                f"{place(i)}: expected rank {rank}, as in {place(0)}, "
                f"found rank {len(row.dense_shape)}"
            )
    values = [as_array(row.values, place, i) for i, row in enumerate(rows)]
    numbers = np.repeat(np.arange(len(rows)), [len(row_values) for row_values in values])
    indices = np.concatenate([np.asarray(row.indices, np.int64) for row in rows])
    dtype = joint_dtype(values, place) or values[0].dtype
    return SparseValues(
        np.concatenate([numbers[:, None], indices], axis=1),
        np.concatenate(values).astype(dtype, copy=False),
        np.array([len(rows), *np.max([row.dense_shape for row in rows], axis=0)], np.int64),
    )
