"""Parsing Examples into arrays, one or a batch, with the semantics of TensorFlow."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy.typing as npt

from varlen.sequences import RaggedValues, SparseValues

from . import _assemble
from ._checks import ALL_SPECS, check_name, check_spec
from ._columns import ColumnReader, num_processors
from ._combined_specs import RaggedFeature, SparseFeature, UniformRowLength
from ._kinds import int64, kind_name
from ._ragged import ragged
from ._requests import Column, Place, Request
from ._serialized import Messages, Serialized, as_messages
from ._specs import FixedLenFeature, FixedLenSequenceFeature

Parsed = npt.NDArray[Any] | SparseValues | RaggedValues


def parse_example(
    serialized: Serialized,
    features: Mapping[str, Any],
    example_names: Sequence[str] | None = None,
) -> dict[str, Parsed]:
    """Parses a batch of serialized Examples into a dict of arrays, as TensorFlow does.

    Bytes are read by the general rules of protobuf: unknown fields are skipped, the last of
    several entries of one name counts. Features that no specification asks for are not looked at.
    A feature without a kind counts as missing; one of another kind is an error, even if empty.

    Args:
        serialized: the messages; or many in one buffer, as a `varlen.records.RecordBlock`.
        features: specifications by name.
        example_names: where each message came from, for error messages.

    Returns:
        By name, int64, float32, or objects that are bytes:
        `FixedLenFeature`: `[batch, *shape]`.
        `FixedLenSequenceFeature`: `[batch, most rows, *shape]`, padded with its default, 0 or b"".
        `VarLenFeature`: `SparseValues` of shape `[batch, most values]`.
        `SparseFeature`: `SparseValues` of shape `[batch, *size]`, sorted by position.
        `RaggedFeature`: `RaggedValues`, of which the batch is the outermost dimension.

    Raises:
        TypeError: `serialized` is no list of bytes and no block, or a specification is not one.
        ValueError: there is no specification, a `FixedLenSequenceFeature` that does not allow
            missing, or one feature is asked for as values of several kinds.
        FeatureError: a message is no Example, or does not hold what is specified.
    """
    messages, place = as_messages(serialized, example_names)
    return _checked_plan(features).read(messages, place, batched=True, max_threads=num_processors())


def parse_single_example(
    serialized: bytes | bytearray | memoryview,
    features: Mapping[str, Any],
    *,
    at: str | None = None,
) -> dict[str, Parsed]:
    """Parses one serialized Example into a dict of arrays, as TensorFlow does.

    As `parse_example` of a batch of one, without the dimension of the batch. A `RaggedFeature`
    without any ragged dimension gives an array, and splits are those that are stored.

    Args:
        serialized: one message.
        features: specifications by name.
        at: where the message came from, for error messages: "train.tfrecord @ byte 40960".

    Raises:
        TypeError: `serialized` is not bytes, or a specification is not one.
        ValueError: as `parse_example`.
        FeatureError: the bytes are no Example, or do not hold what is specified.
    """
    if not isinstance(serialized, bytes | bytearray | memoryview):
        raise TypeError(f"serialized: expected bytes, found {type(serialized).__name__}")
    return _checked_plan(features).read([serialized], lambda _: at, batched=False)


class _Part(NamedTuple):
    """A specification, and the columns that it is answered from."""

    name: str
    spec: Any
    requests: tuple[Request, ...]

    def assemble(self, columns: Sequence[Column], place: Place, *, batched: bool) -> Parsed:
        spec = self.spec
        if isinstance(spec, RaggedFeature):
            return ragged(columns, self.requests, spec, place, batched=batched)
        value: Parsed
        if isinstance(spec, FixedLenFeature):
            value = _assemble.fixed(columns[0], spec)
        elif isinstance(spec, FixedLenSequenceFeature):
            value = _assemble.rows(columns[0], self.requests[0], spec, place)
        elif isinstance(spec, SparseFeature):
            value = _assemble.at_positions(columns[1:], columns[0], self.requests[0], spec, place)
        else:
            value = _assemble.sparse(columns[0])
        if not batched:
            value = _assemble.only(value)
        return value


class _Plan(NamedTuple):
    parts: tuple[_Part, ...]
    reader: ColumnReader

    def read(
        self, messages: Messages, place: Place, *, batched: bool, max_threads: int = 1
    ) -> dict[str, Parsed]:
        columns = self.reader.read(messages, place, max_threads=max_threads)
        parsed = {}
        taken = 0
        for part in self.parts:
            its_own = columns[taken : taken + len(part.requests)]
            parsed[part.name] = part.assemble(its_own, place, batched=batched)
            taken += len(part.requests)
        return parsed


def _checked_plan(features: Mapping[str, Any]) -> _Plan:
    if not features:
        raise ValueError("features: expected at least one specification, found none")
    for name, spec in features.items():
        check_name("features", name)
        argument = f"features[{name!r}]"
        check_spec(argument, spec, ALL_SPECS)
        if isinstance(spec, FixedLenSequenceFeature) and not spec.allow_missing:
            raise ValueError(
                f"{argument}: expected allow_missing=True, since an Example cannot tell a feature "
                "without rows from one that is missing"
            )
    return _plan(tuple(features.items()))


@lru_cache(maxsize=64)
def _plan(features: tuple[tuple[str, Any], ...]) -> _Plan:
    parts = tuple(_Part(name, spec, _requests(name, spec)) for name, spec in features)
    _check_kinds(parts)
    requests = [request for part in parts for request in part.requests]
    return _Plan(parts, ColumnReader("Example", requests))


def _requests(name: str, spec: Any) -> tuple[Request, ...]:
    """One for the values, and then one for each feature that says where they belong."""

    def request(key: str, kind: Any = int64) -> Request:
        return Request("features", key, kind, None, False, spec)

    if isinstance(spec, FixedLenFeature):
        is_required = spec.default_value is None
        return (Request("features", name, spec.dtype, spec.size, is_required, spec),)
    if isinstance(spec, SparseFeature):
        return (request(spec.value_key, spec.dtype), *map(request, spec.index_keys))
    if isinstance(spec, RaggedFeature):
        keys = [p.key for p in spec.partitions if not isinstance(p, UniformRowLength)]
        return (request(spec.value_key or name, spec.dtype), *map(request, keys))
    return (request(name, spec.dtype),)


def _check_kinds(parts: Sequence[_Part]) -> None:
    """Checks that no feature is asked for as values of two kinds, since none could be both."""
    first: dict[str, tuple[str, Any]] = {}
    for part in parts:
        for request in part.requests:
            name, kind = first.setdefault(request.name, (part.name, request.kind))
            if kind != request.kind:
                raise ValueError(
                    f"features: expected one kind of values of {request.name!r}, found "
                    f"{kind_name(kind)} for {name!r} and {kind_name(request.kind)} for "
                    f"{part.name!r}"
                )
