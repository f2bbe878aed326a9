import gc
import itertools
import threading
import time

import numpy as np
import pytest
import torch

from varlen.data import (
    batch,
    batch_join,
    maybe_batch,
    maybe_batch_join,
    maybe_shuffle_batch,
    maybe_shuffle_batch_join,
    shuffle_batch,
    shuffle_batch_join,
)


def wait_until(holds):
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    gc.collect()
    wait_until(lambda: not any(t.name == "varlen-producer" for t in threading.enumerate()))


def test_every_row_is_an_element():
    blocks = [np.array([[1, 2], [3, 4], [5, 6]]), [[7, 8]]]
    first, second = batch(blocks, 3, enqueue_many=True)
    assert first.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert second.tolist() == [[7, 8]]
    (found,) = batch([{"a": [1, 2], "b": torch.ones(2, 3)}], 4, enqueue_many=True)
    assert found["a"].tolist() == [1, 2]
    assert isinstance(found["b"], torch.Tensor)
    assert found["b"].shape == (2, 3)
    assert list(batch([[]], 4, enqueue_many=True)) == []


def test_blocks_of_rows_may_have_unequal_width():
    blocks = [(np.ones((2, 3)), [1, 2]), (np.ones((1, 1)), [3])]
    ((rows, numbers),) = batch(blocks, 3, enqueue_many=True)
    assert rows.tolist() == [[1, 1, 1], [1, 1, 1], [1, 0, 0]]
    assert numbers.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (3, "element 1: expected rows, found a scalar"),
        (([1, 2], [1]), "component 1 of element 1: expected 2 rows, as in component 0, found 1"),
    ],
)
def test_items_without_rows(item, message):
    first = tuple([[1]] * len(item)) if isinstance(item, tuple) else [1]
    with pytest.raises(ValueError, match=message):
        list(batch([first, item], 1, enqueue_many=True))


def test_only_what_is_kept():
    assert [b.tolist() for b in maybe_batch(range(7), lambda n: n % 2 == 1, 2)] == [[1, 3], [5]]
    assert list(maybe_batch(range(7), False, 2)) == []
    assert len(list(maybe_batch(range(7), True, 2))) == 4


def test_rows_are_kept_one_by_one_or_all():
    blocks = [np.array([1, 2, 3]), np.array([4, 5])]
    (kept,) = maybe_batch(blocks, lambda block: block != 2, 9, enqueue_many=True)
    assert kept.tolist() == [1, 3, 4, 5]
    (kept,) = maybe_batch(blocks, lambda block: len(block) == 2, 9, enqueue_many=True)
    assert kept.tolist() == [4, 5]
    with pytest.raises(ValueError, match="an answer for each of the 3 rows, found 2"):
        list(maybe_batch(blocks, lambda block: [True, False], 9, enqueue_many=True))


def test_answers_of_too_many_dimensions():
    with pytest.raises(ValueError, match=r"expected one answer, found shape \(2,\)"):
        list(maybe_batch(range(3), lambda n: [True, False], 2))


