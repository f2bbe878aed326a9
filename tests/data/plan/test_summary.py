import numpy as np
import pytest

from varlen.data.plan import BatchLimits, BatchPlan

LENGTHS = np.random.default_rng(3).integers(0, 40, 501)


def padding(batches, multiple_of=1):
    real = padded = 0
    for batch in batches:
        real += sum(batch)
        padded += len(batch) * (-(-max(batch) // multiple_of) * multiple_of)
    return real, padded


def test_what_batches_are_like():
    plan = BatchPlan(BatchLimits(max_steps=200, multiple_of=4), buckets=[10, 25], num_ranks=3)
    planned = plan.over(LENGTHS)
    found = planned.summary(2)
    batches = [LENGTHS[positions].tolist() for positions in planned.batches(2)]
    assert (found.epoch, found.num_left_out, found.num_steps) == (2, 0, -(-len(batches) // 3))
    whole = found.all_batches
    assert (whole.real_steps, whole.padded_steps) == padding(batches, 4)
    assert whole.padding == 1 - whole.real_steps / whole.padded_steps
    assert (whole.num_examples, whole.num_batches) == (501, len(batches))
    for bucket, (begin, end) in zip(found.buckets, [(0, 10), (10, 25), (25, 40)], strict=True):
        those = [batch for batch in batches if begin <= batch[0] < end]
        sizes = sorted(map(len, those))
        assert bucket.num_batches == len(those)
        assert (bucket.real_steps, bucket.padded_steps) == padding(those, 4)
        assert (bucket.smallest_batch, bucket.largest_batch) == (sizes[0], sizes[-1])
        assert bucket.median_batch == sizes[(len(sizes) - 1) // 2]
        assert bucket.shortest == (min(map(min, those)),)
        assert bucket.longest == (max(map(max, those)),)


def test_naive_batches_have_the_mean_size():
    found = BatchPlan(BatchLimits(max_steps=300), buckets=4).over(LENGTHS).summary(0)
    size = round(501 / found.all_batches.num_batches)
    real, padded = padding([LENGTHS[i : i + size].tolist() for i in range(0, 501, size)])
    assert found.naive_size == size
    assert found.naive_file_order == pytest.approx(1 - real / padded)
    assert found.all_batches.padding < 0.5 * found.naive_random_order
    # Lengths are in random order as they are.
    assert found.naive_random_order == pytest.approx(found.naive_file_order, abs=0.03)


def test_pairs_windows_and_what_is_left_out():
    pair = {"source": LENGTHS, "target": LENGTHS[::-1]}
    found = BatchPlan(8, buckets=6, feature=("source", "target")).over(pair).summary(0)
    assert found.all_batches.longest == (39, 39)
    assert found.all_batches.real_steps == 2 * LENGTHS.sum()
    windows = BatchPlan(8, windows=3, drop_remainder=True).over(LENGTHS).summary(0)
    assert windows.buckets == ()
    assert windows.num_left_out == 501 % 8
    empty = BatchPlan(8, buckets=2).over([]).summary(0)
    assert (empty.all_batches, empty.buckets, empty.num_steps) == (None, (), 0)
    assert empty.naive_random_order == 0
