from collections import Counter
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen import CheckpointError
from varlen.data import Mix, Pipeline, Repeat, Shuffle


def endless(name):
    return Pipeline([name], Repeat())


def test_sources_come_as_often_as_their_weights_say():
    names = list(islice(Pipeline(Mix([endless("a"), endless("b")], [3, 1], seed=5)), 4000))
    assert 2890 < Counter(names)["a"] < 3110, "4 standard deviations about 3000"
    # Neither in blocks nor in turns: of the pairs of neighbours, 9/16 are two of a.
    pairs = Counter(pairwise(names))
    assert 2100 < pairs["a", "a"] < 2400


def test_the_draws_are_the_same_on_every_machine():
    names = islice(Pipeline(Mix([endless("a"), endless("b"), endless("c")], seed=7)), 16)
    assert "".join(names) == "baaaaababbbbaacc"


def test_draws_depend_on_seed_and_epoch():
    def draws(seed, *stages):
        source = Mix([range(500), range(500, 1000)], seed=seed, stop="all")
        return list(Pipeline(source, *stages))

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)
    repeated = draws(1, Repeat(2))
    assert repeated[:1000] == draws(1)
    assert repeated[1000:] != draws(1)
    assert sorted(repeated[1000:]) == list(range(1000))


def test_it_ends_with_the_first_that_is_drawn_and_has_nothing_left():
    items = list(Pipeline(Mix([range(3), endless("b")], seed=2)))
    assert [item for item in items if item != "b"] == [0, 1, 2]
    assert list(Pipeline(Mix([[], endless("b")], [1e9, 1e-9]))) == []


@given(
    sizes=st.lists(st.integers(0, 8), min_size=1, max_size=4),
    seed=st.integers(0, 3),
    position=st.integers(0, 32),
)
def test_to_the_end_of_all_nothing_is_lost_and_nothing_comes_twice(sizes, seed, position):
    sources = [[(i, j) for j in range(size)] for i, size in enumerate(sizes)]
    pipeline = Pipeline(Mix(sources, seed=seed, stop="all"))
    moved = iter(pipeline)
    head = list(islice(moved, position))
    resumed = iter(pipeline)
    resumed.load_state_dict(moved.state_dict())
    items = [*head, *resumed]
    assert Counter(items) == Counter(item for source in sources for item in source)
    assert items == list(pipeline)
    for number, source in enumerate(sources):
        assert [item for item in items if item[0] == number] == source, "in their own order"


def test_resuming_across_blocks_of_draws():
    pipeline = Pipeline(Mix([range(400), range(400, 800)], seed=3, stop="all"), Shuffle(3, 3))
    whole = list(pipeline)
    for position in (255, 256, 257, 799):
        moved = iter(pipeline)
        list(islice(moved, position))
        resumed = iter(pipeline)
        resumed.load_state_dict(moved.state_dict())
        assert list(resumed) == whole[position:]


def test_what_failed_is_drawn_again():
    failures = iter([False, False, True])

    class Failing(list):
        def __getitem__(self, position):
            if next(failures, False):
                raise OSError("gone for a moment")
            return super().__getitem__(position)

    items = iter(Pipeline(Mix([Failing(range(9)), range(10, 19)], seed=1, stop="all")))
    taken = []
    with pytest.raises(OSError, match="gone for a moment"):
        taken.extend(items)
    taken.extend(items)
    assert taken == list(Pipeline(Mix([range(9), range(10, 19)], seed=1, stop="all")))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Mix([[1], [2]], [1, 2], seed=4), r"weights=\[1.0, 1.0\], this one has .*\[1.0, 2.0\]"),
        (Mix([[1], [2]], seed=5), "it had seed=4, this one has seed=5"),
        (Mix([[1], [2]], seed=4, stop="all"), "it had stop='first', this one has stop='all'"),
    ],
)
def test_a_state_refuses_another_mixture(other, message):
    state = iter(Pipeline(Mix([[1], [2]], seed=4))).state_dict()
    with pytest.raises(CheckpointError, match=message):
        iter(Pipeline(other)).load_state_dict(state)


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sources": []}, ValueError, "Mix: sources: expected at least one"),
        ({"weights": [1]}, ValueError, "one for each of the 2 sources, found 1"),
        ({"weights": [1, 0]}, ValueError, r"weights\[1\]: expected a number above 0, found 0"),
        ({"weights": [1, float("nan")]}, ValueError, r"weights\[1\]: .* found nan"),
        ({"weights": [1, "2"]}, TypeError, r"weights\[1\]: expected a number, found '2'"),
        ({"seed": -1}, ValueError, "Mix: seed: expected at least 0"),
        ({"stop": "last"}, ValueError, "Mix: stop: expected 'first' or 'all', found 'last'"),
    ],
)
def test_mixtures_that_cannot_be(arguments, error, message):
    with pytest.raises(error, match=message):
        Mix(**{"sources": [[1], [2]], **arguments})
