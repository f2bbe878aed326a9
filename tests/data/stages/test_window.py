import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen.data import Pipeline, Window
from varlen.sequences import JaggedSequence


def windows(length, *arguments, **options):
    example = {
        "id": 7,
        "x": JaggedSequence(np.arange(length), length),
        "y": JaggedSequence(np.arange(2 * length).reshape(length, 2), length),
    }
    items = list(Pipeline([example], Window(*arguments, **options)))
    assert all(item["id"] == 7 for item in items)
    assert all(item["y"].values[:, 0].tolist() == (2 * item["x"].values).tolist() for item in items)
    assert all(len(item["x"].values) == item["x"].lengths for item in items)
    return [item["x"].values.tolist() for item in items]


def test_windows_overlap_as_the_stride_says():
    assert windows(7, 3) == [[0, 1, 2], [3, 4, 5], [6]]
    assert windows(7, 3, 2) == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    assert windows(8, 3, 2) == [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6, 7]]
    assert windows(8, 3, 2, drop_remainder=True) == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    assert windows(2, 3) == [[0, 1]]
    assert windows(0, 3) == [[]]
    assert windows(2, 3, drop_remainder=True) == []


@given(
    length=st.integers(0, 20), size=st.integers(1, 6), data=st.data(), drop_remainder=st.booleans()
)
def test_windows_are_those_of_the_plain_rule(length, size, data, drop_remainder):
    stride = data.draw(st.integers(1, size))
    expected, begin = [list(range(min(size, length)))], 0
    while begin + size < length:
        begin += stride
        expected.append(list(range(begin, min(begin + size, length))))
    assert {step for window in expected for step in window} == set(range(length))
    if drop_remainder:
        expected = [window for window in expected if len(window) == size]
    assert windows(length, size, stride, drop_remainder) == expected


def test_examples_without_a_sequence():
    with pytest.raises(ValueError, match=r"Window: expected an example with a sequence.* 'id'"):
        list(Pipeline([{"id": 1}], Window(3)))
    with pytest.raises(TypeError, match="Window: expected a dict of features, found int"):
        list(Pipeline([1], Window(3)))
    with pytest.raises(
        ValueError, match=r"sequences of one length, .* 1 steps of 'x' and 0 of 'y'"
    ):
        list(Pipeline([{"x": JaggedSequence([1], 1), "y": JaggedSequence([], 0)}], Window(3)))


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, "Window: size: expected at least 1, found 0"),
        ((2, 0), ValueError, "Window: stride: expected at least 1, found 0"),
        ((2, 3), ValueError, r"stride: expected at most the size, 2, .* left out, found 3"),
        ((2.0,), TypeError, "Window: size: expected an integer"),
    ],
)
def test_windows_that_cannot_be(arguments, error, message):
    with pytest.raises(error, match=message):
        Window(*arguments)
