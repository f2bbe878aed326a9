import math
from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from varlen.metrics import EditDistance, edit_distance

sequences = st.lists(st.integers(0, 2), max_size=6)


def plain(said, meant):
    """The distance by its recursive definition."""

    @cache
    def distance(i, j):
        if i == 0 or j == 0:
            return i + j
        changed = distance(i - 1, j - 1) + (said[i - 1] != meant[j - 1])
        return min(changed, distance(i - 1, j) + 1, distance(i, j - 1) + 1)

    return distance(len(said), len(meant))


def padded(rows, padding):
    block = torch.full((len(rows), max(map(len, rows)) + 1), padding)
    for i, row in enumerate(rows):
        block[i, : len(row)] = torch.tensor(row, dtype=torch.int64)
    return block, [len(row) for row in rows]


@given(pairs=st.lists(st.tuples(sequences, sequences), min_size=1, max_size=4))
def test_distances_are_those_of_the_definition(pairs):
    said, meant = zip(*pairs, strict=True)
    found = edit_distance(*padded(said, 0), *padded(meant, 1))
    assert found == EditDistance(sum(plain(a, b) for a, b in pairs), sum(map(len, meant)))


def test_kitten_and_sitting():
    said, meant = (torch.tensor([[*word.encode()]]) for word in ("kitten", "sitting"))
    found = edit_distance(said, [6], meant, [7])
    assert found == EditDistance(3, 7)
    assert found.value == 3 / 7


def test_ends_of_the_range():
    assert math.isnan(EditDistance().value)
    assert EditDistance(4, 2).value == 2
    nothing = torch.zeros(2, 0, dtype=torch.int64)
    assert edit_distance(nothing, [0, 0], nothing, [0, 0]) == EditDistance(0, 0)
    assert edit_distance(nothing[:0], [], nothing[:0], []) == EditDistance(0, 0)


@pytest.mark.wrong_types
def test_what_does_not_fit():
    labels = torch.zeros(2, 3, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"found shapes \(2, 3\) and \(1, 3\)"):
        edit_distance(labels, [3, 3], labels[:1], [3])
    with pytest.raises(ValueError, match=r"prediction_lengths: .* found 4 in row 1"):
        edit_distance(labels, [3, 4], labels, [3, 3])
    with pytest.raises(ValueError, match=r"target_lengths: .* found -1 in row 0"):
        edit_distance(labels, [3, 3], labels, [-1, 3])
    with pytest.raises(TypeError, match=r"targets: expected integers, found torch.float32"):
        edit_distance(labels, [3, 3], labels.float(), [3, 3])
