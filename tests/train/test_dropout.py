"""Dropout: as many elements as asked, each by itself, and the mean stays."""

import pytest
import torch

from varlen.train._dropout import dropout


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_the_share_that_is_dropped_and_the_size_of_the_others(rate):
    torch.manual_seed(0)
    values = torch.full((1001, 301), 2.0, dtype=torch.float64)
    found = dropout(values, rate)
    is_kept = found != 0
    # Five standard deviations of a binomial share.
    bound = 5 * (rate * (1 - rate) / values.numel()) ** 0.5
    assert abs(is_kept.double().mean() - (1 - rate)) < bound
    torch.testing.assert_close(
        found[is_kept], torch.full_like(found[is_kept], 2 / (1 - rate)), rtol=2e-4, atol=0
    )
    # Neighbours, which share a number that was drawn, do not know of each other.
    left, right = is_kept[:, :-1].double().flatten(), is_kept[:, 1:].double().flatten()
    assert abs(torch.corrcoef(torch.stack([left, right]))[0, 1]) < 5 / values.numel() ** 0.5


def test_the_gradient_is_that_of_what_was_kept():
    values = torch.ones(7, 3, requires_grad=True)
    found = dropout(values, 0.5)
    found.sum().backward()
    assert torch.equal(values.grad, found.detach())


def test_no_values_at_all_and_half_precision():
    assert dropout(torch.empty(0, 5), 0.3).shape == (0, 5)
    assert dropout(torch.ones(3, 5, dtype=torch.bfloat16), 0.3).dtype == torch.bfloat16


def test_the_same_seed_drops_the_same():
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        found.append(dropout(torch.ones(50, 3), 0.4))
    assert torch.equal(*found)
