import json
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.plan.plain_limits import LIMITS, SIZES, greedy, keeps
from varlen.data.plan import BatchLimits, BatchPlan, PairBuckets, best_boundaries


def columns(items):
    lengths, num_bytes = zip(*items, strict=True) if items else ((), ())
    return np.array(lengths, np.int64), np.array(num_bytes, np.int64)


def planned(plan, items):
    lengths, num_bytes = columns(items)
    return plan.over(lengths, num_bytes=num_bytes)


def as_lists(batches):
    return [batch.tolist() for batch in batches]


FORMS = st.sampled_from(
    [{}, {"buckets": 3}, {"buckets": [2, 7]}, {"windows": 1}, {"windows": 3, "noise": 0.2}]
)


@given(
    limits=LIMITS,
    oversize=st.sampled_from(["alone", "skip"]),
    items=SIZES,
    form=FORMS,
    shuffle=st.booleans(),
    epoch=st.integers(0, 3),
)
def test_budgets_are_never_exceeded_and_every_example_comes_once(
    limits, oversize, items, form, shuffle, epoch
):
    limits = BatchLimits(**limits, oversize=oversize)
    found = planned(BatchPlan(limits, shuffle=shuffle, **form), items)
    batches = as_lists(found.batches(epoch))
    for batch in batches:
        lengths, num_bytes = zip(*(items[i] for i in batch), strict=True)
        assert keeps(limits, lengths, num_bytes) or (limits.oversize == "alone" and len(batch) == 1)
    fits = [keeps(limits, [length], [size]) for length, size in items]
    kept = [i for i in range(len(items)) if fits[i] or limits.oversize == "alone"]
    assert sorted(i for batch in batches for i in batch) == kept
    assert found.examples.oversize.tolist() == [i for i in range(len(items)) if not fits[i]]


@given(limits=LIMITS, items=SIZES)
def test_batches_in_order_take_what_fits(limits, items):
    limits = BatchLimits(**limits, oversize="alone")
    found = planned(BatchPlan(limits, shuffle=False), items).batches(0)
    assert Counter(tuple(items[i] for i in batch) for batch in found) == Counter(
        map(tuple, greedy(limits, items))
    )
    firsts = [batch[0] for batch in found]
    assert firsts == sorted(firsts)


@given(limits=LIMITS, items=SIZES, boundaries=st.sets(st.integers(1, 11)))
def test_buckets_take_what_fits(limits, items, boundaries):
    limits = BatchLimits(**limits, oversize="skip")
    boundaries = sorted(boundaries)
    found = planned(BatchPlan(limits, buckets=boundaries, shuffle=False), items).batches(0)
    expected = [
        batch
        for bucket in range(len(boundaries) + 1)
        for batch in greedy(
            limits,
            [
                (length, size)
                for length, size in items
                if sum(length >= b for b in boundaries) == bucket
                and keeps(limits, [length], [size])
            ],
        )
    ]
    assert [[items[i] for i in batch] for batch in found] == expected


def test_a_remainder_is_dropped_where_it_is_not_full():
    lengths = [1, 1, 1, 9, 9, 9, 9]
    plan = BatchPlan(2, buckets=[5], shuffle=False, drop_remainder=True)
    assert as_lists(plan.over(lengths).batches(0)) == [[0, 1], [3, 4], [5, 6]]
    plan = BatchPlan(BatchLimits(max_steps=20), shuffle=False, drop_remainder=True)
    assert as_lists(plan.over(lengths).batches(0)) == [[0, 1, 2, 3], [4, 5]]
    windows = BatchPlan(3, windows=1, drop_remainder=True).over(lengths).batches(5)
    assert sorted(windows.sizes) == [3, 3]


def test_epochs_and_seeds_have_orders_of_their_own():
    lengths = np.random.default_rng(0).integers(0, 50, 300)
    for form in ({}, {"buckets": 4}, {"windows": 5, "noise": 0.1}):
        found = BatchPlan(8, seed=3, **form).over(lengths)
        again = BatchPlan(8, seed=3, **form).over(lengths)
        other = BatchPlan(8, seed=4, **form).over(lengths)
        first = as_lists(found.batches(0))
        assert as_lists(found.batches(1)) != first
        assert as_lists(other.batches(0)) != first
        assert as_lists(again.batches(0)) == first
        assert sorted(i for batch in first for i in batch) == list(range(300))


def test_the_order_is_the_same_for_ever():
    lengths = [5, 1, 4, 9, 2, 2, 7, 3, 8, 1]
    found = BatchPlan(BatchLimits(max_padded_steps=16), buckets=2, seed=1).over(lengths)
    assert as_lists(found.batches(0)) == [[6], [5, 1], [3], [9, 2, 4, 7], [0, 8]]
    found = BatchPlan(3, windows=2, noise=0.3, seed=1).over(lengths)
    assert as_lists(found.batches(2)) == [[2, 6, 3], [8, 0, 7], [4], [1, 9, 5]]


