from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen import (
    FeatureError,
    RaggedFeature,
    RaggedValues,
    example,
    float32,
    int64,
    parse_example,
    parse_single_example,
    string,
)

# How each partition describes rows of these lengths.
DESCRIBED = {
    RaggedFeature.RowSplits: lambda lengths: np.cumsum([0, *lengths]),
    RaggedFeature.RowLengths: np.array,
    RaggedFeature.RowStarts: lambda lengths: np.cumsum([0, *lengths])[:-1],
    RaggedFeature.RowLimits: np.cumsum,
    RaggedFeature.ValueRowIds: lambda lengths: np.repeat(np.arange(len(lengths)), lengths),
}


def described(partition, lengths: list[int]) -> np.ndarray:
    return np.asarray(DESCRIBED[partition](lengths), np.int64)


def nested(values: RaggedValues) -> list:
    """The rows as lists of lists."""
    rows = values.flat_values.tolist()
    for splits in reversed(values.row_splits):
        rows = [rows[a:b] for a, b in pairwise(splits.tolist())]
    return rows


def parse_rows(messages: list[bytes], spec) -> list:
    """What a batch holds, which must be what its messages hold."""
    batch = nested(parse_example(messages, {"x": spec})["x"])
    alone = [parse_single_example(message, {"x": spec})["x"] for message in messages]
    assert [nested(a) if isinstance(a, RaggedValues) else a.tolist() for a in alone] == batch
    return batch


# A row at the end that has no values cannot be told by row ids.
ROWS = st.lists(st.lists(st.integers(0, 99), max_size=3), max_size=4)
FULL_ROWS = st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=3), max_size=4)


@pytest.mark.parametrize("validate", [False, True])
@pytest.mark.parametrize("partition", DESCRIBED)
@given(data=st.data())
def test_rows(partition, validate, data):
    rows = FULL_ROWS if partition is RaggedFeature.ValueRowIds else ROWS
    batch = data.draw(st.lists(rows, min_size=1, max_size=3))
    messages = [
        example(
            {
                "x": np.array([v for row in rows for v in row], np.int64),
                "parts": described(partition, [len(row) for row in rows]),
            }
        )
        for rows in batch
    ]
    spec = RaggedFeature(int64, partitions=[partition("parts")], validate=validate)
    assert parse_rows(messages, spec) == batch


@pytest.mark.parametrize("inner", DESCRIBED)
@pytest.mark.parametrize("outer", DESCRIBED)
def test_rows_of_rows(outer, inner):
    batch = [[[[1, 2], [3]], [[4]]], [], [[[5]], [[6, 7, 8]]]]
    messages = [
        example(
            {
                "values": np.array([v for rows in message for row in rows for v in row], np.int64),
                "outer": described(outer, [len(rows) for rows in message]),
                "inner": described(inner, [len(row) for rows in message for row in rows]),
            }
        )
        for message in batch
    ]
    spec = RaggedFeature(int64, "values", [outer("outer"), inner("inner")], "int64", validate=True)
    assert parse_rows(messages, spec) == batch
    found = parse_example(messages, {"x": spec})["x"]
    assert all(splits.dtype == np.int64 for splits in found.row_splits)


def test_without_partitions_the_batch_is_ragged_and_a_message_dense():
    messages = [example({"x": ["a", "b"]}), example({}), example({"x": ["c"]})]
    assert parse_rows(messages, RaggedFeature(string)) == [[b"a", b"b"], [], [b"c"]]
    found = parse_example(messages, {"x": RaggedFeature(string)})["x"]
    assert found.row_splits[0].dtype == np.int32


def test_uniform_rows_at_the_end_are_dense():
    uniform = RaggedFeature.UniformRowLength
    messages = [example({"v": np.arange(12.0)}), example({})]
    spec = RaggedFeature(float32, "v", [uniform(3), uniform(2)])
    found = parse_example(messages, {"x": spec})["x"]
    np.testing.assert_array_equal(found.flat_values, np.arange(12.0).reshape(2, 3, 2))
    assert [splits.tolist() for splits in found.row_splits] == [[0, 2, 2]]
    alone = parse_single_example(messages[0], {"x": spec})["x"]
    np.testing.assert_array_equal(alone, np.arange(12.0).reshape(2, 3, 2))


