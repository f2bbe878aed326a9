"""Batches of SequenceExamples: as many messages parsed alone, padded or jagged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen import (
    FeatureError,
    FixedLenFeature,
    FixedLenSequenceFeature,
    JaggedSequence,
    PaddedSequence,
    SparseValues,
    VarLenFeature,
    decode_sequence_examples,
    float32,
    int64,
    parse_each_sequence_example,
    parse_sequence_example,
    parse_single_sequence_example,
    sequence_example,
    string,
)

VALUES = {
    int64: st.integers(-(2**63), 2**63 - 1),
    float32: st.floats(width=32, allow_nan=False),
    string: st.binary(max_size=3),
}
KINDS = list(VALUES)


def assert_same(found: np.ndarray, expected: np.ndarray):
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tolist() == expected.tolist()


def stacked(alone: list[SparseValues]) -> SparseValues:
    """Sparse values of messages as those of their batch."""
    rank = len(alone[0].dense_shape)
    indices = [np.insert(s.indices, 0, i, axis=1) for i, s in enumerate(alone)]
    shape = np.max([s.dense_shape for s in alone], axis=0)
    return SparseValues(
        np.concatenate([np.zeros((0, rank + 1), np.int64), *indices]),
        np.concatenate([s.values for s in alone]),
        np.array([len(alone), *shape]),
    )


def assert_same_sparse(found: SparseValues, expected: SparseValues):
    for part, expected_part in zip(found, expected, strict=True):
        assert_same(part, expected_part)


@given(data=st.data(), kind=st.sampled_from(KINDS))
@pytest.mark.parametrize("shape", [(), (1,), (2,), (1, 2)])
def test_batches_hold_what_their_messages_hold(shape, kind, data):
    size = int(np.prod(shape))
    row = st.lists(VALUES[kind], min_size=size, max_size=size)
    any_row = st.lists(VALUES[kind], max_size=3)
    messages = [
        sequence_example(
            {"c": data.draw(row), "any": data.draw(any_row)},
            {
                "x": data.draw(st.lists(row, max_size=3)),
                "any": data.draw(st.lists(any_row, max_size=3)),
            },
        )
        for _ in range(data.draw(st.integers(1, 3)))
    ]
    context_specs = {"c": FixedLenFeature(shape, kind), "any": VarLenFeature(kind)}
    list_specs = {"x": FixedLenSequenceFeature(shape, kind), "any": VarLenFeature(kind)}

    context, sequences, lengths = parse_sequence_example(messages, context_specs, list_specs)
    jagged_context, jagged = decode_sequence_examples(messages, context_specs, list_specs)
    _, padded = decode_sequence_examples(messages, context_specs, list_specs, padded=True)

    alone = [parse_single_sequence_example(m, context_specs, list_specs) for m in messages]
    each = parse_each_sequence_example(messages, context_specs, list_specs)
    for found, expected in zip(each, alone, strict=True):
        for found_part, part in zip(found, expected, strict=True):
            assert_same(found_part[next(iter(part))], part[next(iter(part))])
            assert_same_sparse(found_part["any"], part["any"])
    rows = [lists["x"] for _, lists in alone]
    longest = max(map(len, rows))
    block = np.full((len(rows), longest, *shape), b"" if kind == string else 0, kind)
    for padded_row, row in zip(block, rows, strict=True):
        padded_row[: len(row)] = row
    assert lengths.keys() == {"x"}
    assert_same(lengths["x"], np.array([len(row) for row in rows]))
    assert_same(sequences["x"], block)
    assert isinstance(padded["x"], PaddedSequence)
    assert_same(padded["x"].data, block)
    assert_same(padded["x"].lengths, lengths["x"])
    assert isinstance(jagged["x"], JaggedSequence)
    assert_same(jagged["x"].values, np.concatenate(rows))
    assert_same(jagged["x"].lengths, lengths["x"])
    for found in (context, jagged_context):
        assert_same(found["c"], np.stack([c["c"] for c, _ in alone]))
        assert_same_sparse(found["any"], stacked([c["any"] for c, _ in alone]))
    for found in (sequences, jagged, padded):
        assert_same_sparse(found["any"], stacked([lists["any"] for _, lists in alone]))


def test_lists_that_are_missing_have_no_steps():
    messages = [sequence_example(), sequence_example(sequences={"x": [[1, 2], [3, 4]]})]
    spec = {"x": FixedLenSequenceFeature([2], int64, allow_missing=True)}
    _, sequences, lengths = parse_sequence_example(messages, None, spec)
    assert sequences["x"].tolist() == [[[0, 0], [0, 0]], [[1, 2], [3, 4]]]
    assert lengths["x"].tolist() == [0, 2]
    with pytest.raises(FeatureError, match="no feature list named 'x'\n  at message 0\n"):
        parse_sequence_example(messages, None, {"x": FixedLenSequenceFeature([2], int64)})


def test_context_and_sequences_are_separate_names():
    message = sequence_example({"x": 1}, {"x": [0.5, 1.5]})
    context, sequences, lengths = parse_sequence_example(
        [message], {"x": FixedLenFeature([], int64)}, {"x": FixedLenSequenceFeature([], float32)}
    )
    assert context["x"].tolist() == [1]
    assert sequences["x"].tolist() == [[0.5, 1.5]]
    assert lengths["x"].tolist() == [2]


def test_a_batch_may_be_empty():
    # TensorFlow refuses an empty batch if the context has features of fixed length.
    context, sequences, lengths = parse_sequence_example(
        [],
        {"c": FixedLenFeature([3], float32), "d": FixedLenFeature([], int64, 5)},
        {"x": FixedLenSequenceFeature([2], int64), "s": VarLenFeature(string)},
    )
    assert_same(context["c"], np.zeros((0, 3), np.float32))
    assert_same(context["d"], np.zeros(0, np.int64))
    assert_same(sequences["x"], np.zeros((0, 0, 2), np.int64))
    assert sequences["s"].dense_shape.tolist() == [0, 0, 0]
    assert lengths["x"].tolist() == []


class TestDefaults:
    MESSAGE = sequence_example({"x": [1, 2, 3, 4]})

    def test_stand_in_where_a_feature_is_missing(self):
        spec = {"x": FixedLenFeature([2, 2], int64, [[5, 6], [7, 8]])}
        context, _, _ = parse_sequence_example([self.MESSAGE, sequence_example()], spec)
        assert context["x"].tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]

    @pytest.mark.parametrize(
        ("spec", "expected", "found"),
        [
            (FixedLenFeature([2, 2], int64, [1, 2, 3, 4]), r"\(2, 2\)", r"\(4,\)"),
            (FixedLenFeature([1], int64, 5), r"\(1,\)", r"\(\)"),
        ],
    )
    def test_are_not_brought_into_shape_by_the_name_from_tensorflow(self, spec, expected, found):
        message = rf"context_features\['x'\]: expected a default_value of shape {expected}, "
        with pytest.raises(ValueError, match=rf"{message}found shape {found}$"):
            parse_sequence_example([self.MESSAGE], {"x": spec})

    def test_are_brought_into_shape_by_ours(self):
        spec = {"x": FixedLenFeature([2, 2], int64, [5, 6, 7, 8])}
        context, _ = decode_sequence_examples([sequence_example()], spec)
        assert context["x"].tolist() == [[[5, 6], [7, 8]]]


class TestErrors:
    def test_name_the_message(self):
        messages = [sequence_example({"x": 1}), sequence_example({"x": [1, 2]}), b"\xff"]
        spec = {"x": FixedLenFeature([], int64)}
        for parse in (
            parse_sequence_example,
            parse_each_sequence_example,
            decode_sequence_examples,
        ):
            with pytest.raises(FeatureError, match=r"found 2\n  at message 1: context\.x\n"):
                parse(messages, spec)
            with pytest.raises(FeatureError, match=r"found 2\n  at b: context\.x\n"):
                parse(messages, spec, example_names=["a", "b", "c"])
        with pytest.raises(FeatureError, match=r"found 1 bytes that are not one\n  at message 0$"):
            parse_sequence_example(messages[2:], spec)

    @pytest.mark.wrong_types  # whose checks would look at the names
    def test_only_the_name_of_what_fails_is_asked_for(self):
        class Names(list):
            def __getitem__(self, number):
                assert number == 1
                return "the second"

        with pytest.raises(FeatureError, match="at the second: context"):
            decode_sequence_examples(
                [sequence_example({"x": 1}), sequence_example({"x": 0.5})],
                {"x": FixedLenFeature([], int64)},
                example_names=Names(["", ""]),
            )

    def test_threads(self):
        with pytest.raises(ValueError, match="threads: expected at least 1, found 0"):
            decode_sequence_examples([], {"x": FixedLenFeature([], int64)}, threads=0)

    @pytest.mark.wrong_types
    @pytest.mark.parametrize(
        "parse", [parse_sequence_example, parse_each_sequence_example, decode_sequence_examples]
    )
    def test_arguments(self, parse):
        spec = {"x": FixedLenFeature([], int64)}
        with pytest.raises(TypeError, match="serialized: expected a list of bytes, found bytes"):
            parse(b"", spec)
        with pytest.raises(ValueError, match="expected context_features or sequence_features"):
            parse([b""])
        with pytest.raises(ValueError, match=r"sequence_features\['x'\]: expected FixedLenSequen"):
            parse([b""], None, spec)
        with pytest.raises(TypeError, match=r"context_features: expected names .* text, found 1"):
            parse([b""], {1: FixedLenFeature([], int64)})
        with pytest.raises(TypeError, match=r"sequence_features: expected names .* found b'x'"):
            parse([b""], None, {b"x": FixedLenSequenceFeature([], int64)})
        with pytest.raises(ValueError, match="example_names: expected one for each of 1 messages"):
            parse([b""], spec, example_names=[])
