import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen import (
    FeatureError,
    FixedLenFeature,
    FixedLenSequenceFeature,
    SequenceExample,
    SparseValues,
    VarLenFeature,
    float32,
    int64,
    parse_single_sequence_example,
    sequence_example,
    string,
)

INT64S = st.integers(-(2**63), 2**63 - 1)
KINDS = {
    int64: INT64S,
    float32: st.floats(width=32, allow_nan=False),
    string: st.binary(max_size=5),
}
ANY_KIND = st.sampled_from(list(KINDS))


def context_of(serialized: bytes, spec, name: str = "x"):
    return parse_single_sequence_example(serialized, {name: spec})[0][name]


def sequence_of(serialized: bytes, spec, name: str = "x"):
    return parse_single_sequence_example(serialized, None, {name: spec})[1][name]


def assert_same(found: np.ndarray, expected, dtype: np.dtype, shape: tuple[int, ...]):
    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.shape) == (dtype, shape)
    assert found.ravel().tolist() == list(expected)


def assert_same_sparse(found: SparseValues, rows: list[list], dtype: np.dtype):
    places = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    assert_same(found.values, [v for row in rows for v in row], dtype, (len(places),))
    assert_same(found.indices, np.array(places).ravel(), int64, (len(places), 2))
    assert_same(found.dense_shape, [len(rows), max(map(len, rows), default=0)], int64, (2,))


class TestContext:
    @given(dtype=ANY_KIND, shape=st.sampled_from([(), (1,), (3,), (2, 3)]), data=st.data())
    def test_fixed_length(self, dtype, shape, data):
        size = int(np.prod(shape))
        values = data.draw(st.lists(KINDS[dtype], min_size=size, max_size=size))
        found = context_of(sequence_example({"x": values}), FixedLenFeature(shape, dtype))
        assert_same(found, values, dtype, shape)

    def test_no_values_in_a_shape_without_room(self):
        serialized = sequence_example({"x": np.zeros(0, np.float32)})
        assert_same(context_of(serialized, FixedLenFeature([0], float32)), [], float32, (0,))

    @given(dtype=ANY_KIND, data=st.data())
    def test_any_length(self, dtype, data):
        values = data.draw(st.lists(KINDS[dtype]))
        found = context_of(sequence_example({"x": values}), VarLenFeature(dtype))
        assert_same(found.values, values, dtype, (len(values),))
        assert_same(found.indices, range(len(values)), int64, (len(values), 1))
        assert_same(found.dense_shape, [len(values)], int64, (1,))

    @pytest.mark.parametrize("context", [{}, {"x": []}], ids=["missing", "without a kind"])
    def test_defaults(self, context):
        serialized = sequence_example(context)
        for spec, expected in (
            (FixedLenFeature([], int64, -1), np.array(-1)),
            (FixedLenFeature([2, 2], float32, [1, 2, 3, 4]), np.array([[1.0, 2], [3, 4]])),
            (FixedLenFeature([1], string, "?"), np.array([b"?"], object)),
        ):
            assert_same(context_of(serialized, spec), expected.ravel(), spec.dtype, expected.shape)

    def test_a_default_is_a_fresh_array(self):
        spec = FixedLenFeature([1], int64, 5)
        context_of(b"", spec)[:] = 6
        assert context_of(b"", spec) == 5

    def test_a_default_does_not_help_an_empty_list(self):
        serialized = sequence_example({"x": np.zeros(0, np.int64)})
        with pytest.raises(FeatureError, match=r"expected 1 int64, found 0\n  at context\.x"):
            context_of(serialized, FixedLenFeature([], int64, 5))

    @pytest.mark.parametrize("spec", [FixedLenFeature([], int64, 5), VarLenFeature(int64)])
    @pytest.mark.parametrize("values", [[0.5], np.zeros(0, np.float32)], ids=["one", "none"])
    def test_another_kind_even_if_empty(self, spec, values):
        with pytest.raises(
            FeatureError, match=r"int64, found float32\n  at context\.x\n  the spec"
        ):
            context_of(sequence_example({"x": values}), spec)


