from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen.data.plan import BatchPlan, divide_rows, share

BATCHES = st.lists(st.integers(1, 6), max_size=20).map(
    lambda sizes: np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1]) if sizes else []
)


def rows_of(parts):
    return [int(i) for part in parts for i in part]


@given(
    lengths=st.lists(st.integers(0, 20), max_size=60),
    made_for=st.integers(1, 4),
    num_ranks=st.integers(1, 5),
    num_workers=st.integers(1, 3),
    form=st.sampled_from([{"buckets": 3}, {"windows": 2}, {}]),
)
def test_nothing_is_lost_and_nothing_comes_twice(lengths, made_for, num_ranks, num_workers, form):
    batches = BatchPlan(4, num_ranks=made_for, **form).over(lengths).batches(1)
    steps = [list(share(batches, rank, num_ranks)) for rank in range(num_ranks)]
    assert len(set(map(len, steps))) == 1
    of_workers = [
        step for own in steps for worker in range(num_workers) for step in own[worker::num_workers]
    ]
    assert sorted(rows_of(of_workers)) == list(range(len(lengths)))
    # But for the last step, ranks side by side have the batches in their order.
    in_order = [batch.tolist() for batch in batches]
    side_by_side = [own[s].tolist() for s in range(len(steps[0])) for own in steps]
    num_whole = len(in_order) // num_ranks * num_ranks
    assert side_by_side[:num_whole] == in_order[:num_whole]


@given(
    batches=BATCHES,
    before=st.integers(1, 5),
    num_steps=st.integers(0, 6),
    after=st.integers(1, 5),
)
def test_another_number_of_ranks_goes_on_where_one_stopped(batches, before, num_steps, after):
    first = [list(share(batches, rank, before))[:num_steps] for rank in range(before)]
    begin = min(len(batches), len(first[0]) * before)
    second = [list(share(batches, rank, after, begin=begin)) for rank in range(after)]
    assert sorted(rows_of(chain(*first, *second))) == rows_of(batches)


@given(batches=BATCHES.filter(len), more=st.integers(0, 9))
def test_rows_are_divided_evenly(batches, more):
    num_ranks = len(batches) + more
    parts = divide_rows(batches, num_ranks)
    assert len(parts) == num_ranks
    assert rows_of(parts) == rows_of(batches)
    sizes = [len(part) for part in parts]
    assert sum(size > 0 for size in sizes) == min(num_ranks, len(rows_of(batches)))
    for batch in batches:  # parts of one batch alone, and of like sizes
        own = [len(part) for part in parts if len(part) and part[0] in batch]
        assert sum(own) == len(batch)
        assert max(own) - min(own) <= 1


def test_the_largest_part_is_as_small_as_can_be():
    parts = divide_rows([np.arange(8), np.arange(8, 10)], 4)
    assert [part.tolist() for part in parts] == [[0, 1], [2, 3, 4], [5, 6, 7], [8, 9]]
    assert sorted(part.tolist() for part in divide_rows([np.array([4])], 2)) == [[], [4]]


def test_ranks_that_cannot_be():
    with pytest.raises(ValueError, match="rank: expected below 2, the number of ranks, found 2"):
        share([], 2, 2)
    with pytest.raises(ValueError, match="num_ranks: expected at least 1, found 0"):
        share([], 0, 0)
    with pytest.raises(ValueError, match="begin: expected at least 0, found -1"):
        share([], 0, 1, begin=-1)
    with pytest.raises(ValueError, match="expected at most 1 batches to divide, found 2"):
        divide_rows([np.arange(1), np.arange(1)], 1)
