import doctest

import numpy as np
import pytest
import torch

import varlen.data.iterables._padded
from varlen.data import batch, bucketed_batch, padded_batch

ROWS = [[1], [1, 2, 3], [4, 5], []]


def test_the_largest_of_each_batch_by_default():
    found = [block.tolist() for block in padded_batch(ROWS, 2)]
    assert found == [[[1, 0, 0], [1, 2, 3]], [[4, 5], [0, 0]]]
    assert found == [block.tolist() for block in batch(ROWS, 2)]
    assert list(padded_batch([], 2)) == []


def test_given_sizes_and_values():
    found = padded_batch(ROWS, 3, padded_shapes=[4], padding_values=-1, drop_remainder=True)
    assert [block.tolist() for block in found] == [[[1, -1, -1, -1], [1, 2, 3, -1], [4, 5, -1, -1]]]


def test_some_sizes_given_and_others_open():
    blocks = [np.ones((2, 3)), np.ones((1, 2))]
    for open_size in (None, -1):
        (found,) = padded_batch(blocks, 2, padded_shapes=[open_size, 4])
        assert found.shape == (2, 2, 4)
        assert found.sum() == 8
        assert found[1, 0].tolist() == [1, 1, 0, 0]


def test_the_structure_is_that_of_the_elements():
    as_dicts = [{"id": np.int32(i), "row": torch.full((i,), i)} for i in range(3)]
    (found,) = padded_batch(as_dicts, 3, {"id": [], "row": [3]}, {"id": None, "row": 7})
    assert found["id"].dtype == np.int32
    assert isinstance(found["row"], torch.Tensor)
    assert found["row"].tolist() == [[7, 7, 7], [1, 7, 7], [2, 2, 7]]
    as_tuples = [tuple(element.values()) for element in as_dicts]
    ((_, rows),) = padded_batch(as_tuples, 3, [[], [3]], (None, 7))
    assert rows.tolist() == found["row"].tolist()
    ((_, rows),) = padded_batch(as_tuples, 3, [None, [3]])
    assert rows.tolist() == [[0, 0, 0], [1, 0, 0], [2, 2, 0]]


@pytest.mark.parametrize(("words", "value", "filler"), [("ab", b"-", "-"), (b"ab", "-", b"-")])
def test_strings_are_padded_with_their_own_kind(words, value, filler):
    (found,) = padded_batch([[words], [words, words]], 2, padding_values=value)
    assert found.tolist() == [[words, filler], [words, words]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"padded_shapes": [2]}, ValueError, r"element 1: expected at most shape \(2,\).*\(3,\)"),
        ({"padded_shapes": [2, 2]}, ValueError, r"element 0: expected rank 2 .*found shape \(1,\)"),
        ({"padded_shapes": 3}, TypeError, "padded_shapes: expected a list of sizes, found 3"),
        ({"padded_shapes": [-2]}, ValueError, "padded_shapes: expected at least 0, found -2"),
        (
            {"padding_values": 0.5},
            TypeError,
            "padding_values: expected a value of int64, found 0.5",
        ),
        ({"padding_values": "x"}, TypeError, "padding_values: expected a value of int64"),
    ],
)
def test_what_does_not_go_together(arguments, error, message):
    with pytest.raises(error, match=message):
        list(padded_batch(ROWS, 3, **arguments))


def test_arguments_of_another_structure():
    pairs = [(1, [2])]
    with pytest.raises(TypeError, match="expected a list, since elements are tuples"):
        list(padded_batch(pairs, 1, padding_values=3))
    with pytest.raises(ValueError, match=r"one for each of the components \[0, 1\], found \[0\]"):
        list(padded_batch(pairs, 1, padded_shapes=[[]]))
    with pytest.raises(TypeError, match="expected a dict, since elements are dicts"):
        list(padded_batch([{"a": 1}], 1, padded_shapes=[[]]))
    with pytest.raises(ValueError, match=r"components \['a'\], found \['b'\]"):
        list(padded_batch([{"a": 1}], 1, padded_shapes={"b": []}))


def test_a_batch_comes_when_its_bucket_is_full_and_the_rest_in_order():
    rows = [[1], [1, 1, 1], [2, 2], [3], [4, 4, 4, 4], []]
    found = [block.tolist() for block in bucketed_batch(rows, len, [2, 4], 2)]
    assert found == [[[1, 1, 1], [2, 2, 0]], [[1], [3]], [[]], [[4, 4, 4, 4]]]
    kept = [block.tolist() for block in bucketed_batch(rows, len, [2, 4], 2, drop_remainder=True)]
    assert kept == found[:2]
    by_size = [len(block) for block in bucketed_batch(rows, len, [2, 4], [3, 1, 1])]
    assert by_size == [1, 1, 1, 3]


def test_padding_to_the_boundary():
    rows = [[1], [1, 1, 1], [2, 2], []]
    found = bucketed_batch(rows, len, [2, 6], 2, pad_to_bucket_boundary=True)
    assert [block.tolist() for block in found] == [
        [[1, 1, 1, 0, 0], [2, 2, 0, 0, 0]],
        [[1], [0]],
    ]


def test_padding_to_the_boundary_leaves_other_axes_alone():
    rows = [(np.ones((n, 3)), np.ones(2)) for n in (1, 2)]
    found = bucketed_batch(
        rows, lambda e: len(e[0]), [6], 2, pad_to_bucket_boundary=True, padded_shapes=[None, [2]]
    )
    assert [[block.shape for block in blocks] for blocks in found] == [[(2, 5, 3), (2, 2)]]


def test_nothing_to_pad_to_beyond_the_last_boundary():
    batches = bucketed_batch([[1], [1, 2]], len, [2], 1, pad_to_bucket_boundary=True)
    assert next(batches).tolist() == [[1]]
    with pytest.raises(ValueError, match="element 1: expected a length below the last boundary, 2"):
        next(batches)


def test_no_padding():
    assert [b.tolist() for b in bucketed_batch([[1], [2]], len, [5], 2, no_padding=True)] == [
        [[1], [2]]
    ]
    with pytest.raises(ValueError, match=r"element 1: expected shape \(1,\), as in element 0"):
        list(bucketed_batch(ROWS, len, [5], 2, no_padding=True))
    with pytest.raises(ValueError, match="found both"):
        bucketed_batch(ROWS, len, [5], 2, no_padding=True, padded_shapes=[3])


def test_bad_buckets():
    with pytest.raises(ValueError, match="bucket_batch_sizes: expected one for each of the 2"):
        bucketed_batch(ROWS, len, [5], [2])
    with pytest.raises(ValueError, match="bucket_boundaries: expected each to be above"):
        bucketed_batch(ROWS, len, [5, 5], 2)


def test_examples():
    assert doctest.testmod(varlen.data.iterables._padded).failed == 0
