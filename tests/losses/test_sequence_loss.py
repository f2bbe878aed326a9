import math

import pytest
import torch
from torch.testing import assert_close

from loss_batches import FILLS, losses_by_row, random_batch, step_loss
from varlen import sequence_loss, sequence_loss_by_example, sequence_mask
from varlen.losses import legacy_sequence_loss


def squared_error(*, labels, logits):
    return (1 - logits.softmax(-1).gather(-1, labels[:, None])[:, 0]) ** 2


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("bad_class", [-1, 4, 1000])
@pytest.mark.parametrize("loss_function", [None, squared_error])
def test_a_step_of_weight_0_is_not_looked_at(fill, bad_class, loss_function):
    lengths = [2, 0, 3]
    weights = sequence_mask(lengths, 4, torch.float64)
    clean, sound = random_batch(lengths, extra=1, bad_class=0)
    loss = sequence_loss(clean, sound, weights, softmax_loss_function=loss_function)
    loss.backward()

    dirty, targets = random_batch(lengths, extra=1, fill=fill, bad_class=bad_class)
    other = sequence_loss(dirty, targets, weights, softmax_loss_function=loss_function)
    other.backward()
    assert other.item() == loss.item()
    assert (dirty.grad == clean.grad).all()


def test_weights_of_0_have_their_gradient_where_the_step_is_sound():
    """It is (loss of the step - mean loss) / sum of weights; a step without a loss adds none."""
    logits, targets = random_batch([3, 2], extra=1, bad_class=0)
    with torch.no_grad():
        logits[0, 3], targets[1, 3] = math.nan, 9
    weights = torch.tensor([[1, 0.5, 0, 0], [2, 0, 0, 0]], dtype=torch.float64, requires_grad=True)
    loss = sequence_loss(logits, targets, weights)
    loss.backward()

    scores = logits.detach().numpy()
    for row, step in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]:
        own = step_loss(scores[row, step], targets[row, step])
        assert_close(weights.grad[row, step].item(), (own - loss.item()) / 3.5)
    for row, step in [(0, 3), (1, 3)]:
        assert_close(weights.grad[row, step].item(), -loss.item() / 3.5)
    assert logits.grad.isfinite().all()
    assert (logits.grad[weights == 0] == 0).all()


def test_gradients_of_weighted_losses_are_true():
    logits, targets = random_batch([3, 2], bad_class=0)
    weights = torch.rand(2, 3, dtype=torch.float64) + 0.1
    assert torch.autograd.gradcheck(
        lambda scores, by: sequence_loss(scores, targets, by), (logits, weights.requires_grad_())
    )


def test_weights_that_are_all_0_give_0():
    logits, targets = random_batch([2, 2])
    for flags in ({}, {"average_across_batch": False}):
        logits.grad = None
        loss = sequence_loss(logits, targets, torch.zeros(2, 2, dtype=torch.float64), **flags)
        loss.sum().backward()
        assert (loss == 0).all()
        assert (logits.grad == 0).all()


@pytest.mark.parametrize("bad", [4, -1])
def test_a_target_with_weight_must_be_a_class(bad):
    logits, targets = random_batch([3, 3])
    targets[1, 2] = bad
    weights = torch.ones(2, 3, dtype=torch.float64)
    message = f"from 0 to 3, found {bad} in row 1 at step 2; for padding, make the weight 0"
    with pytest.raises(ValueError, match=message):
        sequence_loss(logits, targets, weights)
    with pytest.raises(ValueError, match=message):
        sequence_loss_by_example(logits.unbind(1), targets.unbind(1), weights.unbind(1))
    weights[1, 2] = 0
    sequence_loss(logits, targets, weights)


def test_a_custom_loss_may_have_labels_of_its_own():
    logits, targets = random_batch([3, 3])
    weights = torch.ones(2, 3, dtype=torch.float64)
    loss = sequence_loss(
        logits,
        targets + 1000,
        weights,
        softmax_loss_function=lambda labels, logits: labels.double() + 0 * logits.sum(-1),
    )
    assert_close(loss.item(), 1000 + targets.double().mean().item())


@pytest.mark.wrong_types
def test_sequence_loss_refuses_wrong_shapes_and_kinds():
    logits, targets = random_batch([3, 3])
    weights = torch.ones(2, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"logits: .* found shape \(2, 4\)"):
        sequence_loss(logits[:, 0], targets, weights)
    with pytest.raises(ValueError, match=r"targets: .* found \(3,\)"):
        sequence_loss(logits, targets[0], weights)
    for other in (weights[0], weights[:1]):
        with pytest.raises(ValueError, match=r"weights: expected the shape of targets, \(2, 3\)"):
            sequence_loss(logits, targets, other)
    with pytest.raises(TypeError, match=r"weights: .* found torch.bool; sequence_mask\(lengths"):
        sequence_loss(logits, targets, weights.bool())


def test_average_and_sum_exclude_each_other():
    logits, targets = random_batch([3, 3])
    with pytest.raises(ValueError, match="one of average_across_batch and sum_over_batch"):
        sequence_loss(logits, targets, torch.ones(2, 3).double(), sum_over_batch=True)


def test_losses_by_example_are_those_of_a_plain_loop():
    logits, targets = random_batch([3, 2, 0], bad_class=0)
    weights = torch.tensor([[1, 2, 0.5], [1, 1, 0], [0, 0, 0]], dtype=torch.float64)
    steps = torch.tensor(losses_by_row(logits, targets, [3, 3, 3])) * weights
    arguments = (logits.unbind(1), targets.unbind(1), weights.unbind(1))
    found = sequence_loss_by_example(*arguments, average_across_timesteps=False)
    assert_close(found.detach(), steps.sum(1))
    means = steps.sum(1) / (weights.sum(1) + 1e-12)
    assert_close(sequence_loss_by_example(*arguments).detach(), means)
    assert_close(legacy_sequence_loss(*arguments).item(), means.mean().item())
    whole = legacy_sequence_loss(*arguments, average_across_batch=False)
    assert_close(whole.item(), means.sum().item())


@pytest.mark.parametrize("function", [sequence_loss_by_example, legacy_sequence_loss])
def test_lists_over_time_are_equally_long(function):
    logits, targets = random_batch([3, 3])
    weights = torch.ones(2, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"same number of steps, .* found 3, 3 and 2"):
        function(logits.unbind(1), targets.unbind(1), weights.unbind(1)[:2])
    with pytest.raises(ValueError, match="at least one, found 0, 0 and 0"):
        function([], [], [])
