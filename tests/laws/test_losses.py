"""Every public loss is held to the laws, with each of its options."""

from inspect import isclass

import pytest
import torch
import torch.nn.functional as F

from varlen import losses, testing
from varlen.losses import (
    LinearChainCRF,
    legacy_sequence_loss,
    masked_binary_cross_entropy,
    masked_cross_entropy,
    masked_ctc_loss,
    masked_linear_cross_entropy,
    masked_mean_squared_error,
    sequence_loss,
    sequence_loss_by_example,
    sequence_mask,
)

NUM_CLASSES = 3
NO_LOSSES = {"loss_total", "sequence_mask"}
CLASS_WEIGHTS = torch.tensor([2.0, 0.5, 1.0], dtype=torch.float64)


def scores_and_classes(n):
    return torch.randn(n, NUM_CLASSES, dtype=torch.float64), torch.randint(NUM_CLASSES, (n,))


def some_ignored(n):
    """Every row with steps has one that counts."""
    scores, classes = scores_and_classes(n)
    classes[1::2] = 77
    return scores, classes


def scores_and_probabilities(n):
    return torch.randn(n, 2, dtype=torch.float64), torch.rand(n, 2, dtype=torch.float64)


def scores_and_labels(n):
    """As many steps as labels could need, from none."""
    labels = torch.randint(1, NUM_CLASSES, (n // 2,))
    return torch.randn(n, NUM_CLASSES, dtype=torch.float64), labels


def cross_entropy(**options):
    def loss(logits, targets, **given):
        return masked_cross_entropy(logits.data, *targets, **options, **given)

    return {"loss": loss, "make_row": scores_and_classes}


def by_weight_of_class(row):
    return CLASS_WEIGHTS[row[1]].sum().item()


def linear(**options):
    weight = torch.randn(5, NUM_CLASSES, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(5, dtype=torch.float64, requires_grad=True)

    def loss(inputs, targets, **given):
        return masked_linear_cross_entropy(inputs.data, weight, bias, *targets, **options, **given)

    return {"loss": loss, "make_row": scores_and_classes, "parameters": [weight, bias]}


def crf():
    crf = LinearChainCRF(NUM_CLASSES, dtype=torch.float64)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)

    def loss(scores, targets, **given):
        return crf(scores.data, *targets, **given)

    return {
        "loss": loss,
        "make_row": scores_and_classes,
        "parameters": list(crf.parameters()),
    }


def ctc(**options):
    def loss(logits, labels, **given):
        return masked_ctc_loss(*logits, *labels, **options, **given)

    return {
        "loss": loss,
        "make_row": scores_and_labels,
        "count_tokens": lambda row: max(len(row[1]), 1),
    }


def by_weights(function, reduction):
    """A loss of TensorFlow 1, with a mask for weights; lists over time if it wants them."""

    def loss(logits, targets, *, reduction):
        mask = sequence_mask(targets.lengths, targets.data.shape[1], dtype=torch.float64)
        return function(logits.data, targets.data, mask)

    return {
        "loss": loss,
        "make_row": scores_and_classes,
        "reductions": [reduction],
        "totals": False,
    }


def over_lists(function, **flags):
    """With the one step more that lists over time need."""

    def over_time(logits, targets, weights):
        blocks = (F.pad(x, (0, 0) * (x.ndim - 2) + (0, 1)) for x in (logits, targets, weights))
        return function(*(block.unbind(1) for block in blocks), **flags)

    return over_time


LOSSES = {
    "masked_cross_entropy": lambda: cross_entropy(),
    "masked_cross_entropy, smoothed": lambda: cross_entropy(label_smoothing=0.2),
    "masked_cross_entropy, some ignored": lambda: (
        cross_entropy(ignore_index=77)
        | {"make_row": some_ignored, "count_tokens": lambda row: (row[1] != 77).sum().item()}
    ),
    "masked_cross_entropy, by class": lambda: (
        cross_entropy(class_weights=CLASS_WEIGHTS) | {"count_tokens": by_weight_of_class}
    ),
    "masked_linear_cross_entropy": lambda: linear(),
    "masked_linear_cross_entropy, smoothed": lambda: linear(label_smoothing=0.2),
    "masked_mean_squared_error": lambda: {
        "loss": lambda outputs, targets, **given: masked_mean_squared_error(
            outputs.data, *targets, **given
        ),
        "make_row": scores_and_probabilities,
    },
    "masked_binary_cross_entropy": lambda: {
        "loss": lambda logits, targets, **given: masked_binary_cross_entropy(
            logits.data, *targets, **given
        ),
        "make_row": scores_and_probabilities,
    },
    "masked_ctc_loss": lambda: ctc(impossible="skip"),
    "LinearChainCRF": crf,
    "sequence_loss": lambda: by_weights(sequence_loss, "token"),
    "sequence_loss, unreduced": lambda: by_weights(
        lambda *given: sequence_loss(*given, False, False), "none"
    ),
    "sequence_loss_by_example": lambda: by_weights(
        over_lists(sequence_loss_by_example, average_across_timesteps=False), "none"
    ),
    "legacy_sequence_loss": lambda: by_weights(
        over_lists(
            legacy_sequence_loss, average_across_timesteps=False, average_across_batch=False
        ),
        "sum",
    ),
}


def test_no_public_loss_is_forgotten():
    public = {
        name
        for name in losses.__all__
        if callable(value := getattr(losses, name))
        and (not isclass(value) or issubclass(value, torch.nn.Module))
    }
    assert public - NO_LOSSES == {key.split(",")[0] for key in LOSSES}


@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
def test_laws_hold(make):
    torch.manual_seed(1)
    testing.check_loss(**make())


def plain(losses, lengths, reduction, total):
    """A right loss of `[batch, time]`, of which the broken ones below differ in one thing."""
    mask = sequence_mask(lengths, losses.shape[1])
    losses = torch.where(mask, losses, 0)
    if reduction == "none":
        return losses
    means = losses.sum(1) / lengths.clamp(min=1)
    number = {"sequence": (lengths > 0).sum(), "token": lengths.sum(), "sum": 1}[reduction]
    divisor = max(int(number), 1) if total is None else max(total, 1)
    return (means if reduction == "sequence" else losses).sum() / divisor


def squares(outputs, *, reduction, total=None):
    live = sequence_mask(outputs.lengths, outputs.data.shape[1])
    losses = torch.where(live, outputs.data, 0).square()
    return plain(losses, outputs.lengths, reduction, total)


def looks_at_padding(outputs, *, reduction, total=None):
    return plain(outputs.data.square(), outputs.lengths, reduction, total)


def counts_empty_rows(outputs, *, reduction, total=None):
    if reduction == "sequence" and total is None:
        total = len(outputs.lengths)
    return squares(outputs, reduction=reduction, total=total)


def ignores_the_total(outputs, *, reduction, total=None):
    return squares(outputs, reduction=reduction)


def lies_about_its_gradient(outputs, *, reduction, total=None):
    return squares(
        outputs._replace(data=outputs.data.detach()), reduction=reduction, total=total
    ) + (0 * squares(outputs, reduction=reduction, total=total))


def looks_at_its_neighbours(outputs, *, reduction, total=None):
    live = sequence_mask(outputs.lengths, outputs.data.shape[1])
    data = torch.where(live, outputs.data, 0)
    near = torch.where(live, data - data.sum(0), 0)
    return plain(near.square(), outputs.lengths, reduction, total)


def numbers(n):
    return (torch.randn(n, dtype=torch.float64),)


def test_a_right_loss_passes():
    testing.check_loss(squares, numbers)


@pytest.mark.parametrize(
    ("loss", "law"),
    [
        (looks_at_padding, "no gradient in padding|padding is invisible"),
        (counts_empty_rows, "rows without steps do not count"),
        (ignores_the_total, "add up to the whole"),
        (lies_about_its_gradient, "gradients are true"),
        (looks_at_its_neighbours, "rows alone"),
    ],
)
def test_a_broken_loss_is_caught(loss, law):
    with pytest.raises(AssertionError, match=law):
        testing.check_loss(loss, numbers)
