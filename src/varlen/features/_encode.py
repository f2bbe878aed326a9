"""From columns of values to the bytes of messages, by the native core or by protobuf, its twin."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen import _native
from varlen.errors import FeatureError

from ._kinds import FIELD_NUMBERS, FIELDS
from ._messages import Example, SequenceExample
from ._requests import Section

# Protobuf's readers take no more.
_LARGEST_MESSAGE = 2**31 - 1


class WrittenColumn(NamedTuple):
    """One feature of all messages.

    Attributes:
        section: the features of an Example, or the context or feature lists of a SequenceExample.
        name: of the feature.
        kind: of its values; None if there are none, and none was said.
        values: those of all messages: int64, float32, or a list of bytes.
        lengths: `[messages]`, values of a feature, or -1 for one without a kind; or steps of a
            list.
        step_lengths: `[steps of all messages]`, values of each step of a list, or -1 for one
            without a kind; otherwise empty.
    """

    section: Section
    name: str
    kind: np.dtype[Any] | None
    values: npt.NDArray[Any] | list[bytes]
    lengths: npt.NDArray[np.int64]
    step_lengths: npt.NDArray[np.int64]


def encode(columns: Sequence[WrittenColumn], num_messages: int) -> list[bytes]:
    """The bytes of every message, as protobuf serializes it when asked to be deterministic.

    Raises:
        FeatureError: a message would be larger than protobuf can read.
    """
    if _native.encode_features is None:
        messages = encode_by_protobuf(columns, num_messages)
    else:
        messages = _native.encode_features(
            [_described(column) for column in sorted(columns, key=_order)], num_messages
        )
    for number, message in enumerate(messages):
        if len(message) > _LARGEST_MESSAGE:
            raise FeatureError(
                f"expected a message of at most {_LARGEST_MESSAGE} bytes, found {len(message)}",
                at=f"message {number}",
            )
    return messages


def encode_by_protobuf(columns: Sequence[WrittenColumn], num_messages: int) -> list[bytes]:
    """The twin of the native encoder, which is its definition."""
    made: list[Any] = [_empty_message(columns) for _ in range(num_messages)]
    for column in columns:
        values = iter(column.values if isinstance(column.values, list) else column.values.tolist())
        step_lengths = iter(column.step_lengths.tolist())
        for message, length in zip(made, column.lengths.tolist(), strict=True):
            if column.section == "feature_lists":
                steps = message.feature_lists.feature_list[column.name].feature
                for _, count in zip(range(length), step_lengths, strict=False):
                    _fill(steps.add(), column.kind, values, count)
            else:
                features = message.features if column.section == "features" else message.context
                _fill(features.feature[column.name], column.kind, values, length)
    return [message.SerializeToString(deterministic=True) for message in made]


def _empty_message(columns: Sequence[WrittenColumn]) -> Any:
    is_example = any(column.section == "features" for column in columns)
    return Example() if is_example else SequenceExample()


def _fill(feature: Any, kind: np.dtype[Any] | None, values: Any, count: int) -> None:
    if kind is None or count < 0:
        return
    chosen = getattr(feature, FIELDS[kind])
    chosen.SetInParent()  # a list without values is there nevertheless
    chosen.value.extend([next(values) for _ in range(count)])


def _order(column: WrittenColumn) -> tuple[bool, list[int]]:
    # As protobuf's maps are sorted: by bytes, except that a name stands after those it begins.
    return column.section == "feature_lists", [*column.name.encode(), 256]


def _described(column: WrittenColumn) -> tuple[bool, bytes, int, Any, Any, Any]:
    is_list, name = column.section == "feature_lists", column.name.encode()
    number = 0 if column.kind is None else FIELD_NUMBERS[column.kind]
    return is_list, name, number, column.values, column.lengths, column.step_lengths
