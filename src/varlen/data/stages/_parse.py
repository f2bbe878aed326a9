"""`Parse`: serialized SequenceExamples into examples, or batches of them into batches."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from varlen.data._record_batch import RecordBatch
from varlen.data._stage import StageIterator
from varlen.errors import FeatureError
from varlen.features import (
    FixedLenSequenceFeature,
    decode_sequence_examples,
    parse_each_sequence_example,
    parse_single_sequence_example,
)
from varlen.records import Record
from varlen.sequences import JaggedSequence

# A chunk ends with either of them. An example that somebody holds keeps its whole chunk in memory,
# so it is no larger than a call of the native core is worth.
_MOST_RECORDS = 64
_MOST_BYTES = 1 << 18


@dataclass(frozen=True)
class Parse:
    """Parses every record, a serialized SequenceExample, into a dict of its features.

    Items are `Record` or bytes, or `RecordBatch`. Context features become arrays, feature lists
    `JaggedSequence(values, length)` with values `[steps, *shape]`; what is specified as
    `VarLenFeature` becomes SparseValues.

    After `Batch`, `BucketBySequenceLength` or a plan, a whole batch of records is decoded in one
    native call straight into the arrays of the batch: the fastest place for this stage. Before
    them, records are taken and decoded up to 64 at a time, fewer if they are large, and the arrays
    of an example are views of arrays of all of these.

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
    one_to_one: ClassVar[bool] = True

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
        return _ParseIterator(self, upstream)


class _ParseIterator(StageIterator):
    def __init__(self, stage: Parse, upstream: StageIterator) -> None:
        self._stage = stage
        self._upstream = upstream
        self._forget_chunk()

    def _forget_chunk(self) -> None:
        self._items: list[Any] = []
        self._states: list[dict[str, Any]] = []  # of the upstream, after each item
        self._error: Exception | None = None  # that came from upstream after them
        self._examples: list[dict[str, Any]] | None = None  # None: each is parsed in its turn
        self._taken = 0
        self._state = self._upstream.state_dict()

    def __next__(self) -> dict[str, Any]:
        if self._taken == len(self._items):
            self._next_chunk()
        example: dict[str, Any] = (
            self._parse_one(self._items[self._taken])
            if self._examples is None
            else self._examples[self._taken]
        )
        self._state = self._states[self._taken]
        self._taken += 1
        return example

    def _next_chunk(self) -> None:
        error = self._error
        self._forget_chunk()
        if error is not None:
            raise error
        self._fill()
        if not isinstance(self._items[0], RecordBatch):
            # If one of them is at fault, those before it are still to be handed out.
            with suppress(FeatureError, TypeError):
                self._examples = self._parse_all(self._items)

    def _fill(self) -> None:
        """Takes at least one item, or raises."""
        num_bytes = 0
        while len(self._items) < _MOST_RECORDS and num_bytes < _MOST_BYTES:
            try:
                item = next(self._upstream)
            except Exception as error:
                if not self._items:
                    raise
                self._error = error
                return
            self._items.append(item)
            self._states.append(self._upstream.state_dict())
            if isinstance(item, RecordBatch):
                return
            data = _data_of(item)
            num_bytes += len(data) if isinstance(data, bytes | bytearray | memoryview) else 0

    def _parse_all(self, items: list[Any]) -> list[dict[str, Any]]:
        parsed = parse_each_sequence_example(
            list(map(_data_of, items)),
            self._stage.context_features,
            self._stage.sequence_features,
        )
        return [self._as_example(*parts) for parts in parsed]

    def _parse_one(self, item: Any) -> dict[str, Any]:
        if isinstance(item, RecordBatch):
            return self._parse_batch(item)
        place = item.place if isinstance(item, Record) else None
        return self._as_example(
            *parse_single_sequence_example(
                _data_of(item),
                self._stage.context_features,
                self._stage.sequence_features,
                at=place,
            )
        )

    def _parse_batch(self, batch: RecordBatch) -> dict[str, Any]:
        context, sequences = decode_sequence_examples(
            batch.data,
            self._stage.context_features,
            self._stage.sequence_features,
            example_names=batch.places,
        )
        return {**context, **sequences}

    def _as_example(self, context: dict[str, Any], sequences: dict[str, Any]) -> dict[str, Any]:
        specs = self._stage.sequence_features or {}
        rows = {
            name: _as_row(values) if isinstance(specs[name], FixedLenSequenceFeature) else values
            for name, values in sequences.items()
        }
        return {**context, **rows}

    def state_dict(self) -> dict[str, Any]:
        return {"upstream": self._state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._upstream.load_state_dict(state["upstream"])
        self._forget_chunk()

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
        self._forget_chunk()


def _data_of(item: Any) -> Any:
    return item.data if isinstance(item, Record) else item


def _as_row(values: Any) -> JaggedSequence:
    return JaggedSequence(values, np.array(len(values), np.int64))
