"""Parsing SequenceExamples into arrays, one or a batch, with the semantics of TensorFlow 1.15."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.sequences import JaggedSequence, PaddedSequence, SparseValues

from . import _assemble
from ._checks import check_name, check_spec
from ._columns import ColumnReader, num_processors
from ._requests import Column, Place, Request
from ._serialized import Messages, Serialized, as_messages
from ._spec_checks import checked_integer
from ._specs import FixedLenFeature, FixedLenSequenceFeature, VarLenFeature

Parsed = npt.NDArray[Any] | SparseValues
Rows = JaggedSequence | PaddedSequence | SparseValues


def parse_single_sequence_example(
    serialized: bytes | bytearray | memoryview,
    context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None,
    *,
    at: str | None = None,
) -> tuple[dict[str, Parsed], dict[str, Parsed]]:
    """Parses a serialized SequenceExample into two dicts of arrays, as TensorFlow 1.15 does.

    Bytes are read by the general rules of protobuf: unknown fields are skipped, the last of
    several entries of one name counts. Features that no specification asks for are not looked at.
    A feature without a kind counts as missing; one of another kind is an error, even if empty.

    Args:
        serialized: one message.
        context_features: by name, `FixedLenFeature` or `VarLenFeature`.
        sequence_features: by name, `FixedLenSequenceFeature` or `VarLenFeature`.
        at: where the message came from, for error messages: "train.tfrecord @ byte 40960".

    Returns:
        `(context, sequences)`. A `FixedLenFeature` gives an array of its shape, a
        `FixedLenSequenceFeature` one of `[steps, *shape]`; int64, float32, or objects that are
        bytes. A `VarLenFeature` gives `SparseValues`: `[values]` with indices `[value]` in the
        context, `[steps, longest step]` with indices `[step, value]` in the sequences.

    Raises:
        TypeError: `serialized` is not bytes, or a specification is not one.
        ValueError: there is no specification, or one of a kind that does not belong there.
        FeatureError: the bytes are no SequenceExample, or do not hold what is specified.
    """
    if not isinstance(serialized, bytes | bytearray | memoryview):
        raise TypeError(f"serialized: expected bytes, found {type(serialized).__name__}")
    plan = _checked_plan(context_features, sequence_features)
    return plan.read_each([serialized], lambda _: at)[0]


def parse_each_sequence_example(
    serialized: Serialized,
    context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None,
    example_names: Sequence[str] | None = None,
) -> list[tuple[dict[str, Parsed], dict[str, Parsed]]]:
    """Parses serialized SequenceExamples, each into what `parse_single_sequence_example` gives.

    All of them are one call of the native core, which is several times as fast as one by one. The
    arrays of a message are views of arrays of all, and keep these in memory.

    Args:
        serialized: the messages; or many in one buffer, as a `varlen.records.RecordBlock`.
        context_features: as for `parse_single_sequence_example`.
        sequence_features: likewise.
        example_names: where each message came from, for error messages.

    Returns:
        `(context, sequences)` for each message.

    Raises:
        TypeError: `serialized` is no list of bytes and no block, or a specification is not one.
        ValueError: there is no specification, or one of a kind that does not belong there.
        FeatureError: a message is no SequenceExample, or does not hold what is specified.
    """
    messages, place = as_messages(serialized, example_names)
    plan = _checked_plan(context_features, sequence_features)
    return plan.read_each(messages, place, max_threads=num_processors())


def parse_sequence_example(
    serialized: Serialized,
    context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None,
    example_names: Sequence[str] | None = None,
) -> tuple[dict[str, Parsed], dict[str, Parsed], dict[str, npt.NDArray[np.int64]]]:
    """Parses a batch of serialized SequenceExamples, as TensorFlow 1.15 does.

    What holds for one message is as in `parse_single_sequence_example`. A batch may be empty.

    Args:
        serialized: the messages; or many in one buffer, as a `varlen.records.RecordBlock`.
        context_features: by name, `FixedLenFeature` or `VarLenFeature`. As in TensorFlow, a default
            must have the very shape here, and is not brought into it.
        sequence_features: by name, `FixedLenSequenceFeature` or `VarLenFeature`.
        example_names: where each message came from, for error messages.

    Returns:
        `(context, sequences, lengths)`. A `FixedLenFeature` gives `[batch, *shape]`; a
        `FixedLenSequenceFeature` `[batch, most steps, *shape]`, padded with 0 or b"", and in
        `lengths` the steps of each message, `[batch]`. A `VarLenFeature` gives `SparseValues`:
        `[batch, most values]` in the context, `[batch, most steps, longest step]` in the sequences.

    Raises:
        TypeError: `serialized` is no list of bytes and no block, or a specification is not one.
        ValueError: there is no specification, one of a kind that does not belong there, or a
            default of another shape.
        FeatureError: a message is no SequenceExample, or does not hold what is specified.
    """
    for name, spec in (context_features or {}).items():
        _check_default_shape(name, spec)
    context, lists = decode_sequence_examples(
        serialized, context_features, sequence_features, padded=True, example_names=example_names
    )
    sequences: dict[str, Parsed] = {}
    lengths = {}
    for name, rows in lists.items():
        if isinstance(rows, PaddedSequence):
            sequences[name], lengths[name] = rows
        elif isinstance(rows, SparseValues):
            sequences[name] = rows
    return context, sequences, lengths


def decode_sequence_examples(
    serialized: Serialized,
    context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None,
    *,
    padded: bool = False,
    threads: int | None = None,
    example_names: Sequence[str] | None = None,
) -> tuple[dict[str, Parsed], dict[str, Rows]]:
    """Decodes a batch of serialized SequenceExamples into sequences with their lengths.

    The whole batch is one call of the native core, which makes no Python object per number, lets
    other Python threads run, and uses several threads of its own if there is much to decode.

    Args:
        serialized: the messages; or many in one buffer, as a `varlen.records.RecordBlock`.
        context_features: by name, `FixedLenFeature` or `VarLenFeature`.
        sequence_features: by name, `FixedLenSequenceFeature` or `VarLenFeature`.
        padded: sequences come in blocks, padded with 0 or b"".
        threads: at most this many; None for as many as this process may use.
        example_names: where each message came from, for error messages. Only that of a message
            that fails is looked at.

    Returns:
        `(context, sequences)`. A `FixedLenSequenceFeature` gives `JaggedSequence` with values
        `[steps of all messages, *shape]`, or, if `padded`, `PaddedSequence` with data
        `[batch, most steps, *shape]`. All else is as in `parse_sequence_example`.

    Raises:
        TypeError: `serialized` is no list of bytes and no block, or a specification is not one.
        ValueError: there is no specification, one of a kind that does not belong there, or fewer
            than 1 thread.
        FeatureError: a message is no SequenceExample, or does not hold what is specified.
    """
    messages, place = as_messages(serialized, example_names)
    plan = _checked_plan(context_features, sequence_features)
    if threads is not None:
        checked_integer("threads", threads, at_least=1)
    num_threads = num_processors() if threads is None else threads
    return plan.read(messages, place, padded=padded, max_threads=num_threads)


class _Plan(NamedTuple):
    """Specifications in the order in which they were given, and what reads their columns."""

    context: dict[str, FixedLenFeature | VarLenFeature]
    sequences: dict[str, FixedLenSequenceFeature | VarLenFeature]
    reader: ColumnReader

    def read(
        self, messages: Messages, place: Place, *, padded: bool = False, max_threads: int = 1
    ) -> tuple[dict[str, Parsed], dict[str, Rows]]:
        columns = iter(self.reader.read(messages, place, padded=padded, max_threads=max_threads))
        context: dict[str, Parsed] = {
            name: _assemble.fixed(column, spec)
            if isinstance(spec, FixedLenFeature)
            else _assemble.sparse(column)
            for (name, spec), column in zip(self.context.items(), columns, strict=False)
        }
        sequences = {
            name: _sequence(column, spec, padded=padded)
            for (name, spec), column in zip(self.sequences.items(), columns, strict=True)
        }
        return context, sequences

    def read_each(
        self, messages: Messages, place: Place, *, max_threads: int = 1
    ) -> list[tuple[dict[str, Parsed], dict[str, Parsed]]]:
        columns = iter(self.reader.read(messages, place, max_threads=max_threads))
        context: list[Sequence[Parsed]] = [
            _assemble.each_fixed(column, spec)
            if isinstance(spec, FixedLenFeature)
            else _assemble.each_sparse(column)
            for spec, column in zip(self.context.values(), columns, strict=False)
        ]
        sequences: list[Sequence[Parsed]] = [
            _assemble.each_sparse_steps(column)
            if isinstance(spec, VarLenFeature)
            else _assemble.each_steps(column, spec)
            for spec, column in zip(self.sequences.values(), columns, strict=True)
        ]
        return [
            (
                {name: values[number] for name, values in zip(self.context, context, strict=True)},
                {name: rows[number] for name, rows in zip(self.sequences, sequences, strict=True)},
            )
            for number in range(len(messages))
        ]


def _sequence(
    column: Column, spec: FixedLenSequenceFeature | VarLenFeature, *, padded: bool
) -> Rows:
    if isinstance(spec, VarLenFeature):
        return _assemble.sparse_steps(column)
    if not padded:
        return _assemble.steps(column, spec)
    shape = (*column.values.shape[:2], *spec.shape)
    return PaddedSequence(column.values.reshape(shape), _assemble.counts(column))


def _checked_plan(
    context_features: Mapping[str, Any] | None, sequence_features: Mapping[str, Any] | None
) -> _Plan:
    context, sequences = context_features or {}, sequence_features or {}
    if not context and not sequences:
        raise ValueError("expected context_features or sequence_features, found neither")
    for name, spec in context.items():
        check_name("context_features", name)
        check_spec(f"context_features[{name!r}]", spec, (FixedLenFeature, VarLenFeature))
    for name, spec in sequences.items():
        check_name("sequence_features", name)
        argument = f"sequence_features[{name!r}]"
        check_spec(argument, spec, (FixedLenSequenceFeature, VarLenFeature))
        if isinstance(spec, FixedLenSequenceFeature) and spec.default_value is not None:
            raise ValueError(
                f"{argument}: expected no default_value, since a feature list is padded with "
                f"nothing of its own, found {spec.default_value!r}"
            )
    return _plan(tuple(context.items()), tuple(sequences.items()))


# Specifications are the same for every batch of a run, and a plan is made of nothing else.
@lru_cache(maxsize=64)
def _plan(context: tuple[tuple[str, Any], ...], sequences: tuple[tuple[str, Any], ...]) -> _Plan:
    features = [
        Request(
            "context",
            name,
            spec.dtype,
            getattr(spec, "size", None),
            isinstance(spec, FixedLenFeature) and spec.default_value is None,
            spec,
        )
        for name, spec in context
    ]
    lists = [
        Request(
            "feature_lists",
            name,
            spec.dtype,
            getattr(spec, "size", None),
            isinstance(spec, FixedLenSequenceFeature) and not spec.allow_missing,
            spec,
        )
        for name, spec in sequences
    ]
    reader = ColumnReader("SequenceExample", [*features, *lists])
    return _Plan(dict(context), dict(sequences), reader)


def _check_default_shape(name: str, spec: Any) -> None:
    if not isinstance(spec, FixedLenFeature) or spec.default_value is None:
        return
    found = np.array(spec.default_value, object).shape
    if found != tuple(spec.shape):
        raise ValueError(
            f"context_features[{name!r}]: expected a default_value of shape {tuple(spec.shape)}, "
            f"found shape {found}"
        )