class TestSequences:
    @given(dtype=ANY_KIND, num_steps=st.integers(0, 4), data=st.data())
    @pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3)])
    def test_equal_steps(self, shape, dtype, num_steps, data):
        size = int(np.prod(shape))
        step = st.lists(KINDS[dtype], min_size=size, max_size=size)
        steps = data.draw(st.lists(step, min_size=num_steps, max_size=num_steps))
        serialized = sequence_example(sequences={"x": steps})
        found = sequence_of(serialized, FixedLenSequenceFeature(shape, dtype))
        assert_same(found, [v for step in steps for v in step], dtype, (num_steps, *shape))

    @given(dtype=ANY_KIND, data=st.data())
    def test_any_steps(self, dtype, data):
        steps = data.draw(st.lists(st.lists(KINDS[dtype], max_size=4), max_size=5))
        serialized = sequence_example(sequences={"x": steps})
        assert_same_sparse(sequence_of(serialized, VarLenFeature(dtype)), steps, dtype)

    def test_an_absent_list(self):
        allowed = FixedLenSequenceFeature([2], float32, allow_missing=True)
        assert_same(sequence_of(b"", allowed), [], float32, (0, 2))
        assert_same_sparse(sequence_of(b"", VarLenFeature(string)), [], string)
        with pytest.raises(FeatureError, match="no feature list named 'x'"):
            sequence_of(b"", FixedLenSequenceFeature([2], float32))

    def test_steps_of_no_values(self):
        example = SequenceExample()
        for _ in range(3):
            step = example.feature_lists.feature_list["x"].feature.add()
            step.int64_list.SetInParent()
        spec = FixedLenSequenceFeature([0], int64)
        assert_same(sequence_of(example.SerializeToString(), spec), [], int64, (3, 0))
        example.feature_lists.feature_list["x"].feature.add()
        with pytest.raises(FeatureError, match=r"found no kind\n  at feature_lists\.x\[3\]"):
            sequence_of(example.SerializeToString(), spec)

    def test_a_step_without_a_kind_is_an_empty_step_of_any_length(self):
        example = SequenceExample.FromString(sequence_example(sequences={"x": [[1, 2]]}))
        example.feature_lists.feature_list["x"].feature.add()
        found = sequence_of(example.SerializeToString(), VarLenFeature(int64))
        assert_same_sparse(found, [[1, 2], []], int64)


def test_context_and_sequences_are_separate_names():
    serialized = sequence_example({"x": 1, "y": b"a"}, {"x": [0.5, 1.5]})
    context, sequences = parse_single_sequence_example(
        serialized,
        {"y": FixedLenFeature([], string), "x": FixedLenFeature([], int64)},
        {"x": FixedLenSequenceFeature([], float32)},
    )
    assert {name: value.item() for name, value in context.items()} == {"y": b"a", "x": 1}
    assert_same(sequences["x"], [0.5, 1.5], float32, (2,))


