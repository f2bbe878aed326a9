"""`Parse`: serialized SequenceExamples into examples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from varlen.data._stage import EachIterator, StageIterator
from varlen.features import FixedLenSequenceFeature, parse_single_sequence_example
from varlen.records import Record
from varlen.sequences import JaggedSequence


@dataclass(frozen=True)
class Parse:
    """Parses every record, a serialized SequenceExample, into a dict of its features.

    Items are `Record` or bytes. Context features become arrays, feature lists
    `JaggedSequence(values, length)` with values `[steps, *shape]`; what is specified as
    `VarLenFeature` becomes SparseValues.

    Args:
        context_features: specifications by name, as for
            `varlen.features.parse_single_sequence_example`.
        sequence_features: the same.

    Raises:
        ValueError: no specification at all, or a name in both.
        FeatureError: while iterating; a record is no SequenceExample, or does not hold what is
            specified. The message names its file and byte.
    """

    context_features: Mapping[str, Any] | None = None
    sequence_features: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        context, sequences = self.context_features or {}, self.sequence_features or {}
        if not context and not sequences:
            raise ValueError("Parse: expected context_features or sequence_features, found neither")
        both = sorted(context.keys() & sequences.keys())
        if both:
            raise ValueError(
                "Parse: expected different names in context_features and sequence_features, "
                f"found {', '.join(map(repr, both))} in both"
            )

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return EachIterator(upstream, self._parse)

    def _parse(self, item: Any) -> dict[str, Any]:
        data, place = (item.data, item.place) if isinstance(item, Record) else (item, None)
        context, sequences = parse_single_sequence_example(
            data, self.context_features, self.sequence_features, at=place
        )
        specs = self.sequence_features or {}
        rows = {
            name: _as_row(values) if isinstance(specs[name], FixedLenSequenceFeature) else values
            for name, values in sequences.items()
        }
        return {**context, **rows}


def _as_row(values: Any) -> JaggedSequence:
    return JaggedSequence(values, np.array(len(values), np.int64))
