"""A batch in parts, one after the other or on several ranks, learns as one large batch does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from losses_of_ranks import OPTIONS, gradients_of_parts, learn, parts_of, whole_batch
from varlen import loss_total, masked_cross_entropy

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("num_parts", [2, 3, 5])
def test_micro_batches_learn_as_one(name, num_parts):
    expected = gradients_of_parts(name, [whole_batch()])
    found = gradients_of_parts(name, parts_of(whole_batch(), num_parts))
    assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_without_the_total_they_do_not():
    """The mean of the parts' means is another number, since parts are unequal."""
    expected = learn("token", [whole_batch()], total=None)
    found = learn("token", parts_of(whole_batch(), 2), total=None)
    assert not torch.allclose(found[0] / 2, expected[0], rtol=1e-3)


def test_ranks_learn_as_one(tmp_path):
    """Two processes in DistributedDataParallel, each with two micro-batches."""
    ranks = [
        subprocess.Popen(
            [sys.executable, TESTS / "losses_of_ranks.py", str(rank), tmp_path],
            env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        )
        for rank in range(2)
    ]
    try:
        assert [rank.wait(timeout=300) for rank in ranks] == [0, 0]
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()
    for name in OPTIONS:
        expected = gradients_of_parts(name, [whole_batch()])
        for rank in range(2):
            found = torch.load(tmp_path / f"{name}-{rank}.pt")
            assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_totals():
    lengths = torch.tensor([3, 0, 2])
    targets = torch.tensor([[0, 1, 2, 9], [9, 9, 9, 9], [1, 1, -1, 9]])
    weights = torch.tensor([1.0, 0.0, 0.5])
    assert loss_total(lengths) == 2
    assert loss_total([3, 0, 2], reduction="token") == 5
    assert loss_total(lengths, reduction="token", targets=targets, ignore_index=1) == 2
    assert loss_total(lengths, targets=targets, ignore_index=1) == 1
    assert loss_total(lengths, reduction="token", targets=targets, class_weights=weights) == 1.5
    assert loss_total(lengths, targets=targets, class_weights=weights) == 1
    assert loss_total([]) == loss_total([], reduction="token") == 0


def test_the_total_of_one_batch_changes_nothing():
    _, targets, lengths = whole_batch()
    logits = torch.randn(*targets.shape, 4)
    for reduction in ("sequence", "token"):
        total = loss_total(lengths, reduction=reduction)
        for given in (total, torch.tensor(total), int(total)):
            assert_close(
                masked_cross_entropy(logits, targets, lengths, reduction=reduction, total=given),
                masked_cross_entropy(logits, targets, lengths, reduction=reduction),
            )


def test_a_total_of_0_is_for_a_step_of_only_empty_rows():
    logits, targets = torch.randn(2, 3, 4, requires_grad=True), torch.zeros(2, 3).long()
    loss = masked_cross_entropy(logits, targets, [0, 0], total=0.0)
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


@pytest.mark.wrong_types
def test_what_does_not_fit():
    targets = torch.zeros(2, 3, dtype=torch.int64)
    with pytest.raises(ValueError, match="found 'sum'; only 'sequence' and 'token' divide"):
        loss_total([1, 2], reduction="sum")
    with pytest.raises(ValueError, match="targets: ignore_index and class_weights cannot"):
        loss_total([1, 2], ignore_index=0)
    with pytest.raises(ValueError, match=r"lengths: .* found 4 in row 1"):
        loss_total([1, 4], targets=targets)
    with pytest.raises(TypeError, match=r"lengths: expected integers, found float64"):
        loss_total([1.0, 2.0])
