import doctest

import numpy as np
import pytest
import torch

import varlen.data.iterables._batch
from varlen.data import batch
from varlen.sequences import SparseValues


def test_slices_of_unequal_length_are_padded():
    x = np.arange(1, 10)
    (block,) = batch((x[:n] for n in range(5)), 5, dynamic_pad=True)
    assert block.shape == (5, 4)
    assert str(block) == ("[[0 0 0 0]\n [1 0 0 0]\n [1 2 0 0]\n [1 2 3 0]\n [1 2 3 4]]")
    assert block.dtype == np.int64


def test_the_example_in_the_docstring():
    result = doctest.testmod(varlen.data.iterables._batch)
    assert (result.attempted, result.failed) == (2, 0)


@pytest.mark.parametrize("rows", [[[], [1], [1, 2]], [[1], [], [1, 2]]])
def test_empty_lists_take_the_type_of_the_others(rows):
    (block,) = batch(rows, 3)
    assert block.dtype == np.int64
    assert block.shape == (3, 2)


def test_empty_lists_take_the_type_of_earlier_batches():
    first, second = batch([[1], [2], [], []], 2)
    assert first.dtype == second.dtype == np.int64
    assert second.shape == (2, 0)


def test_tuples_give_lists_and_dicts_give_dicts():
    elements = [(i, [i] * i, b"x" * i) for i in range(3)]
    ((numbers, rows, names),) = batch(elements, 3)
    assert numbers.tolist() == [0, 1, 2]
    assert rows.tolist() == [[0, 0], [1, 0], [2, 2]]
    assert names.tolist() == [b"", b"x", b"xx"]
    (found,) = batch([{"n": n, "row": row} for n, row, _ in elements], 3)
    assert list(found) == ["n", "row"]
    assert found["row"].tolist() == rows.tolist()
    (alone,) = batch([(i,) for i in range(3)], 3)
    assert alone.tolist() == [0, 1, 2]
    (found,) = batch([{"n": 1}], 3)
    assert found["n"].tolist() == [1]


@pytest.mark.parametrize(
    ("small", "large", "expected"),
    [
        ([[1]], [[1, 2], [3, 4]], [[[1, 0], [0, 0]], [[1, 2], [3, 4]]]),
        ([True], [True, True], [[True, False], [True, True]]),
        ([b"a"], [b"a", b"bc"], [[b"a", b""], [b"a", b"bc"]]),
        (["a"], ["a", "bc"], [["a", ""], ["a", "bc"]]),
        ([0.5], [0.5, 1.5], [[0.5, 0.0], [0.5, 1.5]]),
    ],
)
def test_every_dimension_is_padded_on_the_high_side(small, large, expected):
    (block,) = batch([small, large], 2)
    assert block.tolist() == expected


def test_sparse_values_get_a_batch_axis():
    one = SparseValues(np.array([[1]]), np.array([5]), np.array([3]))
    none = SparseValues(np.zeros((0, 1), np.int64), np.zeros(0, np.int64), np.array([4]))
    ((numbers, found),) = batch([(0, none), (1, one)], 2)
    assert numbers.tolist() == [0, 1]
    assert found.indices.tolist() == [[1, 1]]
    assert found.values.tolist() == [5]
    assert found.dense_shape.tolist() == [2, 4]
    (alone,) = batch([one], 2)
    assert alone.dense_shape.tolist() == [1, 3]
    with pytest.raises(ValueError, match="element 1: expected SparseValues, as in element 0"):
        next(batch([one, [1]], 2))


def test_strings_stay_strings():
    (block,) = batch(["a", "bc"], 2)
    assert [type(string) for string in block] == [str, str]
    (block,) = batch([b"a", b"bc"], 2)
    assert [type(string) for string in block] == [bytes, bytes]


def test_tensors_give_tensors():
    (block,) = batch([torch.ones(1), torch.ones(2)], 2)
    assert isinstance(block, torch.Tensor)
    assert block.dtype == torch.float32
    assert block.tolist() == [[1, 0], [1, 1]]


def test_the_last_batch_may_be_smaller():
    assert [len(block) for block in batch(range(7), 3)] == [3, 3, 1]
    assert [len(block) for block in batch(range(7), 3, allow_smaller_final_batch=False)] == [3, 3]
    assert list(batch([], 3)) == []


def test_no_element_is_asked_for_too_early():
    source = iter(range(10))
    batches = batch(source, 3)
    next(batches)
    assert next(source) == 3


@pytest.mark.parametrize(
    ("elements", "error", "message"),
    [
        ([[1], [[2]]], ValueError, r"element 1: expected rank 1, as in element 0, found rank 2"),
        ([[1], [1.5]], TypeError, "element 1: expected int64, as in element 0, found float64"),
        ([[1], [1], [1.5]], TypeError, "element 2: expected int64, as before, found float64"),
        ([(1, 2), (1,)], ValueError, "element 1: expected the components 0, 1, .* found .* 0"),
        (
            [{"a": 1}, {"b": 1}],
            ValueError,
            "element 1: expected the components 'a', .* found .*'b'",
        ),
        ([1, 1, (1, 2)], ValueError, "element 2: expected a single component, as in element 0"),
        ([(1, [1]), (1, [[1]])], ValueError, "component 1 of element 1: expected rank 1"),
        ([{"a": [1]}, {"a": 1}], ValueError, "component 'a' of element 1: expected rank 1"),
        ([()], ValueError, "element 0: expected at least one component, found none"),
        ([{}], ValueError, "element 0: expected at least one component, found none"),
        ([[[1], [2, 3]]], ValueError, "element 0: expected values of a regular shape"),
    ],
)
def test_elements_that_do_not_go_together(elements, error, message):
    with pytest.raises(error, match=message):
        list(batch(elements, 2))


def test_unequal_shapes_without_padding():
    with pytest.raises(ValueError, match=r"element 1: .* found \(2,\); dynamic_pad=True pads them"):
        list(batch([[1], [1, 2]], 2, dynamic_pad=False))
    (block,) = batch([[1, 2], [3, 4]], 2, dynamic_pad=False)
    assert block.tolist() == [[1, 2], [3, 4]]


@pytest.mark.wrong_types
def test_arguments_are_checked_before_the_first_batch():
    with pytest.raises(ValueError, match="batch: batch_size: expected at least 1, found 0"):
        batch([1], 0)
    with pytest.raises(TypeError, match=r"batch: batch_size: expected an integer, found 2.0"):
        batch([1], 2.0)
    with pytest.raises(TypeError, match="not iterable"):
        batch(3, 2)
