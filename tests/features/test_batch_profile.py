"""The native profile of a batch against its twin, which is its definition."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from varlen import _native, sequence_example
from varlen.features import SequenceExample
from varlen.features._batch_profile import profile_batch
from varlen.features._profile_twin import profile_batch as profile_by_protobuf
from wire_messages import MESSAGES, delimited, mutated

native = pytest.mark.skipif(not _native.NATIVE, reason="the native core is left out")


def comparable(malformed, features):
    plain = [
        tuple(part.tolist() if isinstance(part, np.ndarray) else part for part in feature)
        for feature in features
    ]
    return malformed.tolist(), plain


def assert_twins_agree(messages):
    expected = comparable(*profile_by_protobuf(messages))
    # As text, so that 0.0 is not -0.0.
    assert repr(comparable(*profile_batch(messages))) == repr(expected)


@given(messages=st.lists(mutated(), max_size=4))
@settings(max_examples=400, deadline=None)
@example(messages=[b"\x0b\x0c", sequence_example({"a": 1})])  # a group, which protobuf skips
@example(messages=[sequence_example({"a": [-0.0, float("nan"), float("inf")]})])
@example(messages=[b"\x0a\x07\x0a\x05\x0a\x01a\x12\x00", b""])  # a feature without a kind
def test_messages_of_any_writer(messages):
    assert_twins_agree(messages)


STEPS = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20),
    st.lists(st.integers(0, 300), max_size=60),
    st.lists(st.lists(st.floats(width=32), min_size=2, max_size=2), max_size=5),
    st.lists(st.lists(st.binary(max_size=5), max_size=3), max_size=5),
)


@native
@given(
    examples=st.lists(st.dictionaries(st.sampled_from(["a", "b", "é"]), STEPS), max_size=4),
    entries_twice=st.booleans(),
)
@settings(deadline=None)
def test_what_writers_write_is_left_to_nobody_else(examples, entries_twice):
    messages = [sequence_example(sequences=lists) for lists in examples]
    if entries_twice:  # merged, of which the last entry of each name counts
        messages = [
            message + SequenceExample.FromString(message).SerializeToString()
            for message in messages
        ]
    refused, _ = _native.profile_features(messages)
    assert refused.tolist() == []
    assert_twins_agree(messages)


@given(messages=st.lists(MESSAGES, min_size=2, max_size=4), data=st.data())
@settings(max_examples=50, deadline=None)
def test_a_malformed_message_adds_nothing(messages, data):
    at = data.draw(st.integers(0, len(messages)))
    bad = delimited(1, delimited(1, delimited(1, b"a") + delimited(2, b"\x1a\x03\x0a\x01\x80")))
    malformed, features = profile_batch([*messages[:at], bad, *messages[at:]])
    assert at in malformed
    without = profile_batch(messages).features
    assert [f[:3] for f in features] == [f[:3] for f in without]
    assert [f[5:] for f in features] == [f[5:] for f in without]


def test_counts_kinds_sizes_and_ranges():
    messages = [
        sequence_example({"id": "ab"}, {"x": [[1.5, -2.0], [float("nan"), 0.25]], "t": [7]}),
        b"\xff",
        sequence_example({"id": b"abcd"}, {"x": [], "t": [-(2**63), 3, 2**63 - 1]}),
    ]
    malformed, (name, t, x) = profile_batch(messages)
    assert malformed.tolist() == [1]
    assert (name.name, name.is_list, name.bytes, name.sizes) == ("id", False, (2, 4), (1, 1))
    assert (name.num_of_kind, name.first) == ((0, 2, 0, 0), (-1, 0, -1, -1))
    assert (t.lengths.tolist(), t.sizes, t.int64s) == ([1, 3], (1, 1), (-(2**63), 2**63 - 1))
    assert (x.lengths.tolist(), x.sizes, x.floats, x.num_nans) == ([2, 0], (2, 2), (-2, 1.5), 1)


def test_any_bytes_like_object_will_do():
    message = sequence_example({"id": 3})
    for kind in (bytearray, memoryview):
        assert profile_batch([kind(message)]).features[0].int64s == (3, 3)


def test_hostile_names_take_linear_time_and_memory():
    entries = b"".join(delimited(1, delimited(1, b"%d" % i)) for i in range(20_000))
    message = delimited(1, entries)
    malformed, features = profile_batch([message] * 3)
    assert (len(malformed), len(features)) == (0, 20_000)
    assert all(feature.num_of_kind == (3, 0, 0, 0) for feature in features)
