import doctest

import numpy as np
import pytest

import varlen.data.iterables._buckets
import varlen.data.iterables._variants
import varlen.data.queues
from varlen.data import bucket, bucket_by_sequence_length, bucketed_batch


def listed(batches):
    return [(number, block.tolist()) for number, block in batches]


def test_a_batch_comes_when_its_bucket_is_full_and_the_rest_in_order():
    found = listed(bucket([5, 0, 1, 2, 4, 3, 7], lambda n: n % 3, 2, 3))
    assert found == [(2, [5, 2]), (1, [1, 4]), (0, [0, 3]), (1, [7])]


def test_what_is_left_may_be_left_out():
    found = bucket([5, 0, 1, 2], lambda n: n % 3, 2, 3, allow_smaller_final_batch=False)
    assert listed(found) == [(2, [5, 2])]


def test_sizes_of_each_bucket_and_numbers_outside():
    found = bucket(range(-2, 6), lambda n: n // 2, [2, 1], 2)
    assert listed(found) == [(0, [0, 1]), (1, [2]), (1, [3])]


def test_only_what_is_kept():
    assert listed(bucket(range(6), lambda n: 0, 9, 1, keep_input=lambda n: n > 3)) == [(0, [4, 5])]
    assert listed(bucket(range(6), lambda n: 0, 9, 1, keep_input=False)) == []


def test_padding_is_per_batch():
    rows = [[1], [1, 1, 1], [2, 2], [3], [4, 4, 4, 4]]
    found = list(bucket_by_sequence_length(len, rows, 2, [2, 4]))
    assert [lengths.tolist() for lengths, _ in found] == [[3, 2], [1, 1], [4]]
    assert [block.tolist() for _, block in found] == [
        [[1, 1, 1], [2, 2, 0]],
        [[1], [3]],
        [[4, 4, 4, 4]],
    ]
    assert found[0][0].dtype == np.int32


def test_containers_of_one_component_keep_a_list():
    ((_, found),) = bucket_by_sequence_length(lambda e: len(e["x"]), [{"x": [1, 2]}], 1, [5])
    assert list(found) == ["x"]
    assert [block.tolist() for block in found["x"]] == [[[1, 2]]]
    ((_, found),) = bucket_by_sequence_length(lambda e: len(e[0]), [([1, 2],)], 1, [5])
    assert [block.tolist() for block in found] == [[[1, 2]]]
    ((_, found),) = bucket_by_sequence_length(lambda e: len(e["x"]), [{"x": [1], "y": 2}], 1, [5])
    assert found["x"].tolist() == [[1]]
    assert found["y"].tolist() == [2]


def test_errors_name_the_element():
    with pytest.raises(ValueError, match="element 3: expected rank 1, as in element 1"):
        list(bucket([[1], [2], [3], [[4]]], lambda e: np.ravel(e)[0] % 2, 2, 2))
    with pytest.raises(ValueError, match="element 2: expected a single component, as in element 0"):
        list(bucket([1, 2, (3, 4)], lambda e: 0, 3, 1))


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: bucket([], len, 0, 2), ValueError, "bucket: batch_size: expected at least 1"),
        (lambda: bucket([], len, [1, 2], 3), ValueError, "each of the 3 buckets, found 2"),
        (lambda: bucket([], len, 1, 0), ValueError, "bucket: num_buckets: expected at least 1"),
        (lambda: bucket([], [1], 1, 1), TypeError, "which_bucket: expected a function of an elem"),
        (
            lambda: bucket_by_sequence_length([3], [], 1, [3]),
            TypeError,
            r"input_length: expected a function of an element, such as len, found \[3\]",
        ),
        (lambda: bucketed_batch([], 3, [3], 1), TypeError, "element_length_func: expected a func"),
        (
            lambda: bucket_by_sequence_length(len, [], 1, [3, 2]),
            ValueError,
            "bucket_boundaries: expected each to be above the one before, found 2 after 3",
        ),
        (lambda: bucket_by_sequence_length(len, [], 1, []), ValueError, "expected at least one"),
        (lambda: bucket_by_sequence_length(len, [], 1, 3), TypeError, "a list of integers, found"),
        (
            lambda: bucket_by_sequence_length(len, [], [1], [3]),
            ValueError,
            "each of the 2 buckets, found 1",
        ),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    "module",
    [
        varlen.data.iterables._variants,
        varlen.data.iterables._buckets,
        varlen.data.queues._producers,
        varlen.data.queues._queues,
        varlen.data.queues._runner,
    ],
    ids=lambda module: module.__name__,
)
def test_the_examples_in_docstrings(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
