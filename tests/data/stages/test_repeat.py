import itertools
import json

import pytest

from varlen.data import Batch, Filter, Map, Pipeline, Prefetch, Repeat, Shuffle


def test_passes_follow_each_other():
    assert list(Pipeline(range(3), Repeat(3))) == [0, 1, 2] * 3
    endless = iter(Pipeline(range(3), Map(str), Repeat()))
    assert list(itertools.islice(endless, 8)) == list("01201201")


def test_every_epoch_has_an_order_of_its_own():
    passes = list(Pipeline(range(20), Shuffle(20, seed=7), Prefetch(2), Repeat(3)))
    epochs = [passes[start : start + 20] for start in (0, 20, 40)]
    assert epochs[0] == list(Pipeline(range(20), Shuffle(20, seed=7)))
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_a_repetition_that_is_repeated_goes_on_counting():
    once = list(Pipeline(range(9), Shuffle(9, seed=7), Repeat(4)))
    assert list(Pipeline(range(9), Shuffle(9, seed=7), Repeat(2), Repeat(2))) == once
    nested = Pipeline(Pipeline(range(9), Shuffle(9, seed=7), Repeat(2)), Repeat(2))
    assert list(nested) == once


def test_the_order_of_an_epoch_is_the_same_on_every_machine():
    items = list(Pipeline(range(10), Shuffle(10, seed=7), Repeat(2)))
    assert items[10:] == [5, 9, 1, 2, 7, 6, 4, 0, 8, 3]


def test_batches_end_with_their_epoch_or_reach_over():
    examples = [{"id": i} for i in range(3)]
    after = [batch["id"].tolist() for batch in Pipeline(examples, Batch(2), Repeat(2))]
    before = [batch["id"].tolist() for batch in Pipeline(examples, Repeat(2), Batch(2))]
    assert after == [[0, 1], [2], [0, 1], [2]]
    assert before == [[0, 1], [2, 0], [1, 2]]


def test_the_state_stays_small():
    pass_ = iter(Pipeline(range(4), Shuffle(4, 0), Repeat()))
    for _ in range(4002):
        next(pass_)
    assert len(json.dumps(pass_.state_dict())) < 300


def test_nothing_repeated_is_nothing():
    assert list(Pipeline([], Repeat())) == []
    assert list(Pipeline(range(9), Filter(lambda _: False), Repeat())) == []
    assert list(Pipeline([], Repeat(5))) == []


def test_what_cannot_be_begun_again_says_so():
    pass_ = iter(Pipeline((i for i in range(2)), Repeat(2)))
    assert [next(pass_), next(pass_)] == [0, 1]
    with pytest.raises(ValueError, match="a generator cannot be begun again"):
        next(pass_)


@pytest.mark.wrong_types
@pytest.mark.parametrize(("times", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_numbers_of_passes_that_cannot_be(times, error):
    with pytest.raises(error, match="Repeat: times: expected"):
        Repeat(times)
