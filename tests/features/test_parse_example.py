import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen import (
    FeatureError,
    FixedLenFeature,
    FixedLenSequenceFeature,
    SparseFeature,
    SparseValues,
    VarLenFeature,
    example,
    float32,
    int64,
    parse_example,
    parse_single_example,
    string,
)

VALUES = {
    int64: st.integers(-(2**63), 2**63 - 1),
    float32: st.floats(width=32, allow_nan=False),
    string: st.binary(max_size=3),
}
KINDS = list(VALUES)


def assert_same(found, expected, dtype):
    expected = np.array(expected, dtype)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tolist() == expected.tolist()


def dense(sparse: SparseValues, filler) -> np.ndarray:
    block = np.full(tuple(sparse.dense_shape), filler, sparse.values.dtype)
    block[tuple(sparse.indices.T)] = sparse.values
    return block


class TestFixed:
    @given(data=st.data(), kind=st.sampled_from(KINDS))
    @pytest.mark.parametrize("shape", [(), (1,), (2,), (2, 2)])
    def test_length(self, shape, kind, data):
        size = int(np.prod(shape))
        row = st.lists(VALUES[kind], min_size=size, max_size=size)
        rows = data.draw(st.lists(row, min_size=1, max_size=3))
        spec = {"x": FixedLenFeature(shape, kind)}
        messages = [example({"x": row}) for row in rows]
        expected = [np.array(row, kind).reshape(shape).tolist() for row in rows]
        assert_same(parse_example(messages, spec)["x"], expected, kind)
        for message, row in zip(messages, expected, strict=True):
            assert_same(parse_single_example(message, spec)["x"], row, kind)

    def test_defaults_stand_in_where_a_feature_is_missing(self):
        messages = [example({}), example({"x": [1, 2]}), example({"x": []})]
        spec = {"x": FixedLenFeature([2], int64, [8, 9])}
        assert_same(parse_example(messages, spec)["x"], [[8, 9], [1, 2], [8, 9]], int64)
        assert_same(parse_example(messages[:1], spec)["x"], [[8, 9]], int64)
        names = {"x": FixedLenFeature([], string, "?")}
        assert_same(parse_example(messages[::2], names)["x"], [b"?", b"?"], string)

    def test_a_batch_may_be_empty(self):
        spec = {"x": FixedLenFeature([2], float32), "y": VarLenFeature(int64)}
        parsed = parse_example([], spec)
        assert parsed["x"].shape == (0, 2)
        assert parsed["y"].dense_shape.tolist() == [0, 0]

    def test_a_required_feature(self):
        messages = [example({"x": 1}), example({"xs": 1})]
        with pytest.raises(FeatureError) as caught:
            parse_example(messages, {"x": FixedLenFeature([], int64)})
        assert str(caught.value) == (
            "no feature named 'x'\n"
            "  at message 1\n"
            "  in this record there are: 'xs'. Did you mean 'xs'?"
        )


