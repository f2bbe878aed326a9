"""The losses of TensorFlow 1, whose weights say what counts."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Integer
from torch import Tensor

from varlen.losses._checks import check_classes, check_scores, check_targets, precise

LossFunction = Callable[..., Tensor]


def sequence_loss(
    logits: Float[Tensor, "batch time classes"],
    targets: Integer[Tensor, "batch time"],
    weights: Float[Tensor, "batch time"],
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    sum_over_timesteps: bool = False,
    sum_over_batch: bool = False,
    softmax_loss_function: LossFunction | None = None,
) -> Float[Tensor, "*reduced"]:
    """Cross-entropy times weights, reduced over time, batch or both.

    As `tf.contrib.seq2seq.sequence_loss`. An average divides by the sum of the weights, a "sum"
    by the number of weights that are not 0; 0 / 0 is 0. If one axis is averaged, a sum over the
    other one is ignored, and that axis stays. With no reduction at all the result is
    `[batch, time]`. Gradients reach the weights too, those that are 0 included.

    Unlike TensorFlow, a step of weight 0 is not looked at: its target may be no class and its
    logits may be NaN.

    Args:
        logits: unnormalised scores.
        targets: classes, of any integer type.
        weights: 0 for padding; any other number counts.
        average_across_timesteps: divide by the weights along time.
        average_across_batch: divide by the weights along the batch.
        sum_over_timesteps: divide by the number of non-zero weights along time.
        sum_over_batch: divide by the number of non-zero weights along the batch.
        softmax_loss_function: called as `f(labels=[steps], logits=[steps, classes])` with the
            steps that count, one after the other; returns `[steps]`.

    Raises:
        TypeError: targets are not integers, or weights not floating.
        ValueError: shapes that do not fit; average and sum over the same axis; a target that is
            no class where the weight is not 0.
    """
    for axis, averages, sums in (
        ("timesteps", average_across_timesteps, sum_over_timesteps),
        ("batch", average_across_batch, sum_over_batch),
    ):
        if averages and sums:
            raise ValueError(
                f"expected one of average_across_{axis} and sum_over_{axis}, found both"
            )
    weighted = _weighted_losses(logits, targets, weights, softmax_loss_function)
    averaged = _axes(average_across_batch, average_across_timesteps)
    summed = _axes(sum_over_batch, sum_over_timesteps)
    if averaged:
        return _divide(_sum(weighted, averaged), _sum(weights, averaged)).to(weighted.dtype)
    if summed:
        counts = weights.count_nonzero(summed)
        return _divide(_sum(weighted, summed), counts).to(weighted.dtype)
    return weighted


def sequence_loss_by_example(
    logits: Sequence[Float[Tensor, "batch classes"]],
    targets: Sequence[Integer[Tensor, " batch"]],
    weights: Sequence[Float[Tensor, " batch"]],
    average_across_timesteps: bool = True,
    softmax_loss_function: LossFunction | None = None,
) -> Float[Tensor, " batch"]:
    """Weighted cross-entropy of each row, summed over time or averaged by its weights.

    As `tf.contrib.legacy_seq2seq.sequence_loss_by_example`, with lists over time. An average
    divides by the row's weights plus 1e-12, so a row without weight has the loss 0. Steps of
    weight 0 are treated as in `sequence_loss`.

    Args:
        logits: one block of scores per step.
        targets: as many blocks of classes.
        weights: as many blocks of weights.
        average_across_timesteps: divide each row's sum by its weights.
        softmax_loss_function: as in `sequence_loss`; called once, not once per step.

    Raises:
        TypeError: targets are not integers, or weights not floating.
        ValueError: lists that are empty or of unequal length; what `sequence_loss` raises.
    """
    if not len(logits) == len(targets) == len(weights) > 0:
        raise ValueError(
            "expected logits, targets and weights for the same number of steps, at least one, "
            f"found {len(logits)}, {len(targets)} and {len(weights)}"
        )
    block_of_weights = torch.stack(list(weights), dim=1)
    weighted = _weighted_losses(
        torch.stack(list(logits), dim=1),
        torch.stack(list(targets), dim=1),
        block_of_weights,
        softmax_loss_function,
    )
    losses = _sum(weighted, (1,))
    if average_across_timesteps:
        losses = losses / (_sum(block_of_weights, (1,)) + 1e-12)
    return losses.to(weighted.dtype)


def legacy_sequence_loss(
    logits: Sequence[Float[Tensor, "batch classes"]],
    targets: Sequence[Integer[Tensor, " batch"]],
    weights: Sequence[Float[Tensor, " batch"]],
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    softmax_loss_function: LossFunction | None = None,
) -> Float[Tensor, ""]:
    """The sum of `sequence_loss_by_example` over the batch, divided by its size if averaging.

    As `tf.contrib.legacy_seq2seq.sequence_loss`; the arguments, and the errors, are those of
    `sequence_loss_by_example`.
    """
    losses = sequence_loss_by_example(
        logits, targets, weights, average_across_timesteps, softmax_loss_function
    )
    loss = _sum(losses, (0,))
    return (loss / max(len(losses), 1) if average_across_batch else loss).to(losses.dtype)


def _cross_entropy(
    *, labels: Integer[Tensor, " steps"], logits: Float[Tensor, "steps classes"]
) -> Float[Tensor, " steps"]:
    return F.cross_entropy(logits, labels.long(), reduction="none")


def _weighted_losses(
    logits: Float[Tensor, "batch time classes"],
    targets: Integer[Tensor, "batch time"],
    weights: Float[Tensor, "batch time"],
    loss_function: LossFunction | None,
) -> Float[Tensor, "batch time"]:
    check_scores(logits)
    check_targets(targets, logits)
    if weights.shape != targets.shape:
        raise ValueError(
            "weights: expected the shape of targets, "
            f"{tuple(targets.shape)}, found {tuple(weights.shape)}"
        )
    if not weights.is_floating_point():
        raise TypeError(
            f"weights: expected floating numbers, found {weights.dtype}; "
            "sequence_mask(lengths, dtype=torch.float32) makes a mask of them"
        )
    scored = weights != 0
    if loss_function is None:
        check_classes(targets, scored, logits.shape[2], hint="for padding, make the weight 0")
        loss_function = _cross_entropy
    if weights.requires_grad:
        # The gradient of a weight is the step's loss, also where the weight is 0.
        scored = scored | _sound(logits, targets, ~scored, loss_function)
    losses = loss_function(labels=targets[scored], logits=logits[scored])
    weighted = losses * weights[scored]
    return weighted.new_zeros(weights.shape).masked_scatter(scored, weighted)


@torch.no_grad()
def _sound(
    logits: Float[Tensor, "batch time classes"],
    targets: Integer[Tensor, "batch time"],
    candidates: Bool[Tensor, "batch time"],
    loss_function: LossFunction,
) -> Bool[Tensor, "batch time"]:
    """Those of the candidate steps that have a finite loss."""
    in_range = candidates & (targets >= 0) & (targets < logits.shape[2])
    losses = loss_function(labels=targets[in_range], logits=logits[in_range])
    return in_range.masked_scatter(in_range, losses.isfinite())


def _axes(batch: bool, time: bool) -> tuple[int, ...]:
    return tuple(axis for axis, wanted in enumerate((batch, time)) if wanted)


def _sum(values: Tensor, axes: tuple[int, ...]) -> Tensor:
    return values.sum(axes, dtype=precise(values.dtype))


def _divide(numerator: Tensor, divisor: Tensor) -> Tensor:
    """The quotient, 0 where the divisor is 0, and so the gradients."""
    usable = divisor != 0
    return torch.where(usable, numerator / torch.where(usable, divisor, 1), 0)
