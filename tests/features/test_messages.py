import pickle
import subprocess
import sys

import pytest
from google.protobuf import descriptor_pool

import varlen
from varlen import Example, SequenceExample, features


def test_are_used_as_in_tensorflow():
    example = SequenceExample()
    example.context.feature["length"].int64_list.value.append(3)
    for token in (1, 2, 3):
        step = example.feature_lists.feature_list["tokens"].feature.add()
        step.int64_list.value.append(token)

    again = SequenceExample.FromString(example.SerializeToString())

    assert again == example
    assert list(again.context.feature["length"].int64_list.value) == [3]
    steps = again.feature_lists.feature_list["tokens"].feature
    assert [step.int64_list.value[0] for step in steps] == [1, 2, 3]


def test_bytes_are_those_of_the_format():
    # Tags by hand: field << 3 | wire type, here always 2, followed by the number of bytes.
    example = Example()
    example.features.feature["a"].int64_list.value.extend([1, 300])
    int64_list = b"\x0a\x03\x01\xac\x02"
    feature = b"\x1a\x05" + int64_list
    entry = b"\x0a\x01a" + b"\x12\x07" + feature
    assert example.SerializeToString() == b"\x0a\x0e" + b"\x0a\x0c" + entry


@pytest.mark.parametrize(
    ("field", "number", "value", "wire"),
    [
        ("bytes_list", 1, b"x", b"\x0a\x01x"),
        ("float_list", 2, 0.5, b"\x0a\x04\x00\x00\x00\x3f"),
        ("int64_list", 3, -1, b"\x0a\x0a" + b"\xff" * 9 + b"\x01"),
    ],
)
def test_every_kind_has_its_field(field, number, value, wire):
    feature = features.Feature()
    assert feature.WhichOneof("kind") is None
    getattr(feature, field).value.append(value)
    assert feature.WhichOneof("kind") == field
    assert feature.SerializeToString() == bytes([number << 3 | 2, len(wire)]) + wire


def test_one_kind_at_a_time():
    feature = features.Feature()
    feature.int64_list.value.append(1)
    feature.float_list.value.append(1.0)
    assert not feature.HasField("int64_list")


@pytest.mark.parametrize(
    "name",
    [name for name in features.__all__ if hasattr(getattr(features, name), "FromString")],
)
def test_every_message_is_public_and_pickles(name):
    message = getattr(features, name)()
    assert type(message).__name__ == name
    assert message.DESCRIPTOR.full_name == f"tensorflow.{name}"
    assert pickle.loads(pickle.dumps(message)) == message


def test_leave_the_common_pool_to_tensorflow():
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("tensorflow.Example")


def test_records_and_features_come_without_torch():
    program = (
        "import sys, varlen\n"
        f"for name in {[*varlen.records.__all__, *features.__all__]}:\n"
        "    getattr(varlen.records, name, None) or getattr(varlen.features, name)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
