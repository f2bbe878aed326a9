"""Counting steps, compiled and plain, against the messages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen import Example, SequenceExample, _native
from varlen._native import _reference_steps

VERSIONS = [_reference_steps.count_steps]
if _native.NATIVE:
    VERSIONS.append(_native.count_steps)

NAMES = st.sampled_from(["a", "b", ""])
VALUES = st.one_of(
    st.tuples(st.just("int64_list"), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4)),
    st.tuples(st.just("float_list"), st.lists(st.floats(width=32), max_size=4)),
    st.tuples(st.just("bytes_list"), st.lists(st.binary(max_size=9), max_size=4)),
    st.tuples(st.none(), st.none()),
)


def fill(feature, value):
    kind, values = value
    if kind is not None:
        getattr(feature, kind).SetInParent()
        getattr(feature, kind).value.extend(values)


@st.composite
def sequence_examples(draw):
    example = SequenceExample()
    for name, value in draw(st.dictionaries(NAMES, VALUES)).items():
        fill(example.context.feature[name], value)
    for name, steps in draw(st.dictionaries(NAMES, st.lists(VALUES, max_size=3))).items():
        example.feature_lists.feature_list[name].SetInParent()
        for step in steps:
            fill(example.feature_lists.feature_list[name].feature.add(), step)
    return example


def expected_steps(example, name):
    if name in example.feature_lists.feature_list:
        return len(example.feature_lists.feature_list[name].feature)
    if name not in example.context.feature:
        return 0
    feature = example.context.feature[name]
    kind = feature.WhichOneof("kind")
    return len(getattr(feature, kind).value) if kind else 0


def count(version, records, name):
    lengths = np.array([len(record) for record in records], np.int64)
    starts = np.cumsum(lengths) - lengths
    return version(b"".join(records), starts, lengths, name.encode()).tolist()


@pytest.mark.parametrize("version", VERSIONS)
class TestEveryVersion:
    @given(examples=st.lists(sequence_examples(), max_size=3), name=NAMES)
    def test_counts_what_the_messages_hold(self, version, examples, name):
        records = [example.SerializeToString() for example in examples]
        assert count(version, records, name) == [expected_steps(e, name) for e in examples]

    def test_the_values_of_an_example(self, version):
        example = Example()
        example.features.feature["tokens"].int64_list.value.extend([-1, 2, 300])
        assert count(version, [example.SerializeToString(), b""], "tokens") == [3, 0]

    @pytest.mark.parametrize(
        ("record", "steps"),
        [
            # Unpacked integers, one tag each.
            (b"\x0a\x0d\x0a\x0b\x0a\x01a\x12\x06\x1a\x04\x08\x05\x08\x06", 2),
            # The value before its key.
            (b"\x0a\x0b\x0a\x09\x12\x04\x1a\x02\x0a\x00\x0a\x01a", 0),
            # A list in two pieces, in a value in two pieces.
            (b"\x12\x0d\x0a\x0b\x0a\x01a\x12\x02\x0a\x00\x12\x02\x0a\x00", 2),
            # Two entries of one name: the last counts.
            (b"\x12\x12\x0a\x07\x0a\x01a\x12\x02\x0a\x00\x0a\x07\x0a\x01a\x12\x02\x12\x00", 0),
            # A field that nobody knows.
            (b"\x7a\x01x\x12\x09\x0a\x07\x0a\x01a\x12\x02\x0a\x00", 1),
            # Two kinds: the last counts.
            (b"\x0a\x10\x0a\x0e\x0a\x01a\x12\x09\x1a\x03\x0a\x01\x05\x0a\x02\x0a\x00", 1),
        ],
    )
    def test_unusual_encodings(self, version, record, steps):
        assert count(version, [record], "a") == [steps]
        assert expected_steps(SequenceExample.FromString(record), "a") == steps

    @pytest.mark.parametrize(
        "record",
        [
            b"\x12\xff\xff\xff\xff\x0f",  # a length beyond the end
            b"\x12" + b"\xff" * 20,  # a varint without end
            b"\x12\x05\x0a\x09",  # nested lengths that overrun
            b"\x02\x00",  # field number 0
            b"\x0b\x0c",  # a group
            b"\x0d\x00",  # four bytes that are one
            b"\x0a\x0c\x0a\x0a\x0a\x01a\x12\x05\x12\x03\x0a\x01x",  # a packed float of one byte
            b"\x0a\x0c\x0a\x0a\x0a\x01a\x12\x05\x1a\x03\x0a\x01\x80",  # a packed varint, cut
        ],
    )
    def test_malformed_messages(self, version, record):
        assert count(version, [b"", record, b""], "a") == [0, -1, 0]

    def test_slices_are_checked(self, version):
        with pytest.raises(IndexError, match="outside the buffer"):
            version(b"abc", np.array([2]), np.array([2]), b"a")


@given(
    example=sequence_examples(),
    edits=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 3), st.binary(max_size=3))),
)
def test_versions_agree_on_mutated_messages(example, edits):
    record = bytearray(example.SerializeToString())
    for at, removed, put in edits:
        record[at : at + removed] = put
    assert len({str(count(version, [bytes(record)], "a")) for version in VERSIONS}) == 1
