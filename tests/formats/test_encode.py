import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen.errors import FeatureError
from varlen.features import sequence_example
from varlen.formats import Kinds, Row, batched, encode_rows

VALUES = {
    "context": {
        "i": st.integers(-(2**63), 2**63 - 1),
        "x": st.floats(width=32),
        "t": st.text(max_size=3) | st.binary(max_size=3),
    },
    "sequences": {
        "i": st.lists(st.integers(-9, 9), max_size=3),
        "y": st.lists(st.lists(st.floats(width=32), max_size=2), max_size=3),
        "w": st.lists(st.text(max_size=2), max_size=3),
    },
}
ROWS = st.lists(
    st.builds(
        lambda context, sequences: Row(context, sequences, "here"),
        st.fixed_dictionaries({}, optional=VALUES["context"]),
        st.fixed_dictionaries({}, optional={f"s{n}": v for n, v in VALUES["sequences"].items()}),
    ),
    max_size=8,
)


@given(ROWS)
def test_a_batch_is_what_its_rows_are_alone(rows):
    rows = list(Kinds().checked(rows))
    assert encode_rows(rows) == [sequence_example(row.context, row.sequences) for row in rows]


@given(st.lists(st.integers(0, 30), max_size=50), st.integers(1, 5), st.integers(1, 40))
def test_batches_hold_every_row_in_order_and_end_at_the_limits(sizes, most_rows, most_values):
    rows = [Row({}, {"x": np.zeros(size)}, str(i)) for i, size in enumerate(sizes)]
    batches = list(batched(rows, most_rows=most_rows, most_values=most_values))
    assert [row.place for batch in batches for row in batch] == [row.place for row in rows]
    for batch in batches:
        assert 1 <= len(batch) <= most_rows
        assert sum(row.sequences["x"].size for row in batch[:-1]) < most_values


@pytest.mark.parametrize(
    ("context", "sequences", "message"),
    [
        ({"x": 2**63}, {}, r"fits int64, found 9223372036854775808\n  at line 2: context\.x"),
        ({}, {"x": np.array([0, 1e39])}, r"fits float32, .*\n  at line 2: feature_lists\.x\[1\]"),
        ({}, {"x": ["a", "\ud800"]}, r"half a surrogate pair.*\n  at line 2: feature_lists\.x"),
    ],
)
def test_an_error_names_the_row(context, sequences, message):
    good = Row(dict.fromkeys(context, 1), {name: [] for name in sequences}, "line 1")
    with pytest.raises(FeatureError, match=message):
        encode_rows([good, Row(context, sequences, "line 2"), good])


def check(*values):
    rows = [Row({}, {"x": v}, f"line {n}") for n, v in enumerate(values, 1)]
    return [row.sequences["x"] for row in Kinds().checked(rows)]


def test_arrays_and_lists_of_one_kind_go_together():
    arrays = [np.array([[1.5, 2]], np.float16), [[1], []], [np.zeros(2), np.zeros(0)], []]
    found = check(*arrays)
    assert [[np.asarray(step).tolist() for step in value] for value in found] == [
        [[1.5, 2.0]],
        [[1.0], []],
        [[0.0, 0.0], []],
        [],
    ]


def test_text_may_become_bytes():
    kinds = Kinds()
    rows = [Row({"x": value}, {}, "") for value in ("a", b"\xff", "b")]
    assert [row.context["x"] for row in kinds.checked(rows)] == ["a", b"\xff", "b"]
    assert str(kinds.found()["x"]) == "bytes"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([np.array([1]), np.array([0.5])], "a list of integers as in line 1, found a list of num"),
        ([np.array([1]), np.array([1j])], "found an array of complex128\n  at line 2, key 'x'"),
        ([[np.array([1]), np.array([0.5])]], "expected a string, a number"),
        ([[0.5], [10**400]], "expected numbers that fit float32, found"),
    ],
)
def test_arrays_of_other_kinds(values, message):
    with pytest.raises(FeatureError, match=message):
        check(*values)


def test_one_name_in_both_places():
    rows = [Row({"x": [1, 2]}, {}, "line 1"), Row({}, {"x": [1, 2]}, "line 2")]
    with pytest.raises(FeatureError, match="that is no sequence as in line 1, found"):
        list(Kinds().checked(rows))
