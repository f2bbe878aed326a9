"""How much of the batches is padding, on log-normal lengths: no time, so the same everywhere."""

import numpy as np
import pytest

from varlen.data import BatchPlan, best_boundaries

BATCH_SIZE = 64


@pytest.fixture(scope="module")
def lengths():
    drawn = np.random.default_rng(0).normal(np.log(30), 0.8, 200_000)
    return np.exp(drawn).round().clip(1, 200).astype(np.int64)


def padded_to_buckets(lengths, boundaries):
    numbers = np.searchsorted(boundaries, lengths, side="right")
    buckets = [lengths[numbers == i] for i in range(len(boundaries) + 1)]
    return sum(int(bucket.max()) * len(bucket) for bucket in buckets)


def least_padded(lengths, num_buckets):
    """By going through all last buckets, one more bucket at a time."""
    shorter = np.cumsum(np.bincount(lengths))
    tops = np.arange(len(shorter))
    best = tops * shorter
    for _ in range(num_buckets - 1):
        best = np.array(
            [min(best[: top + 1] + top * (shorter[top] - shorter[: top + 1])) for top in tops]
        )
    return int(best[-1])


@pytest.mark.parametrize("num_buckets", [2, 10, 32])
def test_found_boundaries_are_the_best_there_are(lengths, num_buckets):
    found = padded_to_buckets(lengths, best_boundaries(lengths, num_buckets))
    assert found == least_padded(lengths, num_buckets)


@pytest.mark.parametrize(
    ("form", "most"),
    [
        ({"buckets": 10}, 0.135),
        ({"buckets": 32}, 0.04),
        ({"windows": 50}, 0.03),
    ],
)
def test_padding_of_shuffled_batches(lengths, form, most):
    planned = BatchPlan(BATCH_SIZE, seed=1, **form).over(lengths)
    found = planned.summary(0)
    assert found.all_batches.padding <= most
    assert found.all_batches.real_steps == lengths.sum()
    assert found.naive_random_order > 0.7
