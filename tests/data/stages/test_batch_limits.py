"""Batches of a stream by budgets: never exceeded, as large as may be, resumed anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.plan.plain_limits import LIMITS, SIZES, greedy, keeps
from varlen.data import Batch, BatchLimits, BucketBySequenceLength, PairBuckets, Pipeline
from varlen.features import sequence_example
from varlen.records import Record
from varlen.sequences import JaggedSequence


def example(i, length):
    return {"id": i, "tokens": JaggedSequence(np.zeros(length), np.int64(length))}


def without_bytes(limits):
    return {name: value for name, value in limits.items() if name != "max_bytes"}


STEP_LIMITS = LIMITS.map(without_bytes).filter(lambda limits: len(limits) > 1)


@given(limits=STEP_LIMITS, items=SIZES, policy=st.sampled_from(["alone", "skip"]))
def test_batches_are_as_large_as_budgets_allow(limits, items, policy):
    limits = BatchLimits(**limits, oversize=policy)
    source = [example(i, length) for i, (length, _) in enumerate(items)]
    batches = iter(Pipeline(source, Batch(limits)))
    found = [batch["tokens"].lengths.tolist() for batch in batches]
    fitting = [(length, 0) for length, _ in items if keeps(limits, [length], [0])]
    expected = [[length for length, _ in batch] for batch in greedy(limits, fitting)]
    num_others = len(items) - len(fitting)
    alone = [rows for rows in found if not keeps(limits, rows, [0])]
    assert [rows for rows in found if keeps(limits, rows, [0])] == expected
    assert len(alone) == (num_others if policy == "alone" else 0)
    assert all(len(rows) == 1 for rows in alone)


@given(
    limits=STEP_LIMITS,
    items=SIZES,
    policy=st.sampled_from(["alone", "skip"]),
    boundaries=st.sets(st.integers(1, 9), min_size=1, max_size=3).map(sorted),
    position=st.integers(0, 20),
)
def test_buckets_keep_budgets_lose_nothing_and_resume(limits, items, policy, boundaries, position):
    limits = BatchLimits(**limits, oversize=policy)
    source = [example(i, length) for i, (length, _) in enumerate(items)]
    pipeline = Pipeline(source, BucketBySequenceLength("tokens", boundaries, limits))
    batches = iter(pipeline)
    first = [batch for _, batch in zip(range(position), batches, strict=False)]
    resumed = iter(pipeline)
    resumed.load_state_dict(batches.state_dict())
    rest, again = list(batches), list(resumed)
    assert [b["id"].tolist() for b in rest] == [b["id"].tolist() for b in again]
    kept = [
        i
        for i, (length, _) in enumerate(items)
        if policy == "alone" or keeps(limits, [length], [0])
    ]
    assert sorted(i for b in first + rest for i in b["id"].tolist()) == kept
    for batch in first + rest:
        rows = batch["tokens"].lengths.tolist()
        assert keeps(limits, rows, [0]) or len(rows) == 1
        assert len({np.searchsorted(boundaries, n, side="right") for n in rows}) == 1


def test_an_example_that_exceeds_a_budget_alone_is_not_passed_over():
    source = [example(0, 3), example(1, 9), example(2, 2)]
    with pytest.raises(ValueError, match=r"at most 5 steps of 'tokens' \(max_steps\), found 9"):
        list(Pipeline(source, Batch(BatchLimits(max_steps=5))))
    skipping = iter(Pipeline(source, Batch(BatchLimits(max_steps=5, oversize="skip"))))
    assert [batch["id"].tolist() for batch in skipping] == [[0, 2]]


def test_pairs_of_features_and_budgets_by_name():
    def pair(i, first, second):
        return {"id": i, "a": example(0, first)["tokens"], "b": example(0, second)["tokens"]}

    source = [pair(0, 1, 1), pair(1, 5, 9), pair(2, 2, 1), pair(3, 6, 2), pair(4, 6, 9)]
    buckets = PairBuckets((4,), ((), (5,)))
    limits = BatchLimits(max_steps={"b": 9})
    found = Pipeline(source, BucketBySequenceLength(("a", "b"), buckets, limits))
    assert [batch["id"].tolist() for batch in found] == [[1], [0, 2], [3], [4]]
    with pytest.raises(ValueError, match="two names with PairBuckets"):
        BucketBySequenceLength(("a", "b"), (1, 2), 3)
    with pytest.raises(TypeError, match="expected a list of integers"):
        BucketBySequenceLength("a", buckets, 3)


def test_bytes_and_steps_of_raw_records():
    records = [
        Record(sequence_example(sequences={"tokens": [1] * n}), "f", n) for n in (3, 1, 4, 2)
    ]
    size = max(len(record.data) for record in records)
    found = list(Pipeline(records, Batch(BatchLimits(max_bytes=2 * size))))
    assert [len(batch) for batch in found] == [2, 2]
    found = list(Pipeline(records, Batch(BatchLimits(max_steps={"tokens": 5}))))
    assert [len(batch) for batch in found] == [2, 1, 1]
    with pytest.raises(TypeError, match=r"f @ byte 3: expected a dict.*\n  name the feature"):
        list(Pipeline(records, Batch(BatchLimits(max_steps=5))))
    with pytest.raises(TypeError, match="max_bytes: expected raw records"):
        list(Pipeline([example(0, 1)], Batch(BatchLimits(max_bytes=5))))
