from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen import CheckpointError
from varlen.data import Interleave, Map, Pipeline, Repeat


def test_sources_come_in_turns_until_all_have_ended():
    sources = [range(10, 13), Pipeline(list("abcde"), Map(str.upper)), [], lambda: iter([1.5])]
    assert list(Pipeline(Interleave(sources))) == [10, "A", 1.5, 11, "B", 12, "C", "D", "E"]
    assert list(Pipeline(Interleave(sources, block=2))) == [
        *(10, 11, "A", "B", 1.5, 12, "C", "D", "E")
    ]


def plain_rounds(sources, block):
    """The rule, written out."""
    iterators = [iter(source) for source in sources]
    items = []
    while iterators:
        taken = [list(islice(iterator, block)) for iterator in iterators]
        items += [item for block in taken for item in block]
        iterators = [it for it, block in zip(iterators, taken, strict=True) if block]
    return items


@given(
    sizes=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    block=st.integers(1, 4),
    position=st.integers(0, 30),
)
def test_nothing_is_lost_and_nothing_comes_twice(sizes, block, position):
    sources = [[(i, j) for j in range(size)] for i, size in enumerate(sizes)]
    pipeline = Pipeline(Interleave(sources, block))
    moved = iter(pipeline)
    head = list(islice(moved, position))
    resumed = iter(pipeline)
    resumed.load_state_dict(moved.state_dict())
    items = [*head, *resumed]
    assert items == plain_rounds(sources, block)
    assert Counter(items) == Counter(item for source in sources for item in source)


def test_sources_may_have_no_end():
    endless = Pipeline(Interleave([Pipeline([1, 2], Repeat()), Pipeline([7], Repeat())]))
    assert list(islice(endless, 6)) == [1, 7, 2, 7, 1, 7]


def test_a_state_refuses_other_sources():
    state = iter(Pipeline(Interleave([[1], [2]], block=2))).state_dict()
    with pytest.raises(CheckpointError, match="it had block=2, this one has block=3"):
        iter(Pipeline(Interleave([[1], [2]], block=3))).load_state_dict(state)
    with pytest.raises(CheckpointError, match="the state of 3 sources, found that of 2"):
        iter(Pipeline(Interleave([[1], [2], []], block=2))).load_state_dict(state)


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("sources", "block", "error", "message"),
    [
        ([], 1, ValueError, "Interleave: sources: expected at least one, found none"),
        (Pipeline([1]), 1, TypeError, "expected a list of pipelines .* found Pipeline"),
        ("ab", 1, TypeError, "expected a list of pipelines or other sources, found str"),
        ([3], 1, TypeError, "begins with an iterable of items"),
        ([[1]], 0, ValueError, "Interleave: block: expected at least 1, found 0"),
    ],
)
def test_sources_that_cannot_be(sources, block, error, message):
    with pytest.raises(error, match=message):
        Interleave(sources, block)
