import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from varlen.metrics import Accuracy, accuracy


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=5),
    fill=st.sampled_from([0.0, math.inf, math.nan]),
    seed=st.integers(0, 100),
)
def test_counts_are_those_of_a_plain_loop(lengths, fill, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(len(lengths), 6, 3, generator=generator)
    targets = torch.randint(3, (len(lengths), 6), generator=generator)
    correct = total = 0
    for row, length in enumerate(lengths):
        logits[row, length:] = fill
        for t in range(length):
            correct += max(range(3), key=lambda c: logits[row, t, c]) == targets[row, t].item()
            total += 1
    assert accuracy(logits, targets, lengths) == Accuracy(correct, total)


def test_counts_of_batches_add_up():
    counts = sum([Accuracy(3, 4), Accuracy(0, 0), Accuracy(1, 4)], Accuracy())
    assert counts == Accuracy(4, 8)
    assert counts.value == 0.5


def test_the_accuracy_of_nothing_is_no_number():
    counts = accuracy(torch.zeros(2, 0, 3), torch.zeros(2, 0, dtype=torch.int32), [0, 0])
    assert counts == Accuracy(0, 0)
    assert math.isnan(counts.value)


def test_lengths_are_checked():
    with pytest.raises(ValueError, match="found 3 in row 1"):
        accuracy(torch.zeros(2, 2, 3), torch.zeros(2, 2, dtype=torch.int64), [2, 3])


@pytest.mark.wrong_types
def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"found shapes \(2, 2, 3\) and \(2,\)"):
        accuracy(torch.zeros(2, 2, 3), torch.zeros(2, dtype=torch.int64), [2, 2])