def log_normal(num):
    drawn = np.exp(np.random.default_rng(0).normal(np.log(30), 0.8, num))
    return drawn.round().clip(1, 200).astype(np.int64)


def padding(batches, lengths):
    return 1 - lengths.sum() / (batches.longest(lengths) * batches.sizes).sum()


def test_padding_of_log_normal_lengths():
    lengths = log_normal(200_000)
    found = {
        name: padding(BatchPlan(64, **form).over(lengths).batches(0), lengths)
        for name, form in {
            "in order": {},
            "10 buckets": {"buckets": 10},
            "32 buckets": {"buckets": 32},
            "windows": {"windows": 50},
        }.items()
    }
    assert found["in order"] > 0.7
    assert found["10 buckets"] < 0.132
    assert found["32 buckets"] < 0.04
    assert found["windows"] < 0.03
    # The boundaries are the best; batches are padded to their own longest, which is less.
    tops = np.array([*best_boundaries(lengths, 10), 201]) - 1
    best = 1 - lengths.sum() / tops[np.searchsorted(tops, lengths)].sum()
    assert best / 1.01 < found["10 buckets"] < best


def test_a_million_lengths_are_planned_at_once():
    lengths = log_normal(1_000_000)
    begin = time.process_time()
    BatchPlan(BatchLimits(max_padded_steps=4096), buckets=8).over(lengths).batches(0)
    assert time.process_time() - begin < 3  # usually 0.2


@settings(max_examples=50)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30),
    most=st.fixed_dictionaries({"inputs": st.integers(9, 40), "targets": st.integers(9, 40)}),
    num_buckets=st.integers(1, 5),
)
def test_budgets_of_several_features(pairs, most, num_buckets):
    inputs, targets = np.array(pairs, np.int64).reshape(-1, 2).T
    limits = BatchLimits(max_steps=most, max_padded_steps={"targets": 30})
    plan = BatchPlan(limits, feature=("inputs", "targets"), buckets=num_buckets)
    found = plan.over({"inputs": inputs, "targets": targets})
    for batch in found.batches(0):
        assert inputs[batch].sum() <= most["inputs"]
        assert targets[batch].sum() <= most["targets"]
        assert targets[batch].max() * len(batch) <= 30
        assert len({found.buckets.bucket_of(*pairs[i]) for i in batch}) == 1
    assert sorted(np.concatenate([*found.batches(0), []])) == list(range(len(pairs)))
    for form in ({"windows": 2}, {}):
        other = BatchPlan(limits, feature=("inputs", "targets"), **form)
        batches = other.over({"inputs": inputs, "targets": targets}).batches(0)
        assert all(inputs[batch].sum() <= most["inputs"] for batch in batches)


def test_a_budget_that_is_a_number_holds_for_each_feature():
    lengths = {"a": [1, 1, 1, 1], "b": [5, 5, 5, 5]}
    found = BatchPlan(BatchLimits(max_steps=10), shuffle=False).over(lengths).batches(0)
    assert as_lists(found) == [[0, 1], [2, 3]]


class TestExamplesThatAreTooLong:
    lengths = np.array([3, 50, 4, 60, 5])

    def test_error(self):
        with pytest.raises(ValueError, match=r"at most 10 \(max_length\), found 50 in example 1 "):
            BatchPlan(2, max_length=10).over(self.lengths)

    def test_skip(self):
        found = BatchPlan(2, max_length=10, too_long="skip", shuffle=False).over(self.lengths)
        assert as_lists(found.batches(0)) == [[0, 2], [4]]
        assert found.examples.too_long.tolist() == [1, 3]

    def test_truncate(self):
        limits = BatchLimits(max_steps=20)  # which 50 and 60 would exceed
        plan = BatchPlan(limits, max_length=10, too_long="truncate", shuffle=False)
        found = plan.over(self.lengths)
        assert as_lists(found.batches(0)) == [[0, 1, 2], [3, 4]]
        assert found.examples.too_long.tolist() == [1, 3]
        assert found.examples.lengths.steps[""].tolist() == [3, 10, 4, 10, 5]

    def test_a_skipped_one_is_not_oversize(self):
        plan = BatchPlan(BatchLimits(max_steps=20), max_length=10, too_long="skip")
        assert plan.over(self.lengths).examples.oversize.tolist() == []


def test_an_example_that_exceeds_a_budget_is_named():
    for limits, message in [
        (BatchLimits(max_steps=20), r"example 1 \(and in 1 more\): expected at most 20 steps"),
        (BatchLimits(max_padded_steps=50, multiple_of=8), r"50 padded steps .* found 56"),
        (BatchLimits(max_bytes=7), r"example 2: expected at most 7 bytes \(max_bytes\), found 8"),
    ]:
        with pytest.raises(ValueError, match=message) as error:
            BatchPlan(limits).over([3, 50, 4, 60], num_bytes=[1, 2, 8, 3])
        assert "oversize='alone' makes such an example a batch of its own" in str(error.value)


