"""Lists of Python's numbers, or of texts, become what the code for all values makes of them."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example as given_example
from hypothesis import given, settings
from hypothesis import strategies as st

from varlen import Example, FeatureError, _native, example, examples, sequence_examples

INTS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**70), 2**70))
FLOATS = st.one_of(st.floats(width=32), st.floats())
# Mostly of one kind, as they are read natively; and now and then of another.
SCALARS = st.sampled_from([INTS, FLOATS, st.text(max_size=3)]).flatmap(
    lambda kind: st.sampled_from(
        [kind, kind, kind, st.one_of(kind, st.booleans(), FLOATS, st.just("x"), st.none())]
    )
)


@st.composite
def rows(draw: st.DrawFn, depth: int) -> list:
    """Rows in which scalars stand at any depth up to `depth`."""
    scalar = draw(SCALARS)
    levels = [scalar]
    for _ in range(depth):
        deeper = st.lists(levels[-1], max_size=3)
        levels.append(st.one_of(deeper, deeper.map(tuple), *levels[:1]))
    return draw(st.lists(levels[-1], min_size=1, max_size=4))


def outcome(write):
    try:
        return write()
    except (TypeError, FeatureError) as error:
        return type(error), str(error)


def assert_same_as_plain(write):
    with (
        patch.object(_native, "read_numbers", None),
        patch("varlen.features._write._column_of_text", lambda *column: None),
    ):
        plain = outcome(write)
    assert outcome(write) == plain


@settings(deadline=None, max_examples=300)
@given(values=rows(depth=2))
@given_example(values=[[], [1], 2])
@given_example(values=[[], [], ()])
@given_example(values=[2**63 - 1, -(2**63)])
@given_example(values=[2**63])
@given_example(values=[1e39])
@given_example(values=[float("nan"), float("inf"), 3.4028235e38, 1e-46, -0.0])
@given_example(values=[1, 2.0])
@given_example(values=[np.int64(1), 2])
@given_example(values=["a", "", "ü"])
@given_example(values=["a", "\ud800"])
@given_example(values=["a", ["b", "c"], b"d"])
def test_features(values):
    assert_same_as_plain(lambda: sequence_examples({"x": values}))
    assert_same_as_plain(lambda: examples({"x": values}))


@settings(deadline=None, max_examples=300)
@given(values=rows(depth=3))
@given_example(values=[[[], []], [[1], [], 2], [], [()]])
@given_example(values=[[1], [2.0]])
@given_example(values=[[[1, [2]]]])
@given_example(values=[[1], (2, [3])])
@given_example(values=[5])
@given_example(values=[["a", "b"], [], ["c"]])
@given_example(values=[["a"], [["b"]], ["c", b"d"]])
@given_example(values=[["a"], ["b", "\ud800"]])
def test_lists_of_steps(values):
    assert_same_as_plain(lambda: sequence_examples(None, {"x": values}))


@pytest.mark.skipif(not _native.NATIVE, reason="the native core is left out")
def test_numbers_are_read_natively():
    for rows, are_lists in (([1, [2, 3], ()], False), ([[1.5], ([2.5, 3.5], 4.5)], True)):
        assert _native.read_numbers(rows, are_lists) is not None


def test_a_batch_of_examples_is_as_its_rows():
    batch = {
        "id": [1, 2, 3],
        "weights": [[0.5], [], [1.5, 2.5]],
        "words": [["a"], ["b", "c"], "d"],
        "array": np.arange(6).reshape(3, 2),
    }
    by_row = [{name: values[i] for name, values in batch.items()} for i in range(3)]
    assert examples(batch) == [example(row) for row in by_row]
    assert Example.FromString(examples(batch)[2]).features.feature["array"].int64_list.value == [
        4,
        5,
    ]


def test_a_batch_of_examples_that_cannot_be():
    with pytest.raises(ValueError, match="features: expected at least one, found none"):
        examples({})
    with pytest.raises(ValueError, match=r"features\.b: expected as many rows as features\.a, 2"):
        examples({"a": [1, 2], "b": [1]})
    with pytest.raises(TypeError, match=r"features\.a: expected a list with a row for each"):
        examples({"a": 1})
    with pytest.raises(FeatureError, match=r"one kind, found float32 and int64\n  at features\.a"):
        examples({"a": [[1], [2.0]]})
    with pytest.raises(
        FeatureError, match=r"found 9223372036854775808\n  at message 1: features\.a"
    ):
        examples({"a": [1, 2**63]})
