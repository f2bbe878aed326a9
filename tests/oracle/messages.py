"""Messages, as protobuf reads them."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from varlen import features
from varlen.features._messages import EntriesExample, EntriesSequenceExample, by_name

from .case import Case
from .records import read

MESSAGES = {"Example": features.Example, "SequenceExample": features.SequenceExample}
ENTRIES = {"Example": EntriesExample, "SequenceExample": EntriesSequenceExample}


def covers(case: Case) -> None:
    assert case.entry["api"] in MESSAGES


def run(case: Case) -> None:
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
