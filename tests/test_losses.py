import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from varlen import masked_cross_entropy, sequence_loss, sequence_loss_by_example, sequence_mask
from varlen.losses import legacy_sequence_loss

FILLS = [0.0, 1e30, math.inf, math.nan]
batches_of_lengths = st.lists(st.integers(0, 5), min_size=1, max_size=5)


def random_batch(lengths, *, extra=0, fill=0.0, num_classes=4, dtype=torch.float64, bad_class=-1):
    """Logits and targets that are random where real, and `fill` and `bad_class` elsewhere."""
    generator = torch.Generator().manual_seed(sum(lengths) + len(lengths))
    num_steps = max(lengths) + extra
    logits = torch.full((len(lengths), num_steps, num_classes), fill, dtype=dtype)
    targets = torch.full((len(lengths), num_steps), bad_class)
    for row, length in enumerate(lengths):
        drawn = torch.randn(5, num_classes, generator=generator, dtype=torch.float64)
        classes = torch.randint(num_classes, (5,), generator=generator)
        logits[row, :length] = drawn[:length].to(dtype)
        targets[row, :length] = classes[:length]
    return logits.requires_grad_(), targets


def step_loss(scores, target):
    """Softmax cross-entropy of one step, in plain NumPy."""
    shifted = np.asarray(scores) - np.max(scores)
    return np.log(np.exp(shifted).sum()) - shifted[int(target)]


def losses_by_row(logits, targets, lengths):
    logits = logits.detach().numpy()
    return [
        [step_loss(logits[row, t], targets[row, t]) for t in range(length)]
        for row, length in enumerate(lengths)
    ]


@settings(deadline=None)
@given(lengths=batches_of_lengths, fill=st.sampled_from(FILLS), extra=st.integers(0, 2))
def test_reductions_are_those_of_a_plain_loop(lengths, fill, extra):
    logits, targets = random_batch(lengths, extra=extra, fill=fill)
    by_row = losses_by_row(logits, targets, lengths)
    steps = [loss for row in by_row for loss in row]
    means = [np.mean(row) for row in by_row if row]
    expected = {
        "sequence": np.mean(means) if means else 0.0,
        "token": np.mean(steps) if steps else 0.0,
        "sum": np.sum(steps),
    }
    for reduction, value in expected.items():
        loss = masked_cross_entropy(logits, targets, lengths, reduction=reduction)
        assert_close(loss.item(), float(value), rtol=1e-12, atol=1e-12)

    losses = masked_cross_entropy(logits, targets, lengths, reduction="none")
    block = np.zeros(targets.shape)
    for row, values in enumerate(by_row):
        block[row, : len(values)] = values
    assert_close(losses.detach(), torch.from_numpy(block), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("reduction", ["sequence", "token", "sum", "none"])
@settings(deadline=None)
@given(lengths=batches_of_lengths, fill=st.sampled_from(FILLS), bad_class=st.sampled_from([-1, 99]))
def test_padding_is_invisible(reduction, lengths, fill, bad_class):
    tight, targets = random_batch(lengths, bad_class=0)
    loss = masked_cross_entropy(tight, targets, lengths, reduction=reduction)
    loss.sum().backward()

    loose, targets = random_batch(lengths, extra=3, fill=fill, bad_class=bad_class)
    other = masked_cross_entropy(loose, targets, lengths, reduction=reduction)
    other.sum().backward()

    live = sequence_mask(lengths, loose.shape[1])
    if reduction == "none":
        assert (other[~live] == 0).all()
        other = other[:, : tight.shape[1]]
    assert (other == loss).all()
    assert (loose.grad[~live] == 0).all()
    assert (loose.grad[live] == tight.grad[sequence_mask(lengths, tight.shape[1])]).all()


@pytest.mark.parametrize("reduction", ["sequence", "token", "sum", "none"])
def test_gradients_are_true(reduction):
    logits, targets = random_batch([2, 0, 3], extra=1)
    assert torch.autograd.gradcheck(
        lambda scores: masked_cross_entropy(scores, targets, [2, 0, 3], reduction=reduction), logits
    )


@pytest.mark.parametrize("reduction", ["sequence", "token", "sum"])
@pytest.mark.parametrize("shape", [(3, 2), (2, 0), (0, 4)])
def test_a_batch_of_only_empty_sequences_has_no_loss(reduction, shape):
    logits = torch.full((*shape, 5), math.nan, requires_grad=True)
    targets = torch.full(shape, 7)
    loss = masked_cross_entropy(logits, targets, [0] * shape[0], reduction=reduction)
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


def test_class_0_is_a_class_like_any_other():
    logits, targets = random_batch([3, 1])
    shifted = logits.detach().roll(1, dims=-1)
    zeros = torch.zeros_like(targets)
    assert_close(
        masked_cross_entropy(logits, zeros, [3, 1]),
        masked_cross_entropy(shifted, zeros + 1, [3, 1]),
    )
    assert masked_cross_entropy(logits, zeros, [3, 1]) > 0


def test_every_sequence_counts_alike_by_default():
    """The mean of the rows' means, as a loop has it, also with real zeros among the targets."""
    lengths = [1, 2, 3, 8]
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 8, 10, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, 3, (4, 8), generator=generator)
    assert (targets[3] == 0).any()
    means = [np.mean(row) for row in losses_by_row(logits, targets, lengths)]
    assert_close(masked_cross_entropy(logits, targets, lengths).item(), float(np.mean(means)))