class TestRows:
    @given(data=st.data(), kind=st.sampled_from(KINDS))
    @pytest.mark.parametrize("shape", [(), (2,), (1, 2)])
    def test_are_padded_to_the_longest(self, shape, kind, data):
        size = int(np.prod(shape))
        row = st.lists(VALUES[kind], min_size=size, max_size=size)
        batch = data.draw(st.lists(st.lists(row, max_size=3), min_size=1, max_size=3))
        filler = data.draw(VALUES[kind])
        spec = {"x": FixedLenSequenceFeature(shape, kind, True, filler)}
        messages = [example({"x": [v for row in rows for v in row]}) for rows in batch]
        longest = max(map(len, batch))
        found = parse_example(messages, spec)["x"]
        expected = np.empty((len(batch), longest, *shape), kind)
        expected.fill(filler)
        for block, rows in zip(expected, batch, strict=True):
            if rows:
                block[: len(rows)] = np.array(rows, kind).reshape(len(rows), *shape)
        assert (found.dtype, found.shape) == (kind, expected.shape)
        assert found.tolist() == expected.tolist()
        for message, rows in zip(messages, batch, strict=True):
            alone = parse_single_example(message, spec)["x"]
            assert alone.shape == (len(rows), *shape)
            assert alone.ravel().tolist() == [v for row in rows for v in row]

    def test_are_padded_with_all_bytes_of_the_default(self):
        spec = {"x": FixedLenSequenceFeature([], string, True, b"\0a\0")}
        found = parse_example([example({"x": ["b"]}), example({})], spec)["x"]
        assert found.tolist() == [[b"b"], [b"\0a\0"]]

    def test_are_padded_with_nothing_otherwise(self):
        messages = [example({"i": [1, 2], "s": ["a", "b"]}), example({})]
        parsed = parse_example(
            messages,
            {
                "i": FixedLenSequenceFeature([], int64, allow_missing=True),
                "s": FixedLenSequenceFeature([], string, allow_missing=True),
            },
        )
        assert_same(parsed["i"], [[1, 2], [0, 0]], int64)
        assert_same(parsed["s"], [[b"a", b"b"], [b"", b""]], string)

    def test_that_are_not_whole(self):
        spec = {"x": FixedLenSequenceFeature([2], int64, allow_missing=True)}
        with pytest.raises(
            FeatureError,
            match=r"expected a multiple of 2 int64, found 3\n  at b: features\.x\n  the",
        ):
            parse_example([example({"x": [1, 2]}), example({"x": [1, 2, 3]})], spec, ["a", "b"])

    def test_of_no_values(self):
        spec = {"x": FixedLenSequenceFeature([0], int64, allow_missing=True)}
        assert parse_example([example({})], spec)["x"].shape == (1, 0, 0)
        with pytest.raises(FeatureError, match="expected a multiple of 0 int64, found 1"):
            parse_example([example({"x": 1})], spec)


@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_any_length(data, kind):
    rows = data.draw(st.lists(st.lists(VALUES[kind], max_size=3), min_size=1, max_size=4))
    messages = [example({"x": row}) for row in rows]
    found = parse_example(messages, {"x": VarLenFeature(kind)})["x"]
    assert found.indices.tolist() == [[i, j] for i, row in enumerate(rows) for j in range(len(row))]
    assert_same(found.values, [v for row in rows for v in row], kind)
    assert found.dense_shape.tolist() == [len(rows), max(map(len, rows))]
    alone = parse_single_example(messages[0], {"x": VarLenFeature(kind)})["x"]
    assert alone.indices.tolist() == [[j] for j in range(len(rows[0]))]
    assert alone.dense_shape.tolist() == [len(rows[0])]


