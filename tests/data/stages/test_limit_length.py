from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen import FeatureError
from varlen.data import LimitLength, Pipeline, Repeat
from varlen.features import sequence_example
from varlen.records import Record
from varlen.sequences import JaggedSequence


def examples_of(lengths):
    return [
        {
            "id": i,
            "tokens": JaggedSequence(np.arange(n) + 10 * i, n),
            "tags": JaggedSequence(np.arange(n) - 10 * i, n),
        }
        for i, n in enumerate(lengths)
    ]


def limited(lengths, policy, names="tokens", max_length=2):
    return list(Pipeline(examples_of(lengths), LimitLength(names, max_length, policy)))


def rows(items, name="tokens"):
    for item in items:
        assert item[name].lengths == len(item[name].values)
    return [item[name].values.tolist() for item in items]


def test_truncating_keeps_the_first_steps():
    items = limited([3, 2, 0, 5], "truncate")
    assert rows(items) == [[0, 1], [10, 11], [], [30, 31]]
    assert items[0]["tags"].lengths == 3, "only what is named"


def test_splitting_makes_examples_of_the_parts():
    items = limited([3, 2, 0, 5], "split")
    assert rows(items) == [[0, 1], [2], [10, 11], [], [30, 31], [32, 33], [34]]
    assert [item["id"] for item in items] == [0, 0, 1, 2, 3, 3, 3]


def test_skipping_leaves_the_example_out():
    assert [item["id"] for item in limited([3, 2, 0, 5], "skip")] == [1, 2]


def test_what_goes_together_is_cut_together():
    items = limited([3, 2], "split", names=["tokens", "tags"])
    assert rows(items) == [[0, 1], [2], [10, 11]]
    assert rows(items, "tags") == [[0, 1], [2], [-10, -9]]


def test_an_error_names_the_example():
    items = iter(Pipeline(examples_of([1, 2, 3]), LimitLength("tokens", 2)))
    assert [next(items)["id"], next(items)["id"]] == [0, 1]
    message = r"at most 2 steps of 'tokens', found 3\n  at example 2 of the pass\n  policy="
    for _ in range(2):
        with pytest.raises(FeatureError, match=message):
            next(items)


def iterate(lengths, policy):
    return LimitLength("tokens", 2, policy).iterate(iter(Pipeline(examples_of(lengths))))


@given(
    lengths=st.lists(st.integers(0, 9), max_size=8),
    policy=st.sampled_from(["truncate", "split", "skip"]),
    position=st.integers(0, 20),
)
def test_the_counts_say_what_was_done(lengths, policy, position):
    """And are those of the pass, also where it was resumed."""
    moved = iterate(lengths, policy)
    head = list(islice(moved, position))
    resumed = iterate(lengths, policy)
    resumed.load_state_dict(moved.state_dict())
    items = [*head, *resumed]
    steps_out = sum(len(item["tokens"].values) for item in items)
    assert resumed.counts == {
        "examples": len(lengths),
        "too_long": sum(n > 2 for n in lengths),
        "steps": sum(lengths),
        "steps_lost": sum(lengths) - steps_out,
    }
    if policy == "split":
        assert steps_out == sum(lengths), "nothing is lost"
    resumed.begin_epoch(1)
    assert set(resumed.counts.values()) == {0}


def test_counts_are_those_of_the_epoch():
    limiting = iterate([3, 2], "skip")
    assert len(list(Repeat(2).iterate(limiting))) == 2
    assert limiting.counts == {"examples": 2, "too_long": 1, "steps": 5, "steps_lost": 3}


def record_of(length):
    data = sequence_example(sequences={"tokens": list(range(length))})
    return Record(data, "a.tfrecord", 40)


def test_raw_records_are_counted_but_not_cut():
    records = [record_of(1), record_of(4)]
    assert list(Pipeline(records, LimitLength("tokens", 2, "skip"))) == records[:1]
    with pytest.raises(FeatureError, match=r"found 4\n  at a.tfrecord @ byte 40"):
        list(Pipeline(records, LimitLength("tokens", 2)))
    with pytest.raises(
        TypeError, match=r"parsed example to split, found a record\n  put it behind"
    ):
        list(Pipeline(records, LimitLength("tokens", 2, "split")))


@pytest.mark.parametrize(
    ("example", "error", "message"),
    [
        ({"tokens": JaggedSequence([1], 1)}, ValueError, "no feature named 'tags'"),
        (
            {"tokens": JaggedSequence([1], 1), "tags": JaggedSequence([1, 2], 2)},
            ValueError,
            "LimitLength: expected sequences of one length, .* 1 steps of 'tokens' and 2 of 'tags'",
        ),
        ({"tokens": [1], "tags": [1]}, TypeError, "feature 'tokens': expected a JaggedSequence"),
    ],
)
def test_examples_that_cannot_be_limited(example, error, message):
    with pytest.raises(error, match=message):
        list(Pipeline([example], LimitLength(["tokens", "tags"], 2, "skip")))


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([], 2), TypeError, r"names: expected the name of a feature, or a list .* found \[\]"),
        ((3, 2), TypeError, "names: expected the name of a feature, or a list of them, found 3"),
        (("x", 0), ValueError, "LimitLength: max_length: expected at least 1, found 0"),
        (("x", 2, "cut"), ValueError, "policy: expected one of error, .*, skip, found 'cut'"),
    ],
)
def test_limits_that_cannot_be(arguments, error, message):
    with pytest.raises(error, match=message):
        LimitLength(*arguments)
