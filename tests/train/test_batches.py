"""The batches of a training: sequences of like length, and as many steps."""

import numpy as np

from varlen.train._batches import length_buckets


def lengths_of_words() -> np.ndarray:
    return np.random.default_rng(0).lognormal(2.5, 0.8, 5000).astype(np.int64)


def test_a_bucket_is_narrow_and_has_some_batches() -> None:
    lengths = lengths_of_words()
    boundaries, sizes = length_buckets(lengths, 32, max_steps=10**6)
    assert sizes == [32] * (len(boundaries) + 1)
    buckets = np.digitize(lengths, boundaries)
    for number in range(len(boundaries)):
        inside = lengths[buckets == number]
        assert len(inside) >= 4 * 32
    narrow = lengths[buckets == 3]
    assert narrow.max() <= narrow.min() * 7 / 6 or narrow.max() <= narrow.min() + 1


def test_by_steps_batches_have_as_many_steps() -> None:
    lengths = lengths_of_words()
    boundaries, sizes = length_buckets(lengths, 32, max_steps=10**6, by_steps=True)
    buckets = np.digitize(lengths, boundaries)
    longest = [int(lengths[buckets == number].max()) for number in range(len(boundaries))]
    wanted = 32 * lengths.mean()
    for length, size in zip(longest, sizes[:-1], strict=True):
        assert abs(length * size - wanted) <= length / 2 or (size == 1 and length > wanted)
    assert sizes == sorted(sizes, reverse=True)


def test_sequences_without_steps_and_few_sequences_are_no_exception() -> None:
    assert length_buckets(np.array([0, 0, 5]), 2, max_steps=99, by_steps=True) == ([6], [1, 1])
    assert length_buckets(np.array([7]), 32, max_steps=999) == ([8], [32, 32])
    boundaries, sizes = length_buckets(
        np.array([0] * 100 + [3] * 100), 2, max_steps=99, by_steps=True
    )
    assert boundaries == [3, 4]
    assert sizes == [3, 1, 1]


def test_a_batch_of_long_sequences_has_no_more_steps_than_are_allowed() -> None:
    lengths = np.array([10] * 400 + [1000] * 400 + [100_000] * 40)
    boundaries, sizes = length_buckets(lengths, 32, max_steps=4096)
    assert (boundaries, sizes) == ([1000, 100_000, 100_001], [32, 4, 1, 1])
