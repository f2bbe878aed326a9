from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varlen.data.plan import PairBuckets, best_boundaries, best_pair_buckets


def padded_steps(lengths, boundaries, multiple_of=1):
    """Steps of batches that are padded to the longest length of their buckets."""
    buckets = np.searchsorted(boundaries, lengths, side="right")
    return sum(
        -(-max(bucket) // multiple_of) * multiple_of * len(bucket)
        for number in np.unique(buckets)
        for bucket in [lengths[buckets == number]]
    )


@given(
    lengths=st.lists(st.integers(0, 12), min_size=1, max_size=25).map(np.array),
    num_buckets=st.integers(1, 5),
    multiple_of=st.integers(1, 4),
)
def test_boundaries_are_the_best_that_there_are(lengths, num_buckets, multiple_of):
    found = best_boundaries(lengths, num_buckets, multiple_of=multiple_of)
    assert len(found) < num_buckets
    assert padded_steps(lengths, found, multiple_of) == min(
        padded_steps(lengths, boundaries, multiple_of)
        for size in range(num_buckets)
        for boundaries in combinations(range(1, 14), size)
    )


def test_a_bucket_ends_with_a_multiple():
    rng = np.random.default_rng(0)
    found = best_boundaries(rng.integers(0, 100, 1000), 5, multiple_of=8)
    assert len(found) == 4
    assert all(boundary % 8 == 1 for boundary in found)


def test_of_no_and_of_equal_lengths():
    assert best_boundaries([], 4) == ()
    assert best_boundaries([3, 3, 3], 4) == ()
    assert best_boundaries([0, 5], 4) == (1,)


def test_of_more_lengths_than_are_told_apart():
    lengths = np.arange(1, 100_001)
    found = best_boundaries(lengths, 4)
    best = padded_steps(lengths, [25_001, 50_001, 75_001])
    assert padded_steps(lengths, found) <= 1.001 * best


def log_normal(num):
    drawn = np.exp(np.random.default_rng(0).normal(np.log(30), 0.8, num))
    return drawn.round().clip(1, 200).astype(np.int64)


def test_of_log_normal_lengths():
    lengths = log_normal(100_000)

    def padding(num_buckets):
        found = best_boundaries(lengths, num_buckets)
        return 1 - lengths.sum() / padded_steps(lengths, found)

    assert 0.12 < padding(10) < 0.132
    assert padding(32) < 0.04


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("lengths", "num_buckets", "error", "message"),
    [
        ([1.5], 2, TypeError, "lengths: expected integers, found float64"),
        ([[1]], 2, ValueError, r"expected an array \[examples\], found shape \(1, 1\)"),
        ([3, -1], 2, ValueError, "expected at least 0, found -1 at 1"),
        ([1], 0, ValueError, "num_buckets: expected at least 1, found 0"),
        ([1], 2.0, TypeError, "num_buckets: expected an integer"),
    ],
)
def test_boundaries_that_cannot_be_found(lengths, num_buckets, error, message):
    with pytest.raises(error, match=message):
        best_boundaries(lengths, num_buckets)


def pair_steps(first, second, buckets):
    numbers = buckets.numbers_of(first, second)
    return sum(
        (max(first[numbers == i]) + max(second[numbers == i])) * (numbers == i).sum()
        for i in np.unique(numbers)
    )


def all_pair_buckets(num_buckets, most):
    """Every way to cut the first lengths, and each of these by the second, up to `most`."""
    cuts = range(1, most + 1)
    for num_outer in range(1, num_buckets + 1):
        for boundaries in combinations(cuts, num_outer - 1):
            yield from (
                PairBuckets(boundaries, within)
                for within in all_within(num_outer, num_buckets, cuts)
            )


def all_within(num_outer, num_buckets, cuts):
    if num_outer == 0:
        yield ()
        return
    for size in range(1, num_buckets - num_outer + 2):
        for boundaries in combinations(cuts, size - 1):
            for rest in all_within(num_outer - 1, num_buckets - size, cuts):
                yield (boundaries, *rest)


@settings(max_examples=60)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12),
    num_buckets=st.integers(1, 4),
)
def test_pair_buckets_are_the_best_that_there_are(pairs, num_buckets):
    first, second = np.array(pairs).T
    found = best_pair_buckets(first, second, num_buckets)
    assert len(found) <= num_buckets
    assert pair_steps(first, second, found) == min(
        pair_steps(first, second, buckets) for buckets in all_pair_buckets(num_buckets, 3)
    )
    numbers = [found.bucket_of(*pair) for pair in pairs]
    assert found.numbers_of(first, second).tolist() == numbers
    assert all(0 <= number < len(found) for number in numbers)


def test_pair_buckets_waste_less_than_those_of_one_length():
    rng = np.random.default_rng(1)
    first = log_normal(5000)
    second = (first * np.exp(rng.normal(0, 0.3, 5000))).round().astype(np.int64)
    by_first = best_boundaries(first, 12)
    by_both = best_pair_buckets(first, second, 12)
    one = PairBuckets(by_first, ((),) * (len(by_first) + 1))
    assert pair_steps(first, second, by_both) < 0.9 * pair_steps(first, second, one)


def test_pair_buckets_that_cannot_be():
    with pytest.raises(ValueError, match=r"boundaries: expected each to be above the one before"):
        PairBuckets((3, 3), ((), (), ()))
    with pytest.raises(ValueError, match="within: expected boundaries for each of the 2 buckets"):
        PairBuckets((3,), ((),))
    with pytest.raises(ValueError, match="second: expected one for each of 2 pairs, found 1"):
        best_pair_buckets([1, 2], [1], 3)
    assert best_pair_buckets([], [], 3) == PairBuckets((), ((),))
