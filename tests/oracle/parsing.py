"""Messages: as protobuf reads them, and parsed by a specification."""

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jaxtyping
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from varlen import features
from varlen.errors import FeatureError
from varlen.features._messages import EntriesExample, EntriesSequenceExample, by_name
from varlen.sequences import SparseValues

from .case import Case, LeftOut, assert_equal
from .records import read

MESSAGES = {"Example": features.Example, "SequenceExample": features.SequenceExample}
ENTRIES = {"Example": EntriesExample, "SequenceExample": EntriesSequenceExample}
SPECS = {
    name: getattr(features, name)
    for name in ("FixedLenFeature", "FixedLenSequenceFeature", "VarLenFeature")
}
ERRORS = {"InvalidArgument": FeatureError, "ValueError": ValueError, "TypeError": TypeError}
PARSE_ONE = "parse_single_sequence_example"


def covers_messages(case: Case) -> None:
    if case.entry["api"] not in MESSAGES:
        raise LeftOut(f"{case.entry['api']} messages are not covered yet")


def run_messages(case: Case) -> None:
    api, labels = case.entry["api"], case.entry["labels"]
    serialized = case.strings("serialized").tolist()
    for label, data, expected in zip(labels, serialized, case.entry["proto"], strict=True):
        if expected is not None and data.endswith(b"\0") and _decoded(MESSAGES[api], data) is None:
            # The recorded library stops at field number 0, which is invalid; ours refuses it.
            data = data[:-1]
        assert _as_json(_decoded(ENTRIES[api], data)) == expected, label
        message = _decoded(MESSAGES[api], data)
        if not _has_entries_set_aside(message):
            assert _as_json(message) == expected, label
    for path, compression in case.entry["tfrecords"]:
        delivered, error = read(case.path(path), compression or None)
        assert error is None
        assert delivered == serialized, path


def _decoded(message_class: Any, data: bytes) -> Any:
    try:
        return message_class.FromString(data)
    except DecodeError:
        return None


def _has_entries_set_aside(message: Any) -> bool:
    """Whether protobuf took a map entry with an unknown field for an unknown field itself."""
    if message is None:
        return False
    parts = [getattr(message, field.name) for field in message.DESCRIPTOR.fields]
    return any(field.field_number == 1 for part in parts for field in UnknownFieldSet(part))


def _as_json(message: Any) -> dict | None:
    """A message in the form of the case files; None if it could not be decoded."""
    if message is None:
        return None
    if message.DESCRIPTOR.name == "Example":
        return _features_as_json(message.features)
    return {
        "context": _features_as_json(message.context),
        "feature_lists": {
            name: [_feature_as_json(step) for step in steps.feature]
            for name, steps in _items(message.feature_lists.feature_list)
        },
    }


def _features_as_json(message: Any) -> dict:
    return {name: _feature_as_json(feature) for name, feature in _items(message.feature)}


def _items(entries: Any) -> Any:
    return (entries if isinstance(entries, Mapping) else by_name(entries)).items()


def _feature_as_json(feature: Any) -> dict | None:
    kind = feature.WhichOneof("kind")
    if kind is None:
        return None
    as_json: Callable[[Any], Any] = {
        "bytes_list": lambda value: base64.b64encode(value).decode(),
        "float_list": repr,
        "int64_list": int,
    }[kind]
    return {kind: [as_json(value) for value in getattr(feature, kind).value]}


def covers_parse(case: Case) -> None:
    if PARSE_ONE not in case.entry["outcomes"]:
        raise LeftOut("only parse_single_sequence_example is covered yet")
    for key in ("context_features", "sequence_features"):
        for spec in (case.entry[key] or {}).values():
            if spec["type"] not in SPECS:
                raise LeftOut(f"{spec['type']} is not covered yet")


def run_parse(case: Case) -> None:
    outcomes = case.entry["outcomes"][PARSE_ONE]
    serialized = case.strings("serialized").tolist()
    if isinstance(outcomes, dict):
        error = ERRORS[outcomes["type"] or outcomes["code"]]
        assert type(_error_of_all(case, serialized)) is error
        return
    specs = [_specs(case.entry[key]) for key in ("context_features", "sequence_features")]
    for number, (data, outcome) in enumerate(zip(serialized, outcomes, strict=True)):
        if outcome is not None:
            assert type(_error(data, *specs)) is ERRORS[outcome], case.entry["examples"][number]
            continue
        parsed = features.parse_single_sequence_example(data, *specs)
        for part, found in zip(("context", "sequence"), parsed, strict=True):
            for name, value in found.items():
                _compare(case, value, f"{PARSE_ONE}/{number:03}/{part}/{name}")


def _error_of_all(case: Case, serialized: list[bytes]) -> Exception | None:
    """The error of a call that TensorFlow refuses before it looks at any message."""
    try:
        with _annotations_unchecked():
            specs = [_specs(case.entry[key]) for key in ("context_features", "sequence_features")]
    except (TypeError, ValueError) as error:
        return error
    return _error(serialized[0], *specs)


def _error(data: bytes, context: dict | None, sequences: dict | None) -> Exception | None:
    try:
        features.parse_single_sequence_example(data, context, sequences)
    except (TypeError, ValueError) as error:
        return error
    return None


def _specs(described: dict[str, dict[str, Any]] | None) -> dict[str, Any] | None:
    if described is None:
        return None
    return {
        name: SPECS[spec["type"]](**{key: spec[key] for key in spec if key != "type"})
        for name, spec in described.items()
    }


@contextmanager
def _annotations_unchecked() -> Iterator[None]:
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


def _compare(case: Case, value: Any, key: str) -> None:
    if isinstance(value, SparseValues):
        for field, part in value._asdict().items():
            _compare(case, part, f"{key}/{field}")
        return
    expected = case.arrays[key] if key in case.arrays else case.strings(key)
    assert value.dtype == expected.dtype, key
    assert_equal(value, expected, key)
