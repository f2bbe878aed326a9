"""Parsing one SequenceExample into arrays, with the semantics of TensorFlow 1.15."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from varlen.errors import FeatureError, did_you_mean
from varlen.sequences import SparseValues

from ._kinds import FIELDS, field_name, kind_name
from ._messages import EntriesSequenceExample, by_name
from ._specs import FixedLenFeature, FixedLenSequenceFeature, VarLenFeature, default_array

ContextSpec = FixedLenFeature | VarLenFeature
SequenceSpec = FixedLenSequenceFeature | VarLenFeature
Parsed = npt.NDArray[Any] | SparseValues


def parse_single_sequence_example(
    serialized: bytes,
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
    if not isinstance(serialized, bytes):
        raise TypeError(f"serialized: expected bytes, found {type(serialized).__name__}")
    _check_specs(context_features or {}, sequence_features or {})
    try:
        message = EntriesSequenceExample.FromString(serialized)
    except DecodeError:
        raise FeatureError(
            f"expected a serialized SequenceExample, found {len(serialized)} bytes that are not "
            "one",
            at=at,
        ) from None
    features = by_name(message.context.feature)
    feature_lists = by_name(message.feature_lists.feature_list)
    context = {
        name: _parse_feature(features, name, spec, at)
        for name, spec in (context_features or {}).items()
    }
    sequences = {
        name: _parse_list(feature_lists, name, spec, at)
        for name, spec in (sequence_features or {}).items()
    }
    return context, sequences


def _check_specs(context: Mapping[str, Any], sequences: Mapping[str, Any]) -> None:
    if not context and not sequences:
        raise ValueError("expected context_features or sequence_features, found neither")
    for name, spec in context.items():
        _check_spec(f"context_features[{name!r}]", spec, (FixedLenFeature, VarLenFeature))
    for name, spec in sequences.items():
        argument = f"sequence_features[{name!r}]"
        _check_spec(argument, spec, (FixedLenSequenceFeature, VarLenFeature))
        if isinstance(spec, FixedLenSequenceFeature) and spec.default_value is not None:
            raise ValueError(
                f"{argument}: expected no default_value, since a feature list alone is not padded, "
                f"found {spec.default_value!r}"
            )


def _check_spec(argument: str, spec: Any, allowed: tuple[type, ...]) -> None:
    if isinstance(spec, allowed):
        return
    problem = f"{argument}: expected {' or '.join(a.__name__ for a in allowed)}, found {spec!r}"
    if isinstance(spec, FixedLenFeature | FixedLenSequenceFeature | VarLenFeature):
        raise ValueError(problem)
    raise TypeError(problem)


def _parse_feature(
    features: dict[str, Any], name: str, spec: ContextSpec, at: str | None
) -> Parsed:
    feature = features.get(name)
    kind = None if feature is None else feature.WhichOneof("kind")
    if kind not in (None, FIELDS[spec.dtype]):
        raise _mismatch(spec, "", field_name(kind), _path(at, f"context.{name}"))
    values = [] if kind is None else getattr(feature, kind).value
    if isinstance(spec, VarLenFeature):
        return SparseValues(
            indices=np.arange(len(values))[:, None],
            values=np.array(values, spec.dtype),
            dense_shape=np.array([len(values)]),
        )
    if kind is None and spec.default_value is not None:
        return default_array(spec)
    if kind is None and feature is not None:
        raise _mismatch(spec, "", "no values of any kind", _path(at, f"context.{name}"))
    if kind is None:
        raise _missing("context feature", name, features, at)
    if len(values) != spec.size:
        raise _mismatch(spec, "", str(len(values)), _path(at, f"context.{name}"))
    return np.array(values, spec.dtype).reshape(tuple(spec.shape))


def _parse_list(lists: dict[str, Any], name: str, spec: SequenceSpec, at: str | None) -> Parsed:
    steps = lists[name].feature if name in lists else ()
    path = _path(at, f"feature_lists.{name}")
    if isinstance(spec, VarLenFeature):
        return _parse_ragged_steps(steps, spec, path)
    if name not in lists and not spec.allow_missing:
        raise _missing("feature list", name, lists, at)
    return _parse_equal_steps(steps, spec, path)


def _parse_equal_steps(
    steps: Collection[Any], spec: FixedLenSequenceFeature, path: str
) -> npt.NDArray[Any]:
    field, size = FIELDS[spec.dtype], spec.size
    values: list[Any] = []
    for number, step in enumerate(steps):
        found = getattr(step, field).value
        if len(found) != size or not step.HasField(field):
            kind = step.WhichOneof("kind")
            text = str(len(found)) if kind == field else field_name(kind)
            raise _mismatch(spec, " per step", text, f"{path}[{number}]")
        values.extend(found)
    return np.array(values, spec.dtype).reshape(len(steps), *spec.shape)


def _parse_ragged_steps(steps: Collection[Any], spec: VarLenFeature, path: str) -> SparseValues:
    field = FIELDS[spec.dtype]
    values: list[Any] = []
    counts = np.zeros(len(steps), np.int64)
    for number, step in enumerate(steps):
        kind = step.WhichOneof("kind")
        if kind not in (None, field):
            raise _mismatch(spec, " per step", field_name(kind), f"{path}[{number}]")
        found = getattr(step, field).value
        values.extend(found)
        counts[number] = len(found)
    of_step = np.repeat(np.arange(len(counts)), counts)
    in_step = np.arange(len(values)) - np.repeat(counts.cumsum() - counts, counts)
    return SparseValues(
        indices=np.stack([of_step, in_step], axis=1),
        values=np.array(values, spec.dtype),
        dense_shape=np.array([len(counts), counts.max(initial=0)]),
    )


def _path(at: str | None, path: str) -> str:
    return path if at is None else f"{at}: {path}"


def _missing(what: str, name: str, there: Iterable[str], at: str | None) -> FeatureError:
    return FeatureError(
        f"no {what} named {name!r}", at=at, hint=f"in this record {did_you_mean(name, there)}"
    )


def _mismatch(spec: ContextSpec | SequenceSpec, each: str, found: str, path: str) -> FeatureError:
    count = "" if isinstance(spec, VarLenFeature) else f"{spec.size} "
    return FeatureError(
        f"expected {count}{kind_name(spec.dtype)}{each}, found {found}",
        at=path,
        hint=f"the spec is {spec}",
    )
