"""Example and SequenceExample as protobuf messages, wire compatible with TensorFlow's.

    Example          features = 1: Features
    SequenceExample  context = 1: Features, feature_lists = 2: FeatureLists
    Features         feature = 1: map from string to Feature
    FeatureLists     feature_list = 1: map from string to FeatureList
    FeatureList      feature = 1: repeated Feature
    Feature          one of: bytes_list = 1, float_list = 2, int64_list = 3
    BytesList, FloatList, Int64List   value = 1: repeated bytes, float, int64

The descriptors are built here, in a pool of our own: there is no generated code to keep in step
with protobuf's version, and an imported TensorFlow, which registers the same names, is not
disturbed.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from varlen.errors import FeatureError

_PACKAGE = "tensorflow"
_Field = descriptor_pb2.FieldDescriptorProto


def _file(*, maps: bool) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="varlen/example.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, kind in (
        ("BytesList", _Field.TYPE_BYTES),
        ("FloatList", _Field.TYPE_FLOAT),
        ("Int64List", _Field.TYPE_INT64),
    ):
        message = file.message_type.add(name=name)
        message.field.add(name="value", number=1, type=kind, label=_Field.LABEL_REPEATED)

    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (name, list_name) in enumerate(
        (("bytes_list", "BytesList"), ("float_list", "FloatList"), ("int64_list", "Int64List")), 1
    ):
        _add_message_field(feature, name, number, list_name).oneof_index = 0

    feature_list = file.message_type.add(name="FeatureList")
    _add_message_field(feature_list, "feature", 1, "Feature", label=_Field.LABEL_REPEATED)
    features = file.message_type.add(name="Features")
    _add_entries(features, "feature", "Feature", are_map=maps)
    feature_lists = file.message_type.add(name="FeatureLists")
    _add_entries(feature_lists, "feature_list", "FeatureList", are_map=maps)
    _add_message_field(file.message_type.add(name="Example"), "features", 1, "Features")
    sequence_example = file.message_type.add(name="SequenceExample")
    _add_message_field(sequence_example, "context", 1, "Features")
    _add_message_field(sequence_example, "feature_lists", 2, "FeatureLists")
    return file


def _add_message_field(
    message: descriptor_pb2.DescriptorProto,
    name: str,
    number: int,
    type_name: str,
    *,
    label: _Field.Label.ValueType = _Field.LABEL_OPTIONAL,
) -> _Field:
    return message.field.add(
        name=name,
        number=number,
        type=_Field.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.{type_name}",
        label=label,
    )


def _add_entries(
    message: descriptor_pb2.DescriptorProto, name: str, value_type: str, *, are_map: bool
) -> None:
    """A map is a repeated message of key and value, marked by its name and an option."""
    entry_name = "".join(part.capitalize() for part in name.split("_")) + "Entry"
    entry = message.nested_type.add(name=entry_name)
    entry.options.map_entry = are_map
    entry.field.add(name="key", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    _add_message_field(entry, "value", 2, value_type)
    _add_message_field(
        message, name, 1, f"{message.name}.{entry_name}", label=_Field.LABEL_REPEATED
    )


def _pool(*, maps: bool) -> Any:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_file(maps=maps))
    return pool


_with_maps = _pool(maps=True)
_with_entries = _pool(maps=False)


def _message_class(name: str, pool: Any = _with_maps) -> Any:
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
    message.__module__ = "varlen.features"  # where pickle looks for it
    return message


BytesList = _message_class("BytesList")
FloatList = _message_class("FloatList")
Int64List = _message_class("Int64List")
Feature = _message_class("Feature")
Features = _message_class("Features")
FeatureList = _message_class("FeatureList")
FeatureLists = _message_class("FeatureLists")
Example = _message_class("Example")
SequenceExample = _message_class("SequenceExample")

# The same bytes with repeated entries in place of maps, for parsing: protobuf for Python sets a map
# entry aside that has an unknown field, so that a feature written by a newer schema would be lost.
EntriesExample = _message_class("Example", _with_entries)
EntriesSequenceExample = _message_class("SequenceExample", _with_entries)


class NamedFeatures(NamedTuple):
    """What is in a SequenceExample, or in an Example, which is one without feature lists.

    Attributes:
        context: by name, `Feature` messages.
        feature_lists: by name, `FeatureList` messages.
    """

    context: dict[str, Any]
    feature_lists: dict[str, Any]


def read_features(
    serialized: bytes | bytearray | memoryview, *, at: str | None = None
) -> NamedFeatures:
    """All features of one serialized message, whatever they are, by the rules of protobuf.

    For code that looks at values one by one; `decode_sequence_examples` gives arrays, and is many
    times as fast. `SequenceExample.FromString` loses a feature whose map entry has an unknown
    field, as protobuf for Python has it; this does not.

    Args:
        serialized: a SequenceExample or an Example.
        at: where it came from, for error messages: "train.tfrecord @ byte 40960".

    Raises:
        FeatureError: the bytes are neither.
    """
    try:
        message = EntriesSequenceExample.FromString(bytes(serialized))
    except DecodeError:
        raise FeatureError("the record is no SequenceExample and no Example", at=at) from None
    return NamedFeatures(
        by_name(message.context.feature), by_name(message.feature_lists.feature_list)
    )


def by_name(entries: Iterable[Any]) -> dict[str, Any]:
    """What a map of these entries holds: of several with one key, the last."""
    return {entry.key: entry.value for entry in entries}