@pytest.mark.parametrize("lengths", [[2, 3], np.array([2, 3], np.uint8), torch.tensor([2, 3])])
@pytest.mark.parametrize("integers", [torch.int64, torch.int32, torch.uint8])
def test_lengths_and_targets_of_any_integer_type(lengths, integers):
    logits, targets = random_batch([2, 3], bad_class=0)
    expected = masked_cross_entropy(logits, targets, [2, 3])
    assert masked_cross_entropy(logits, targets.to(integers), lengths) == expected


def test_float32_stays_float32_and_large_scores_are_no_trouble():
    logits, targets = random_batch([2, 3], dtype=torch.float32)
    loss = masked_cross_entropy(1e4 * logits, targets, [2, 3])
    assert loss.dtype == torch.float32
    expected = [np.mean(r) for r in losses_by_row(1e4 * logits.double(), targets, [2, 3])]
    assert_close(loss.item(), float(np.mean(expected)), rtol=1e-6, atol=0)


@pytest.mark.parametrize("bad", [-1, 4, -100])
def test_a_real_target_that_is_no_class_is_named(bad):
    logits, targets = random_batch([2, 3])
    targets[1, 2] = bad
    with pytest.raises(
        ValueError, match=f"class from 0 to 3, found {bad} in row 1 at step 2; steps past a row's"
    ):
        masked_cross_entropy(logits, targets, [2, 3])
    masked_cross_entropy(logits, targets, [2, 2])


def test_masked_cross_entropy_says_what_does_not_fit():
    logits, targets = random_batch([2, 3])
    with pytest.raises(ValueError, match=r"lengths: expected a length from 0 to 3, .* 4 in row 1"):
        masked_cross_entropy(logits, targets, [2, 4])
    with pytest.raises(ValueError, match="one length per row"):
        masked_cross_entropy(logits, targets, [2])


@pytest.mark.wrong_types
def test_masked_cross_entropy_refuses_other_kinds():
    logits, targets = random_batch([2, 3])
    with pytest.raises(ValueError, match=r"reduction: found 'tokens'; .* Did you mean 'token'"):
        masked_cross_entropy(logits, targets, [2, 3], reduction="tokens")
    with pytest.raises(ValueError, match=r"logits: expected \[batch, time, classes\], .*\(2, 3\)"):
        masked_cross_entropy(logits[..., 0], targets, [2, 3])
    with pytest.raises(ValueError, match=r"targets: .* shape \(2, 3\), found \(2, 2\)"):
        masked_cross_entropy(logits, targets[:, :2], [2, 3])
    with pytest.raises(TypeError, match=r"targets: expected integers, found torch.float32"):
        masked_cross_entropy(logits, targets.float(), [2, 3])


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


@pytest.mark.parametrize(
    "lengths", [[1, 3, 0], (1, 3, 0), np.array([1, 3, 0], np.uint8), torch.tensor([1, 3, 0])]
)
def test_a_mask_is_true_on_real_steps(lengths):
    expected = [[True, False, False], [True, True, True], [False, False, False]]
    assert sequence_mask(lengths).tolist() == expected
    assert sequence_mask(lengths, 1).tolist() == [[True], [True], [False]]
    assert sequence_mask(lengths, torch.tensor(4)).shape == (3, 4)


@pytest.mark.parametrize("lengths", [[], np.zeros((0, 2), np.int64), torch.zeros(0).int()])
def test_a_mask_of_no_lengths(lengths):
    assert sequence_mask(lengths, 3).shape == (*np.shape(lengths), 3)
    assert sequence_mask(lengths).shape == (*np.shape(lengths), 0)


def test_a_mask_of_another_dtype():
    mask = sequence_mask([[1], [2]], dtype=torch.float64)
    assert mask.dtype == torch.float64
    assert mask.tolist() == [[[1.0, 0.0]], [[1.0, 1.0]]]


@pytest.mark.parametrize(
    ("lengths", "maxlen", "error", "message"),
    [
        ([1, 2], [3], ValueError, r"maxlen: expected a single number, found shape \(1,\)"),
        ([1, 2], -1, ValueError, "maxlen: expected at least 0, found -1"),
        ([1, 2], 2.0, TypeError, "maxlen: expected an integer, found 2.0"),
        ([1.0, 2.0], None, TypeError, "lengths: expected integers, found torch.float32"),
        ([True], None, TypeError, "lengths: expected integers, found torch.bool"),
    ],
)
def test_masks_that_cannot_be(lengths, maxlen, error, message):
    with pytest.raises(error, match=message):
        sequence_mask(lengths, maxlen)
