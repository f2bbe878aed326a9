"""Profiles of batches through protobuf's own messages, which defines what the native ones are."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.errors import FeatureError

from ._kinds import FIELD_NUMBERS, FIELDS, KINDS, float32, int64, string
from ._messages import NamedFeatures, read_features

# By the field of a Feature message, its number; 0 where there is none.
_NUMBERS: dict[str | None, int] = {None: 0} | {FIELDS[kind]: FIELD_NUMBERS[kind] for kind in KINDS}


class FeatureCounts(NamedTuple):
    """What one feature is like in a batch of messages.

    Attributes:
        is_list: a feature list, rather than a feature of the context or of an Example.
        name: of the feature.
        num_of_kind: how many features, or steps of lists, have no kind, bytes, floats and int64s.
        first: for each of these four, the number of the first message that has it, or -1.
        lengths: of each message that has the feature, in order: how many values, or for a list how
            many steps. A feature without a kind counts as missing.
        sizes: the fewest and the most values of a feature, or of a step; None if there is none.
        int64s: the least and the greatest int64; None if there is none.
        floats: the same of the floats, without NaN, and with 0.0 for -0.0.
        bytes: the same of the sizes of byte strings.
        num_nans: how many of the floats are NaN.
    """

    is_list: bool
    name: str
    num_of_kind: Sequence[int]
    first: Sequence[int]
    lengths: npt.NDArray[np.int64]
    sizes: tuple[int, int] | None
    int64s: tuple[int, int] | None
    floats: tuple[float, float] | None
    bytes: tuple[int, int] | None
    num_nans: int


def profile_batch(
    serialized: Sequence[Any],
) -> tuple[npt.NDArray[np.int64], list[FeatureCounts]]:
    """The numbers of the malformed messages, and what the features of the others are like."""
    malformed = []
    found: dict[tuple[bool, bytes], _Counted] = {}
    for number, data in enumerate(serialized):
        message = _message(data)
        if message is None:
            malformed.append(number)
            continue
        for name, feature in message.context.items():
            found.setdefault((False, name.encode()), _Counted()).add_feature(number, feature)
        for name, steps in message.feature_lists.items():
            found.setdefault((True, name.encode()), _Counted()).add_list(number, steps.feature)
    counts = [
        found[is_list, name].finish(is_list, name.decode()) for is_list, name in sorted(found)
    ]
    return np.array(malformed, np.int64), counts


def is_message(data: Any) -> bool:
    """Whether protobuf accepts these bytes."""
    return _message(data) is not None


def _message(data: Any) -> NamedFeatures | None:
    try:
        return read_features(data)
    except FeatureError:
        return None


class _Counted:
    """One feature of the messages so far."""

    def __init__(self) -> None:
        self.num_of_kind = [0] * 4
        self.first = [-1] * 4
        self.lengths: list[int] = []
        self.sizes: list[int] = []
        self.values: dict[Any, list[Any]] = {kind: [] for kind in FIELDS}

    def add_feature(self, number: int, feature: Any) -> None:
        if feature.WhichOneof("kind") is None:
            self._count_kind(number, None)
        else:
            self.lengths.append(self._add(number, feature))

    def add_list(self, number: int, steps: Any) -> None:
        self.lengths.append(len(steps))
        for step in steps:
            self._add(number, step)

    def finish(self, is_list: bool, name: str) -> FeatureCounts:
        floats = self.values[float32]
        return FeatureCounts(
            is_list,
            name,
            tuple(self.num_of_kind),
            tuple(self.first),
            np.array(self.lengths, np.int64),
            _range(self.sizes),
            _range(self.values[int64]),
            _range(value + 0.0 for value in floats if not math.isnan(value)),
            _range(map(len, self.values[string])),
            sum(map(math.isnan, floats)),
        )

    def _add(self, number: int, feature: Any) -> int:
        """Counts a feature or a step, and says how many values it has."""
        field = feature.WhichOneof("kind")
        self._count_kind(number, field)
        values: Sequence[Any] = () if field is None else getattr(feature, field).value
        for kind, its_field in FIELDS.items():
            if field == its_field:
                self.values[kind].extend(values)
        self.sizes.append(len(values))
        return len(values)

    def _count_kind(self, number: int, field: str | None) -> None:
        kind = _NUMBERS[field]
        self.num_of_kind[kind] += 1
        if self.first[kind] < 0:
            self.first[kind] = number


def _range(values: Iterable[Any]) -> tuple[Any, Any] | None:
    found = list(values)
    return (min(found), max(found)) if found else None
