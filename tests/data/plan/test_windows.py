import numpy as np
import pytest

from varlen.data.plan import BatchLimits, BatchPlan


def log_normal(num):
    drawn = np.exp(np.random.default_rng(0).normal(np.log(30), 0.8, num))
    return drawn.round().clip(1, 200).astype(np.int64)


def test_a_window_is_sorted_and_cut():
    """A window of all examples: exactly the batches of the sorted lengths."""
    lengths = [5, 1, 4, 9, 2, 2, 7, 3, 8]
    batches = BatchPlan(3, windows=4).over(lengths).batches(0)
    assert sorted(sorted(lengths[i] for i in batch) for batch in batches) == [
        [1, 2, 2],
        [3, 4, 5],
        [7, 8, 9],
    ]


def test_batches_are_of_examples_that_are_near():
    """What shuffling a window gives away: rows of a batch are from a few windows, not from all."""
    lengths = log_normal(50_000)
    found = BatchPlan(16, windows=20, shuffle=False).over(lengths)
    spans = np.array([np.ptp(batch) for batch in found.batches(0)])
    # No example waits for ever: those of a batch are at most some six windows apart.
    assert spans.max() <= 7 * 16 * 20
    assert np.median(spans) < 2 * 16 * 20


def test_noise_mixes_examples_of_unequal_lengths():
    lengths = log_normal(20_000)

    def padding(noise):
        batches = BatchPlan(16, windows=20, noise=noise).over(lengths).batches(0)
        return 1 - lengths.sum() / (batches.longest(lengths) * batches.sizes).sum()

    assert padding(0.0) < padding(0.02) < padding(0.1) < 0.15


@pytest.mark.parametrize(
    "limits",
    [BatchLimits(max_steps=700), BatchLimits(max_padded_steps=700), BatchLimits(max_bytes=3000)],
)
def test_windows_of_budgets(limits):
    lengths = log_normal(20_000)
    batches = BatchPlan(limits, windows=20).over(lengths, num_bytes=3 * lengths).batches(0)
    assert sorted(batches.positions) == list(range(20_000))
    assert 1 - lengths.sum() / (batches.longest(lengths) * batches.sizes).sum() < 0.08
    assert np.median(batches.sums(lengths)) > 0.8 * 700