class TestSparse:
    MESSAGES = (
        example({"idx": [4, 0], "val": [0.5, 1.5]}),
        example({}),
        example({"idx": [1], "val": [2.5]}),
    )

    def test_values_stand_at_their_positions(self):
        found = parse_example(self.MESSAGES, {"x": SparseFeature("idx", "val", float32, 5)})["x"]
        expected = [[1.5, 0, 0, 0, 0.5], [0] * 5, [0, 2.5, 0, 0, 0]]
        assert_same(dense(found, 0), expected, float32)
        assert found.indices.tolist() == [[0, 0], [0, 4], [2, 1]]
        alone = parse_single_example(
            self.MESSAGES[0], {"x": SparseFeature("idx", "val", float32, 5)}
        )["x"]
        assert_same(dense(alone, 0), expected[0], float32)

    def test_several_coordinates(self):
        message = example({"row": [1, 0, 1], "column": [0, 2, 0], "val": ["a", "b", "c"]})
        spec = {"x": SparseFeature(["row", "column"], "val", string, [2, 3])}
        found = parse_example([message, message], spec)["x"]
        assert found.indices.tolist() == [
            [message, *at] for message in (0, 1) for at in ([0, 2], [1, 0], [1, 0])
        ]
        assert found.values.tolist() == [b"b", b"a", b"c"] * 2  # equal positions keep their order
        assert found.dense_shape.tolist() == [2, 2, 3]

    def test_positions_are_not_compared_with_the_size(self):
        message = example({"idx": [9, -1], "val": [1, 2]})
        found = parse_single_example(message, {"x": SparseFeature("idx", "val", int64, 5)})["x"]
        assert found.indices.tolist() == [[-1], [9]]
        assert found.values.tolist() == [2, 1]

    def test_already_sorted_leaves_all_as_it_is(self):
        message = example({"idx": [4, 0, 1], "val": [1, 2]})
        spec = SparseFeature("idx", "val", int64, 5, already_sorted=True)
        found = parse_single_example(message, {"x": spec})["x"]
        assert found.indices.tolist() == [[4], [0], [1]]
        assert found.values.tolist() == [1, 2]

    @pytest.mark.parametrize("order", ["before", "middle", "zz"])
    def test_the_parts_may_be_asked_for_as_well(self, order):
        # TensorFlow 1.15 returns nothing at all if a part's name comes after the SparseFeature's.
        spec = {
            "idx": VarLenFeature(int64),
            order: SparseFeature("idx", "val", float32, 5),
            "val": VarLenFeature(float32),
        }
        parsed = parse_example(self.MESSAGES, spec)
        assert parsed["idx"].values.tolist() == [4, 0, 1]
        assert parsed["val"].values.tolist() == [0.5, 1.5, 2.5]
        assert parsed[order].values.tolist() == [1.5, 0.5, 2.5]

    @pytest.mark.parametrize(
        "message",
        [example({"idx": [1, 2], "val": [0.5]}), example({"val": [0.5]}), example({"idx": 1})],
    )
    def test_not_as_many_positions_as_values(self, message):
        spec = {"x": SparseFeature("idx", "val", float32, 5)}
        with pytest.raises(
            FeatureError,
            match=r"as many values as positions, found \d for \d\n  at message 1: features\.val",
        ):
            parse_example([self.MESSAGES[0], message], spec)

    def test_not_as_many_of_one_coordinate_as_of_another(self):
        message = example({"row": [1], "column": [1, 2], "val": [1]})
        spec = SparseFeature(["row", "column"], "val", int64, [3, 3], already_sorted=True)
        with pytest.raises(FeatureError, match="as many values as positions, found 2 for 1"):
            parse_example([message], {"x": spec})

    def test_positions_that_are_no_integers(self):
        message = example({"idx": [0.5], "val": [0.5]})
        with pytest.raises(FeatureError, match=r"int64, found float32\n .* features\.idx\n  the"):
            parse_example([message], {"x": SparseFeature("idx", "val", float32, 5)})