def test_uniform_rows_around_ragged_ones_and_within():
    partitions = [
        RaggedFeature.UniformRowLength(2),
        RaggedFeature.RowLengths("n"),
        RaggedFeature.UniformRowLength(2),
    ]
    messages = [
        example({"v": [1, 2, 3, 4, 5, 6], "n": [2, 0, 0, 1]}),
        example({}),
        example({"v": [7, 8], "n": [0, 1]}),
    ]
    spec = RaggedFeature(int64, "v", partitions, validate=True)
    assert parse_rows(messages, spec) == [
        [[[[1, 2], [3, 4]], []], [[], [[5, 6]]]],
        [],
        [[[], [[7, 8]]]],
    ]


def test_rows_that_leave_values_over_are_handed_on_unless_checked():
    message = example({"v": [1, 2, 3], "n": [1, 1]})
    lax = RaggedFeature(int64, "v", [RaggedFeature.RowLengths("n")])
    assert parse_rows([message], lax) == [[[1], [2]]]


def test_splits_of_one_message_are_those_that_are_stored():
    spec = RaggedFeature(int64, "v", [RaggedFeature.RowSplits("s")])
    found = parse_single_example(example({}), {"x": spec})["x"]
    assert [splits.tolist() for splits in found.row_splits] == [[]]
    found = parse_single_example(example({"v": [1, 2], "s": [1, 2]}), {"x": spec})["x"]
    assert [splits.tolist() for splits in found.row_splits] == [[1, 2]]


@pytest.mark.parametrize(
    ("partition", "parts"),
    [
        (RaggedFeature.RowSplits, [0, 2]),
        (RaggedFeature.RowSplits, [1, 3]),
        (RaggedFeature.RowSplits, [0, 2, 1, 3]),
        (RaggedFeature.RowSplits, []),
        (RaggedFeature.RowLengths, [1, 1]),
        (RaggedFeature.RowLengths, [4, -1]),
        (RaggedFeature.RowStarts, [1]),
        (RaggedFeature.RowStarts, [0, 2, 1]),
        (RaggedFeature.RowStarts, [0, 4]),
        (RaggedFeature.RowLimits, [2, 4]),
        (RaggedFeature.RowLimits, [-1, 3]),
        (RaggedFeature.ValueRowIds, [0, 0]),
        (RaggedFeature.ValueRowIds, [0, 1, 0]),
    ],
)
def test_rows_that_do_not_cover_the_values(partition, parts):
    good = example({"v": [1], "p": described(partition, [1])})
    bad = example({"v": [1, 2, 3], "p": np.array(parts, np.int64)})
    spec = RaggedFeature(int64, "v", [partition("p")], validate=True)
    message = f"expected {partition.__name__} that cover 3 values in order, found"
    with pytest.raises(FeatureError, match=rf"{message} .*\n  at message 1: features\.p\n  the"):
        parse_example([good, bad], {"x": spec})
    with pytest.raises(FeatureError, match=rf"{message} .*\n  at here: features\.p\n  the"):
        parse_single_example(bad, {"x": spec}, at="here")


def test_values_that_do_not_fill_uniform_rows():
    # TensorFlow counts the values of the whole batch, and so mixes those of several messages.
    messages = [example({"v": [1, 2, 3]}), example({"v": [4]})]
    spec = RaggedFeature(int64, "v", [RaggedFeature.UniformRowLength(2)])
    with pytest.raises(
        FeatureError, match=r"expected a multiple of 2, .* found 3\n  at message 0: features\.v"
    ):
        parse_example(messages, {"x": spec})


@pytest.mark.parametrize("ids", [[0, -1], [0, 1 << 60]])
def test_row_ids_that_would_make_rows_without_end(ids):
    spec = RaggedFeature(int64, "v", [RaggedFeature.ValueRowIds("ids")])
    with pytest.raises(FeatureError, match="expected row ids from 0 to 1048577, found"):
        parse_example([example({"v": [1, 2], "ids": ids})], {"x": spec})


def test_row_ids_may_leave_rows_empty():
    spec = RaggedFeature(int64, "v", [RaggedFeature.ValueRowIds("ids")])
    messages = [example({"v": [1, 2], "ids": [1, 3]}), example({"v": [3], "ids": [0]})]
    assert parse_rows(messages, spec) == [[[], [1], [], [2]], [[3]]]


def test_parts_of_another_kind():
    message = example({"v": [1], "n": [0.5]})
    spec = RaggedFeature(int64, "v", [RaggedFeature.RowLengths("n")])
    with pytest.raises(FeatureError, match=r"int64, found float32\n  at message 0: features\.n"):
        parse_example([message], {"x": spec})
