import pickle
import subprocess
import sys

import pytest
from google.protobuf import descriptor_pool

import varlen
from varlen import Example, SequenceExample, features
from varlen.errors import FeatureError
from wire_messages import delimited


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


class TestReadFeatures:
    def test_gives_what_the_message_holds(self):
        found = features.read_features(
            features.sequence_example({"c": [1, 2]}, {"s": [["a"], ["b", "c"]]})
        )
        assert list(found.context["c"].int64_list.value) == [1, 2]
        steps = [list(step.bytes_list.value) for step in found.feature_lists["s"].feature]
        assert steps == [[b"a"], [b"b", b"c"]]

    def test_an_example_has_no_lists(self):
        found = features.read_features(bytearray(features.example({"a": 0.5})))
        assert list(found.context["a"].float_list.value) == [0.5]
        assert found.feature_lists == {}

    def test_keeps_a_feature_with_an_unknown_field(self):
        feature = delimited(3, delimited(1, b"\x05"))
        entry = delimited(1, b"a") + delimited(2, feature) + b"\x48\x4d"
        found = features.read_features(delimited(1, delimited(1, entry)))
        assert list(found.context["a"].int64_list.value) == [5]

    def test_of_several_with_one_name_the_last_counts(self):
        made = [features.example({"a": n}) for n in (1, 2)]
        found = features.read_features(b"".join(made))
        assert list(found.context["a"].int64_list.value) == [2]

    def test_other_bytes_are_refused(self):
        with pytest.raises(
            FeatureError, match=r"no SequenceExample and no Example\n  at f @ byte 7"
        ):
            features.read_features(b"\xff", at="f @ byte 7")