def test_shuffling_loses_nothing_and_is_seeded():
    def order(seed, capacity=50):
        batches = list(shuffle_batch(range(200), 7, capacity, capacity // 2, seed=seed))
        assert [len(b) for b in batches] == [7] * 28 + [4]
        return np.concatenate(batches).tolist()

    assert sorted(order(1)) == list(range(200))
    assert order(1) == order(1) != order(2)
    # Nothing comes before it is read.
    assert all(number < i + 50 for i, number in enumerate(order(3)))
    assert order(1, capacity=1) == list(range(200))


def test_shuffling_reads_no_further_than_it_must():
    batches = shuffle_batch(itertools.count(), 2, 10, 5, seed=1)
    assert next(batches).max() < 11
    (rows,) = shuffle_batch([[1, 2, 3]], 9, 2, 0, enqueue_many=True)
    assert sorted(rows.tolist()) == [1, 2, 3]


def test_sources_are_joined_and_stay_in_order():
    sources = [range(100), range(100, 200), range(200, 300)]
    taken = np.concatenate(list(batch_join(sources, 7, capacity=3)))
    assert sorted(taken.tolist()) == list(range(300))
    for source in sources:
        assert taken[np.isin(taken, source)].tolist() == list(source)


def is_even(number):
    return number % 2 == 0


def test_shuffling_what_is_kept():
    batches = list(maybe_shuffle_batch(range(100), 7, 20, 5, is_even, seed=2))
    assert [len(b) for b in batches] == [7] * 7 + [1]
    taken = np.concatenate(batches).tolist()
    assert sorted(taken) == list(range(0, 100, 2)) != taken
    expected = shuffle_batch(range(0, 100, 2), 7, 20, 5, seed=2)
    assert taken == np.concatenate(list(expected)).tolist()


def test_what_is_kept_of_several_sources_stays_in_order():
    sources = [range(100), range(100, 200)]
    taken = np.concatenate(list(maybe_batch_join(sources, is_even, 7, capacity=3)))
    assert sorted(taken.tolist()) == list(range(0, 200, 2))
    for source in sources:
        assert taken[np.isin(taken, source)].tolist() == list(source)[::2]
    blocks = [[np.array([1, 2, 3])], [np.array([4, 5])]]
    (rows,) = maybe_batch_join(blocks, lambda block: block != 2, 9, enqueue_many=True)
    assert sorted(rows.tolist()) == [1, 3, 4, 5]


def test_several_sources_are_shuffled_into_each_other():
    batches = list(shuffle_batch_join([range(500), range(500, 1000)], 7, 100, 50, seed=1))
    taken = np.concatenate(batches)
    assert sorted(taken.tolist()) == list(range(1000))
    assert taken[taken < 500].tolist() != list(range(500))
    kept = maybe_shuffle_batch_join([range(50), range(50, 100)], 7, 20, 10, is_even)
    assert sorted(np.concatenate(list(kept)).tolist()) == list(range(0, 100, 2))


def test_nothing_is_shuffled_before_there_is_enough_to_choose_from():
    may_go_on = threading.Event()

    def slow():
        yield from range(10)
        may_go_on.wait()
        yield from range(10, 20)

    batches = shuffle_batch_join([slow()], 5, capacity=10, min_after_dequeue=5)
    first = next(batches)
    assert first.max() < 10
    may_go_on.set()
    rest = np.concatenate(list(batches))
    assert sorted([*first.tolist(), *rest.tolist()]) == list(range(20))


def test_an_error_of_a_source_reaches_the_consumer():
    def failing():
        yield from range(3)
        raise LookupError("the file is gone")

    batches = batch_join([failing()], 1)
    assert [next(batches).tolist() for _ in range(3)] == [[0], [1], [2]]
    with pytest.raises(LookupError, match="the file is gone"):
        next(batches)


def test_the_threads_end_with_the_iterator():
    batches = batch_join([itertools.count(), itertools.count()], 2)
    next(batches)
    assert sum(t.name == "varlen-producer" for t in threading.enumerate()) == 2
    del batches
    gc.collect()
    wait_until(lambda: not any(t.name == "varlen-producer" for t in threading.enumerate()))


@pytest.mark.wrong_types
def test_errors():
    with pytest.raises(ValueError, match="batch_join: iterables: expected at least one source"):
        batch_join([], 2)
    with pytest.raises(ValueError, match="shuffle_batch_join: iterables: expected at least one"):
        shuffle_batch_join([], 2, 5, 1)
    with pytest.raises(ValueError, match=r"maybe_batch_join: keep_input: .*found shape \(2,\)"):
        maybe_batch_join([[1]], [True, False], 2)
    with pytest.raises(ValueError, match="batch_join: capacity: expected at least 1, found 0"):
        batch_join([[1]], 2, capacity=0)
    with pytest.raises(ValueError, match="shuffle_batch: capacity: expected at least 4, found 3"):
        shuffle_batch([1], 2, 3, 3)
    with pytest.raises(TypeError, match="min_after_dequeue: expected an integer, found None"):
        shuffle_batch([1], 2, 3, None)