def test_batches_that_follow_each_other_are_alike_for_as_many_ranks():
    lengths = log_normal(20_000)
    for form in ({"buckets": 8}, {"windows": 20}):
        batches = BatchPlan(16, num_ranks=4, **form).over(lengths).batches(0)
        longest = batches.longest(lengths)
        steps = longest[: len(longest) // 4 * 4].reshape(-1, 4)
        assert (np.ptp(steps, axis=1) <= 2).mean() > 0.95
        assert (np.diff(steps[:, 0]) < 0).mean() > 0.3  # steps come in random order
    # The incomplete group is not always the one with the longest.
    lasts = [
        int(BatchPlan(16, num_ranks=7, seed=s).over(lengths[:1600]).batches(0).longest(lengths)[-1])
        for s in range(20)
    ]
    assert len(set(lasts)) > 5


def test_a_plan_is_described_as_plain_data():
    plan = BatchPlan(
        BatchLimits(max_steps={"a": 5}), buckets=PairBuckets((3,), ((), (1,))), feature=("a", "b")
    )
    described = plan.describe()
    assert described == json.loads(json.dumps(described))
    assert described["limits"]["max_steps"] == {"a": 5}
    assert described["buckets"] == {"boundaries": [3], "within": [[], [1]]}
    assert BatchPlan(3).describe() == BatchPlan(BatchLimits(3)).describe()


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: BatchLimits(), ValueError, "expected batch_size, max_steps, .* found none"),
        (lambda: BatchLimits(0), ValueError, "batch_size: expected at least 1, found 0"),
        (lambda: BatchLimits(max_steps=2.5), TypeError, "max_steps: expected an integer"),
        (lambda: BatchLimits(max_steps={"a": 0}), ValueError, r"max_steps\['a'\]: expected at"),
        (lambda: BatchLimits(2, multiple_of=0), ValueError, "multiple_of: expected at least 1"),
        (lambda: BatchLimits(2, oversize="drop"), ValueError, "'alone' or 'skip', found 'drop'"),
        (lambda: BatchPlan(2, buckets=3, windows=2), ValueError, "buckets or windows, found both"),
        (lambda: BatchPlan(2, buckets=[5, 3]), ValueError, "found 3 after 5"),
        (lambda: BatchPlan(2, buckets=0), ValueError, "buckets: expected at least 1"),
        (lambda: BatchPlan(2, noise=0.1), ValueError, "noise: expected windows with it"),
        (lambda: BatchPlan(2, windows=2, noise=1), ValueError, "noise: expected from 0 to below 1"),
        (lambda: BatchPlan(2, seed=-1), ValueError, "seed: expected at least 0"),
        (lambda: BatchPlan(2, num_ranks=0), ValueError, "num_ranks: expected at least 1"),
        (lambda: BatchPlan(2, too_long="cut"), ValueError, "too_long: .* found 'cut'"),
        (lambda: BatchPlan(2, feature=("a", "b", "c")), ValueError, "expected one or two, found 3"),
        (lambda: BatchPlan(2, buckets=PairBuckets((), ((),))), ValueError, "a pair of features"),
        (lambda: BatchPlan(2, feature=("a", "b"), buckets=[3]), ValueError, "expected PairBuckets"),
    ],
)
def test_plans_that_cannot_be(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("plan", "lengths", "error", "message"),
    [
        (BatchPlan(2), {}, ValueError, "expected those of a feature at least, found none"),
        (BatchPlan(2), [1.5], TypeError, "lengths: expected integers, found float64"),
        (BatchPlan(2), {"a": [1], "b": [-1]}, ValueError, r"lengths\['b'\]: .* found -1 at 0"),
        (BatchPlan(2), {"a": [1], "b": [1, 2]}, ValueError, r"lengths\['b'\]: .* as in .*'a'"),
        (BatchPlan(2, buckets=2), {"a": [1], "b": [1]}, ValueError, "feature: .* there are: 'a'"),
        (
            BatchPlan(2, feature="x"),
            {"a": [1], "b": [1]},
            ValueError,
            "no lengths of a feature 'x'",
        ),
        (BatchPlan(BatchLimits(max_steps={"x": 1})), [1], ValueError, "limits: .* without a name"),
        (BatchPlan(2, max_length={"x": 1}), {"a": [1]}, ValueError, "max_length: no lengths of"),
        (BatchPlan(BatchLimits(max_bytes=9)), [1], ValueError, "max_bytes: expected num_bytes"),
    ],
)
def test_lengths_that_do_not_go_with_the_plan(plan, lengths, error, message):
    with pytest.raises(error, match=message):
        plan.over(lengths)


def test_epochs_that_cannot_be():
    with pytest.raises(ValueError, match="epoch: expected at least 0, found -1"):
        BatchPlan(2).over([1]).batches(-1)


@pytest.mark.parametrize("form", [{}, {"buckets": 3}, {"windows": 3}])
def test_of_no_examples(form):
    found = BatchPlan(2, **form).over([])
    assert len(found.batches(0)) == 0
    assert found.num_steps(0, num_ranks=3) == 0
