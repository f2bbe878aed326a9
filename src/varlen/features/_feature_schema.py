"""What is known of one feature of many records."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ._specs import FixedLenFeature, FixedLenSequenceFeature, VarLenFeature


class Extent(NamedTuple):
    """From the least to the most, both included."""

    least: int | float
    most: int | float

    def join(self, other: "Extent | None") -> "Extent":
        """The extent of both."""
        if other is None:
            return self
        return Extent(min(self.least, other.least), max(self.most, other.most))

    def holds(self, other: "tuple[int | float, int | float] | None") -> bool:
        """Whether another extent is within this one; None is."""
        return other is None or (self.least <= other[0] and other[1] <= self.most)


@dataclass(frozen=True)
class FeatureSchema:
    """What a feature is like, or is to be like, in every record. What is None may be anything.

    Attributes:
        kind: `int64`, `float32` or `string`.
        required: it is in every record. A context feature without a kind counts as missing.
        num_values: how many values it has, or for a list, every step has.
        num_steps: how many steps a list has; None for the context.
        values: how small and how large the numbers are, NaN aside; of strings, how many bytes they
            have.
        nan: whether a float32 may be NaN; True for other kinds.
    """

    kind: np.dtype[Any] | None
    required: bool = False
    num_values: Extent | None = None
    num_steps: Extent | None = None
    values: Extent | None = None
    nan: bool = True

    @property
    def size(self) -> int | None:
        """The number of values, where it is always the same and not 0; otherwise None."""
        extent = self.num_values
        fixed = extent is not None and extent.least == extent.most and extent.least > 0
        return int(extent.least) if extent is not None and fixed else None

    def context_spec(self) -> FixedLenFeature | VarLenFeature:
        """The specification that parses it from the context, or from an Example."""
        if self.size is not None and self.required:
            return FixedLenFeature(_shape(self.size), self.kind)
        return VarLenFeature(self.kind)

    def sequence_spec(self) -> FixedLenSequenceFeature | VarLenFeature:
        """The specification that parses it from the feature lists."""
        if self.size is not None:
            return FixedLenSequenceFeature(
                _shape(self.size), self.kind, allow_missing=not self.required
            )
        return VarLenFeature(self.kind)


Features = dict[str, FeatureSchema]


def specs(features: Features, spec: Callable[[FeatureSchema], Any]) -> dict[str, Any]:
    """The specification of each feature whose kind is known."""
    return {name: spec(feature) for name, feature in features.items() if feature.kind is not None}


def joined(extents: Iterable[Extent | None]) -> Extent | None:
    """The extent of all; None if there is none."""
    whole = None
    for extent in extents:
        whole = whole if extent is None else extent.join(whole)
    return whole


def _shape(size: int) -> tuple[int, ...]:
    return () if size == 1 else (size,)