class TestWireFormat:
    """Bytes that other writers may produce, by the general rules of protobuf."""

    STEP = b"\x1a\x03\x0a\x01\x05"  # int64_list { value: [5] }

    def entry(self, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return b"\x0a" + bytes([len(body)]) + body

    def message(self, *entries: bytes) -> bytes:
        body = b"".join(entries)
        return b"\x0a" + bytes([len(body)]) + body

    def test_an_unknown_field_beside_a_name_loses_nothing(self):
        key, value, unknown = b"\x0a\x01x", b"\x12\x05" + self.STEP, b"\x48\x4d"
        for parts in ((unknown, key, value), (key, unknown, value), (key, value, unknown)):
            serialized = self.message(self.entry(*parts))
            assert context_of(serialized, FixedLenFeature([], int64)) == 5

    def test_the_last_of_several_entries_counts(self):
        first = self.entry(b"\x0a\x01x", b"\x12\x05\x1a\x03\x0a\x01\x01")
        last = self.entry(b"\x0a\x01x", b"\x12\x05" + self.STEP)
        assert context_of(self.message(first, last), FixedLenFeature([], int64)) == 5

    def test_values_need_not_be_packed(self):
        unpacked = self.entry(b"\x0a\x01x", b"\x12\x06\x1a\x04\x08\x05\x08\x06")
        found = context_of(self.message(unpacked), FixedLenFeature([2], int64))
        assert found.tolist() == [5, 6]

    @given(st.data())
    def test_cut_bytes_are_refused_or_are_another_message(self, data):
        serialized = sequence_example({"a": 1}, {"x": [1, 2, 3]})
        cut = serialized[: data.draw(st.integers(0, len(serialized) - 1))]
        spec = FixedLenSequenceFeature([], int64)
        with pytest.raises(FeatureError, match=r"no feature list|expected a serialized Sequence"):
            sequence_of(cut, spec)


class TestErrors:
    AT = "train-00007.tfrecord @ byte 40960"

    def error(self, serialized, context=None, sequences=None, at=AT):
        with pytest.raises(FeatureError) as caught:
            parse_single_sequence_example(serialized, context, sequences, at=at)
        return str(caught.value)

    def test_a_wrong_number_of_values(self):
        serialized = sequence_example(sequences={"tokens": [*[1] * 12, [1, 2]]})
        spec = FixedLenSequenceFeature([], int64)
        assert self.error(serialized, None, {"tokens": spec}) == (
            "expected 1 int64 per step, found 2\n"
            "  at train-00007.tfrecord @ byte 40960: feature_lists.tokens[12]\n"
            "  the spec is FixedLenSequenceFeature(shape=(), dtype=int64)"
        )
        assert "\n  at feature_lists.tokens[12]\n" in self.error(
            serialized, None, {"tokens": spec}, at=None
        )

    @pytest.mark.parametrize("spec", [FixedLenSequenceFeature([], int64), VarLenFeature(int64)])
    def test_a_wrong_kind_of_step(self, spec):
        serialized = sequence_example(sequences={"tokens": ["a"]})
        error = self.error(serialized, None, {"tokens": spec})
        assert "int64 per step, found string\n" in error
        assert f"feature_lists.tokens[0]\n  the spec is {spec}" in error

    def test_a_missing_list(self):
        serialized = sequence_example(sequences={"token": [], "labels": []})
        assert self.error(serialized, None, {"tokens": FixedLenSequenceFeature([], int64)}) == (
            "no feature list named 'tokens'\n"
            "  at train-00007.tfrecord @ byte 40960\n"
            "  in this record there are: 'labels', 'token'. Did you mean 'token'?"
        )

    def test_a_missing_feature(self):
        error = self.error(sequence_example({"len": 3}), {"length": FixedLenFeature([], int64)})
        assert error.startswith("no context feature named 'length'\n")
        assert error.endswith("there are: 'len'. Did you mean 'len'?")

    def test_a_feature_without_a_kind(self):
        error = self.error(sequence_example({"x": []}), {"x": FixedLenFeature([2], int64)})
        assert error.startswith("expected 2 int64, found no values of any kind\n")

    def test_not_a_message(self):
        assert self.error(b"\xff\xff", {"x": VarLenFeature(int64)}) == (
            "expected a serialized SequenceExample, found 2 bytes that are not one\n"
            "  at train-00007.tfrecord @ byte 40960"
        )

    def test_names_are_utf8(self):
        serialized = sequence_example({"xx": 1}).replace(b"xx", b"\xff\xff")
        assert "that are not one" in self.error(serialized, {"x": VarLenFeature(int64)})

    @pytest.mark.wrong_types
    def test_not_bytes(self):
        with pytest.raises(TypeError, match="serialized: expected bytes, found str"):
            parse_single_sequence_example("text", {"x": VarLenFeature(int64)})

    @pytest.mark.parametrize(
        ("context", "sequences", "error", "message"),
        [
            (None, None, ValueError, "expected context_features or sequence_features, found"),
            ({}, {}, ValueError, "expected context_features or sequence_features, found neither"),
            (
                {"x": FixedLenSequenceFeature([], int64)},
                None,
                ValueError,
                r"context_features\['x'\]: expected FixedLenFeature or VarLenFeature, found Fixed",
            ),
            (
                None,
                {"x": FixedLenFeature([], int64)},
                ValueError,
                r"sequence_features\['x'\]: expected FixedLenSequenceFeature or VarLenFeature",
            ),
            (
                None,
                {"x": FixedLenSequenceFeature([], int64, True, 0)},
                ValueError,
                r"sequence_features\['x'\]: expected no default_value, .* found 0",
            ),
            ({"x": int64}, None, TypeError, r"context_features\['x'\]: expected FixedLenFeature"),
        ],
    )
    def test_specs_that_do_not_belong(self, context, sequences, error, message):
        with pytest.raises(error, match=message):
            parse_single_sequence_example(b"", context, sequences)
