"""Writing Examples and SequenceExamples from lists and arrays, in one call."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen import _native
from varlen.sequences import JaggedSequence, PaddedSequence, check_lengths, unpad

from ._checks import check_name
from ._encode import WrittenColumn, encode
from ._kinds import string
from ._requests import Section
from ._values import Values, converted, is_array, is_scalar, joined, one_kind, read_values

_NO_STEPS = np.zeros(0, np.int64)


def example(features: Mapping[str, Any]) -> bytes:
    """A serialized Example.

    Args:
        features: by name, a value or a list of values, as the context of `sequence_example`.

    Returns:
        Bytes that depend on the values alone: features are stored sorted by name.

    Raises:
        TypeError: a value that no feature can hold, such as None.
        FeatureError: values of several kinds in one feature, an integer beyond int64, or a float
            beyond float32.
    """
    columns = [_feature_column("features", name, [value]) for name, value in features.items()]
    return encode(columns, 1)[0] if columns else b""


def examples(features: Mapping[str, Any]) -> list[bytes]:
    """A batch of serialized Examples. Each is what `example` makes of its row.

    Args:
        features: by name, a list or array with a value, or values, for each message.

    Returns:
        The messages.

    Raises:
        TypeError: as `example`; or a feature that is no list.
        ValueError: no feature is given, or they are not of equally many messages.
        FeatureError: as `example`; or values of several kinds in one feature.
    """
    if not features:
        raise ValueError("features: expected at least one, found none")
    return _encoded([_feature_batch("features", name, value) for name, value in features.items()])


def sequence_example(
    context: Mapping[str, Any] | None = None, sequences: Mapping[str, Any] | None = None
) -> bytes:
    """A serialized SequenceExample.

    The kind of a feature follows from its values: whole numbers and booleans are stored as int64,
    floats as float32, text as the bytes of its UTF-8, and bytes as they are. One feature holds one
    kind. Arrays (anything with `__array__`) may stand for lists, and their scalars for Python's.

    Args:
        context: by name, a value or a list of values; an array of more dimensions is stored row
            by row. An empty list says nothing about its kind, and reads as a missing feature
            does; an empty array has its dtype's.
        sequences: by name, a list of steps, or an array whose first axis is time. A step is a
            value, or a list or array of values, as many as you like. A list without steps is a
            sequence of length 0.

    Returns:
        Bytes that depend on the values alone: features are stored sorted by name.

    Raises:
        TypeError: a value that no feature can hold, such as None, or a sequence that is no list.
        FeatureError: values of several kinds in one feature, an integer beyond int64, or a float
            beyond float32.
    """
    columns = [
        *(_feature_column("context", name, [value]) for name, value in (context or {}).items()),
        *(_list_column(name, [value]) for name, value in (sequences or {}).items()),
    ]
    return encode(columns, 1)[0]


def sequence_examples(
    context: Mapping[str, Any] | None = None, sequences: Mapping[str, Any] | None = None
) -> list[bytes]:
    """A batch of serialized SequenceExamples. Each is what `sequence_example` makes of its row.

    Args:
        context: by name, a list or array with a value, or values, for each message.
        sequences: by name, a `JaggedSequence` or `PaddedSequence`, or a list with a sequence for
            each message.

    Returns:
        The messages.

    Raises:
        TypeError: as `sequence_example`; or a feature that is no list.
        ValueError: nothing is given, features are not of equally many messages, or lengths do not
            fit their values.
        FeatureError: as `sequence_example`; or values of several kinds in one feature.
    """
    columns = [
        *(_feature_batch("context", name, value) for name, value in (context or {}).items()),
        *(_sequence_batch(name, value) for name, value in (sequences or {}).items()),
    ]
    if not columns:
        raise ValueError("expected context or sequences, found neither")
    return _encoded(columns)


def _encoded(columns: Sequence[WrittenColumn]) -> list[bytes]:
    """The messages of columns, which must be of equally many."""
    first, *others = columns
    for column in others:
        if len(column.lengths) != len(first.lengths):
            raise ValueError(
                f"{_path(column)}: expected as many rows as {_path(first)}, {len(first.lengths)}, "
                f"found {len(column.lengths)}"
            )
    return encode(columns, len(first.lengths))


def _feature_batch(section: Section, name: str, value: Any) -> WrittenColumn:
    at = f"{section}.{name}"
    if is_array(value):
        array = np.asarray(value)
        if array.ndim and array.dtype != object:
            row_size = math.prod(array.shape[1:])
            flat = read_values(array, at)
            lengths = np.full(len(array), row_size)
            return _column(section, name, flat, lengths, _NO_STEPS)
        value = array.tolist()
    if not isinstance(value, list | tuple):
        raise TypeError(f"{at}: expected a list with a row for each message, found {value!r}")
    return _feature_column(section, name, value)


def _sequence_batch(name: str, value: Any) -> WrittenColumn:
    if isinstance(value, PaddedSequence):
        value = unpad(PaddedSequence(np.asarray(value.data), value.lengths))
    if isinstance(value, JaggedSequence):
        return _jagged_column(name, value)
    if is_array(value):
        value = list(np.asarray(value))
    if not isinstance(value, list | tuple):
        raise TypeError(
            f"feature_lists.{name}: expected a JaggedSequence, a PaddedSequence or a list with a "
            f"sequence for each message, found {type(value).__name__}"
        )
    return _list_column(name, value)


def _jagged_column(name: str, rows: JaggedSequence) -> WrittenColumn:
    at = f"feature_lists.{name}"
    values = np.asarray(rows.values)
    num_rows = math.prod(np.shape(rows.lengths))
    lengths = check_lengths(rows.lengths, num_rows, argument=f"{at}: lengths")
    if lengths.sum() != len(values):
        raise ValueError(
            f"{at}: expected {lengths.sum()} steps, the sum of the lengths, found {len(values)}"
        )
    step_size = math.prod(values.shape[1:])
    return _column(
        "feature_lists", name, read_values(values, at), lengths, np.full(len(values), step_size)
    )


def _feature_column(section: Section, name: str, rows: Sequence[Any]) -> WrittenColumn:
    """A feature of as many messages as there are rows."""
    column = _column_of_numbers(section, name, rows) or _column_of_text(section, name, rows)
    if column is not None:
        return column
    at = f"{section}.{name}"
    parts = [read_values(row, at) for row in rows]
    lengths = np.array([-1 if p.kind is None else len(p.flat) for p in parts], np.int64)
    return _column(section, name, _merged(parts, at), lengths, _NO_STEPS)


def _list_column(name: str, rows: Sequence[Any]) -> WrittenColumn:
    """A feature list of as many messages as there are rows."""
    column = _column_of_numbers("feature_lists", name, rows)
    column = column or _column_of_text("feature_lists", name, rows)
    if column is not None:
        return column
    at = f"feature_lists.{name}"
    parts = [_read_steps(row, at) for row in rows]
    return _column(
        "feature_lists",
        name,
        _merged([part.values for part in parts], at),
        np.array([len(part.lengths) for part in parts], np.int64),
        np.concatenate([_NO_STEPS, *(part.lengths for part in parts)]),
    )


def _column_of_numbers(section: Section, name: str, rows: Sequence[Any]) -> WrittenColumn | None:
    """A column of rows in which there is nothing but Python's ints, or its floats.

    It is what the plain code makes of them, natively. None if there is something else, or a number
    that does not fit, of which the plain code says what it is.
    """
    if _native.read_numbers is None:
        return None
    found = _native.read_numbers(rows, section == "feature_lists")
    if found is None:
        return None
    check_name(section, name)
    values, lengths, step_lengths = found
    return WrittenColumn(section, name, values.dtype, values, lengths, step_lengths)


def _column_of_text(section: Section, name: str, rows: Sequence[Any]) -> WrittenColumn | None:
    """A column of texts, or of lists of them; None if there is something else.

    It is what the code for all values makes of them, sooner.
    """
    flat, lengths, step_lengths = rows, np.ones(len(rows), np.int64), _NO_STEPS
    if section == "feature_lists":
        if set(map(type, rows)) != {list}:
            return None
        flat = list(chain.from_iterable(rows))
        lengths = np.array(list(map(len, rows)), np.int64)
        step_lengths = np.ones(len(flat), np.int64)
    if set(map(type, flat)) != {str}:
        return None
    return _column(section, name, Values(string, list(flat)), lengths, step_lengths)


class _Steps(NamedTuple):
    """The steps of one sequence: their values, and how many each has; -1 if there is no kind."""

    values: Values
    lengths: npt.NDArray[np.int64]


def _read_steps(value: Any, at: str) -> _Steps:
    if is_array(value):
        array = np.asarray(value)
        if array.ndim and array.dtype != object:
            step_size = math.prod(array.shape[1:])
            return _Steps(read_values(array, at), np.full(len(array), step_size))
        value = array.tolist()
    if not isinstance(value, list | tuple):
        raise TypeError(f"{at}: expected a list of steps, found {type(value).__name__}")
    if value and all(map(is_scalar, set(map(type, value)))):
        return _Steps(read_values(value, at), np.ones(len(value), np.int64))
    parts = [read_values(step, at) for step in value]
    merged = _merged(parts, at)
    has_kind = merged.kind is not None
    return _Steps(merged, np.array([len(p.flat) if has_kind else -1 for p in parts], np.int64))


def _merged(parts: list[Values], at: str) -> Values:
    return Values(one_kind((part.kind for part in parts), at), joined(parts))


def _column(
    section: Section,
    name: str,
    values: Values,
    lengths: npt.NDArray[np.int64],
    step_lengths: npt.NDArray[np.int64],
) -> WrittenColumn:
    check_name(section, name)
    place = _place(f"{section}.{name}", section, lengths, step_lengths)
    flat = converted(values.kind, values.flat, place)
    return WrittenColumn(section, name, values.kind, flat, lengths, step_lengths)


def _place(
    path: str,
    section: Section,
    lengths: npt.NDArray[np.int64],
    step_lengths: npt.NDArray[np.int64],
) -> Callable[[int], str]:
    """Where a value stands, by its number: its message, if there are several, and its step."""

    def place(number: int) -> str:
        if section != "feature_lists":
            message, step = _owner(lengths, number), ""
        else:
            its_step = _owner(step_lengths, number)
            message = _owner(lengths, its_step)
            step = f"[{its_step - lengths[:message].sum()}]"
        return f"{path}{step}" if len(lengths) == 1 else f"message {message}: {path}{step}"

    return place


def _owner(lengths: npt.NDArray[np.int64], number: int) -> int:
    """Which of parts of these lengths an item belongs to."""
    return int(np.searchsorted(np.maximum(lengths, 0).cumsum(), number, side="right"))


def _path(column: WrittenColumn) -> str:
    return f"{column.section}.{column.name}"
