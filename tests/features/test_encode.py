"""The native encoder against protobuf, its twin, and batches against their rows."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from varlen import (
    Example,
    FeatureError,
    JaggedSequence,
    PaddedSequence,
    example,
    float32,
    int64,
    sequence_example,
    sequence_examples,
    string,
)
from varlen.features import _encode
from varlen.features._encode import WrittenColumn, encode, encode_by_protobuf

KINDS = [int64, float32, string, None]
VALUES = {
    int64: st.one_of(*(st.integers(-(2**bits), 2**bits - 1) for bits in (0, 7, 14, 35, 63))),
    float32: st.floats(width=32, allow_nan=False),
    # Long enough that lengths take two bytes.
    string: st.one_of(st.binary(max_size=3), st.just(b"x" * 130)),
}
NAMES = st.one_of(st.text(max_size=3), st.sampled_from(["a", "aa", "é", "\U0001f600", "b" * 130]))


def values_of(kind, values: list):
    return values if kind in (None, string) else np.array(values, kind)


@st.composite
def columns(draw: st.DrawFn, section: str, name: str, num_messages: int) -> WrittenColumn:
    kind = draw(st.sampled_from(KINDS))
    lengths, step_lengths, values = [], [], []
    for _ in range(num_messages):
        sizes = [draw(st.integers(-1, 20) if kind is not None else st.just(-1))]
        if section == "feature_lists":
            sizes = sizes * draw(st.integers(0, 4))
            step_lengths.extend(sizes)
            lengths.append(len(sizes))
        else:
            lengths.extend(sizes)
        for size in sizes:
            values.extend(
                draw(st.lists(VALUES[kind], min_size=size, max_size=size)) if size > 0 else ()
            )
    return WrittenColumn(
        section,
        name,
        kind,
        values_of(kind, values),
        np.array(lengths, np.int64),
        np.array(step_lengths, np.int64),
    )


@given(data=st.data(), num_messages=st.integers(0, 3), is_example=st.booleans())
def test_every_byte_is_protobufs(data, num_messages, is_example):
    sections = ["features"] if is_example else ["context", "feature_lists"]
    made = [
        data.draw(columns(section, name, num_messages))
        for section in sections
        for name in data.draw(st.lists(NAMES, unique=True, max_size=4))
    ]
    assert encode(made, num_messages) == encode_by_protobuf(made, num_messages)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16383, 16384])
def test_lengths_of_every_size(size):
    rng = np.random.default_rng(size)
    length, one, none = np.array([size]), np.ones(1, np.int64), np.zeros(0, np.int64)
    steps = np.ones(size, np.int64)
    made = [
        WrittenColumn("context", "i", int64, rng.integers(-9, 9, size), length, none),
        WrittenColumn("context", "f", float32, rng.random(size, np.float32), length, none),
        WrittenColumn("context", "s", string, [b"s"] * size, length, none),
        WrittenColumn("context", "n" * size, int64, one, one, none),
        WrittenColumn("feature_lists", "x", int64, rng.integers(0, 9, size), length, steps),
    ]
    assert encode(made, 1) == encode_by_protobuf(made, 1)


def test_a_message_that_nobody_could_read(monkeypatch):
    monkeypatch.setattr(_encode, "_LARGEST_MESSAGE", 50)
    assert len(sequence_example({"x": "y" * 20})) <= 50
    with pytest.raises(FeatureError, match="at most 50 bytes, found 73\n  at message 1"):
        sequence_examples({"x": ["y", "y" * 60]})


class TestExample:
    def test_is_what_the_messages_write(self):
        made = Example()
        made.features.feature["id"].int64_list.value.append(7)
        made.features.feature["x"].float_list.value.extend([0.5, 1.5])
        made.features.feature["none"].SetInParent()
        assert example({"x": [0.5, 1.5], "id": 7, "none": []}) == made.SerializeToString(
            deterministic=True
        )

    def test_of_nothing_is_empty(self):
        assert example({}) == b""

    def test_errors_name_the_feature(self):
        with pytest.raises(TypeError, match=r"^features\.x: expected numbers, text or bytes"):
            example({"x": None})
        with pytest.raises(FeatureError, match=r"fits int64, found .*\n  at features\.x"):
            example({"x": [0, 2**63]})


class TestBatches:
    @given(data=st.data(), num_messages=st.integers(1, 4))
    def test_of_lists_are_their_rows(self, data, num_messages):
        kind = data.draw(st.sampled_from([int64, float32, string]))
        value = st.one_of(VALUES[kind], st.lists(VALUES[kind], max_size=3))
        ids = data.draw(st.lists(value, min_size=num_messages, max_size=num_messages))
        steps = st.lists(st.one_of(VALUES[kind], st.lists(VALUES[kind], max_size=3)), max_size=4)
        rows = data.draw(st.lists(steps, min_size=num_messages, max_size=num_messages))
        assert sequence_examples({"id": ids}, {"x": rows}) == [
            sequence_example({"id": i}, {"x": row}) for i, row in zip(ids, rows, strict=True)
        ]

    @pytest.mark.parametrize("dtype", [np.int32, np.int64, np.bool_, np.float32, np.float64])
    @pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2), (0,)])
    def test_of_arrays_are_their_rows(self, dtype, shape):
        rng = np.random.default_rng(0)
        lengths = np.array([3, 0, 1, 4])
        values = (rng.random((8, *shape)) * 9).astype(dtype)
        context = (rng.random((4, *shape)) * 9).astype(dtype)
        rows = np.split(values, lengths.cumsum()[:-1])
        expected = [
            sequence_example({"c": c}, {"x": row}) for c, row in zip(context, rows, strict=True)
        ]
        block = np.full((4, 5, *shape), 7, dtype)
        for padded, row in zip(block, rows, strict=True):
            padded[: len(row)] = row
        for sequence in (
            JaggedSequence(values, lengths),
            JaggedSequence(torch.from_numpy(values), torch.from_numpy(lengths)),
            PaddedSequence(block, lengths),
            PaddedSequence(torch.from_numpy(block), lengths.tolist()),
            rows,
        ):
            assert sequence_examples({"c": context}, {"x": sequence}) == expected

    def test_of_strings(self):
        words = np.array([b"a", "né", b"\0"], object)
        assert sequence_examples(
            {"name": np.array(["x", "yz"])}, {"words": JaggedSequence(words, [1, 2])}
        ) == [
            sequence_example({"name": "x"}, {"words": [b"a"]}),
            sequence_example({"name": "yz"}, {"words": ["né", b"\0"]}),
        ]

    def test_of_no_messages(self):
        assert sequence_examples({"id": []}, {"x": JaggedSequence(np.zeros(0), [])}) == []

    @pytest.mark.wrong_types
    @pytest.mark.parametrize(
        ("context", "sequences", "error", "message"),
        [
            (None, None, ValueError, "expected context or sequences, found neither"),
            (
                {"a": [1, 2]},
                {"x": [[1]]},
                ValueError,
                r"feature_lists\.x: expected as many rows as context\.a, 2, found 1",
            ),
            ({"a": 1}, None, TypeError, r"context\.a: expected a list with a row for each .* 1"),
            (None, {"x": "abc"}, TypeError, r"feature_lists\.x: expected a JaggedSequence, a Pad"),
            (None, {"x": [3]}, TypeError, r"feature_lists\.x: expected a list of steps, found int"),
            (
                None,
                {"x": JaggedSequence(np.zeros(3), [1, 1])},
                ValueError,
                r"feature_lists\.x: expected 2 steps, the sum of the lengths, found 3",
            ),
            (
                None,
                {"x": JaggedSequence(np.zeros(3), 3)},
                ValueError,
                r"feature_lists\.x: lengths: expected one length per row, .* found shape \(\)",
            ),
            (
                None,
                {"x": [[1], [0.5]]},
                FeatureError,
                r"one kind, found float32 and int64\n  at feature_lists\.x",
            ),
            (
                None,
                {"x": [[1], [1, [2, 2**63]]]},
                FeatureError,
                r"fits int64, found 9223372036854775808\n  at message 1: feature_lists\.x\[1\]",
            ),
            (
                {"a": [[], 1.0, [2.0, 1e39]]},
                None,
                FeatureError,
                r"fits float32, found 1e\+39\n  at message 2: context\.a",
            ),
        ],
    )
    def test_that_cannot_be(self, context, sequences, error, message):
        with pytest.raises(error, match=message):
            sequence_examples(context, sequences)


@pytest.mark.parametrize(
    ("context", "place"), [({"a": "\ud800"}, "context.a"), ({"\ud800": 1}, "context")]
)
def test_text_that_utf8_cannot_hold(context, place):
    with pytest.raises(FeatureError, match=f"found half a surrogate pair (.|\n)*at {place}"):
        sequence_example(context=context)