class TestGeneralRules:
    """What TensorFlow's scanner of Examples refuses or misreads, by the rules of protobuf."""

    ENTRY = b"\x0a\x0a\x0a\x01x\x12\x05\x1a\x03\x0a\x01\x05"  # x: int64_list { value: [5] }
    SPEC = {"x": FixedLenFeature([], int64)}  # noqa: RUF012 - only read

    def message(self, *fields: bytes) -> bytes:
        body = b"".join(fields)
        return b"\x0a" + bytes([len(body)]) + body

    def parsed(self, message: bytes) -> int:
        (batch,) = parse_example([message], self.SPEC)["x"]
        assert parse_single_example(message, self.SPEC)["x"] == batch
        return batch

    def test_unknown_fields_are_skipped_everywhere(self):
        unknown = b"\x48\x4d"
        inside_entry = b"\x0a\x0c\x0a\x01x\x48\x4d\x12\x05\x1a\x03\x0a\x01\x05"
        inside_feature = b"\x0a\x0c\x0a\x01x\x12\x07\x48\x4d\x1a\x03\x0a\x01\x05"
        inside_list = b"\x0a\x0c\x0a\x01x\x12\x07\x1a\x05\x48\x4d\x0a\x01\x05"
        for message in (
            unknown + self.message(self.ENTRY),
            self.message(unknown, self.ENTRY),
            self.message(inside_entry),
            self.message(inside_feature),
            self.message(inside_list),
        ):
            assert self.parsed(message) == 5

    def test_a_value_may_come_before_its_key(self):
        assert self.parsed(self.message(b"\x0a\x0a\x12\x05\x1a\x03\x0a\x01\x05\x0a\x01x")) == 5

    def test_pieces_of_a_list_add_up(self):
        pieces = b"\x0a\x0f\x0a\x01x\x12\x0a\x1a\x03\x0a\x01\x05\x1a\x03\x0a\x01\x06"
        spec = {"x": FixedLenFeature([2], int64)}
        assert parse_example([self.message(pieces)], spec)["x"].tolist() == [[5, 6]]

    def test_the_last_kind_counts(self):
        two = b"\x0a\x0f\x0a\x01x\x12\x0a\x0a\x03\x0a\x01a\x1a\x03\x0a\x01\x05"
        assert self.parsed(self.message(two)) == 5

    def test_names_are_utf8_and_lengths_are_believed(self):
        for message in (
            self.message(b"\x0a\x05\x0a\x01\xff\x12\x00", self.ENTRY),
            b"\x0a\x7f",
            b"\x00",
        ):
            with pytest.raises(FeatureError, match="expected a serialized Example, found"):
                parse_example([message], {"x": VarLenFeature(int64)})


class TestErrors:
    @pytest.mark.wrong_types
    @pytest.mark.parametrize(
        ("serialized", "message"),
        [
            (b"one", "serialized: expected a list of bytes, found bytes$"),
            ("one", "serialized: expected a list of bytes, found str$"),
            (None, "serialized: expected a list of bytes, found NoneType"),
            (["one"], "serialized: expected a list of bytes, found str in it"),
            (np.array([1, 2]), "serialized: expected a list of bytes, found int64 in it"),
        ],
    )
    def test_not_a_list_of_bytes(self, serialized, message):
        with pytest.raises(TypeError, match=message):
            parse_example(serialized, {"x": VarLenFeature(int64)})

    @pytest.mark.wrong_types
    def test_not_bytes(self):
        with pytest.raises(TypeError, match="serialized: expected bytes, found list"):
            parse_single_example([b""], {"x": VarLenFeature(int64)})

    @pytest.mark.wrong_types
    @pytest.mark.parametrize(
        ("features", "error", "message"),
        [
            ({}, ValueError, "features: expected at least one specification, found none"),
            (
                {1: VarLenFeature(int64)},
                TypeError,
                "features: expected names that are text",
            ),
            ({"x": int64}, TypeError, r"features\['x'\]: expected FixedLenFeature or Fixed"),
            (
                {"x": FixedLenSequenceFeature([], int64)},
                ValueError,
                r"features\['x'\]: expected allow_missing=True, since an Example cannot",
            ),
            (
                {"s": SparseFeature("x", "v", int64, 3), "x": VarLenFeature(float32)},
                ValueError,
                "one kind of values of 'x', found int64 for 's' and float32 for 'x'",
            ),
        ],
    )
    def test_specs_that_cannot_be(self, features, error, message):
        for parse in (lambda f: parse_example([b""], f), lambda f: parse_single_example(b"", f)):
            with pytest.raises(error, match=message):
                parse(features)

    def test_not_one_name_for_each_message(self):
        with pytest.raises(ValueError, match="example_names: expected one for each of 2 messages"):
            parse_example([b"", b""], {"x": VarLenFeature(int64)}, ["a"])

    def test_an_array_of_messages_will_do(self):
        messages = np.array([example({"x": 1}), example({"x": 2})], object)
        assert parse_example(messages, {"x": FixedLenFeature([], int64)})["x"].tolist() == [1, 2]
