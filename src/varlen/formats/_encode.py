"""Rows as serialized SequenceExamples, many at a time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from varlen.errors import FeatureError
from varlen.features import sequence_example, sequence_examples

from ._row import Row

_MOST_ROWS = 1024
_MOST_VALUES = 1 << 17


def batched(
    rows: Iterable[Row], *, most_rows: int = _MOST_ROWS, most_values: int = _MOST_VALUES
) -> Iterator[list[Row]]:
    """The rows in lists, which end with the row that brings them to one of the limits."""
    batch: list[Row] = []
    num_values = 0
    for row in rows:
        batch.append(row)
        num_values += sum(map(_size, row.context.values())) + sum(
            map(_size, row.sequences.values())
        )
        if len(batch) == most_rows or num_values >= most_values:
            yield batch
            batch, num_values = [], 0
    if batch:
        yield batch


def encode_rows(rows: Sequence[Row]) -> list[bytes]:
    """The SequenceExample of each row.

    Raises:
        FeatureError: a value does not fit into a feature; `at` names its row.
    """
    encoded: list[bytes] = [b""] * len(rows)
    for numbers in _with_the_same_features(rows):
        first = rows[numbers[0]]
        if not (first.context or first.sequences):
            continue
        context = {name: [rows[i].context[name] for i in numbers] for name in first.context}
        sequences = {name: [rows[i].sequences[name] for i in numbers] for name in first.sequences}
        try:
            messages = sequence_examples(context, sequences)
        except FeatureError:
            # One by one, to find the row with which it begins.
            messages = [_encode_row(rows[i]) for i in numbers]
        for i, message in zip(numbers, messages, strict=True):
            encoded[i] = message
    return encoded


def _with_the_same_features(rows: Sequence[Row]) -> Iterable[list[int]]:
    """The numbers of rows, together where they have the same features, which batches need."""
    groups: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        groups[(*row.context, None, *row.sequences)].append(number)
    return groups.values()


def _encode_row(row: Row) -> bytes:
    try:
        return sequence_example(row.context, row.sequences)
    except FeatureError as error:
        raise FeatureError(error.problem, at=f"{row.place}: {error.at}", hint=error.hint) from error


def _size(value: Any) -> int:
    """About how many numbers or letters a value has."""
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, str | bytes):
        return len(value)
    if not isinstance(value, list):
        return 1
    kinds = set(map(type, value))
    if kinds in ({str}, {bytes}):
        return len(value) + sum(map(len, value))
    if kinds & {list, np.ndarray}:
        return len(value) + sum(map(_size, value))
    return len(value)
