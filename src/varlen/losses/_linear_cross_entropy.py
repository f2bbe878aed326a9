"""Cross-entropy of a last linear layer with many classes, without the block of all scores."""

from typing import Any

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from varlen.losses._checks import (
    check_class_weights,
    check_scores,
    check_smoothing,
    check_targets,
    precise,
    scored_steps,
)
from varlen.losses._linear_chunks import Labels, losses_of_steps, weighted_sum
from varlen.losses._reductions import Reduction, check_reduction, reduce_steps, step_shares


def masked_linear_cross_entropy(
    inputs: Float[Tensor, "batch time features"],
    weight: Float[Tensor, "classes features"],
    bias: Float[Tensor, " classes"] | None,
    targets: Integer[Tensor, "batch time"],
    lengths: Any,
    *,
    reduction: Reduction = "sequence",
    label_smoothing: float = 0.0,
    class_weights: Float[Tensor, " classes"] | None = None,
    ignore_index: int | None = None,
    total: Any = None,
) -> Float[Tensor, "*reduced"]:
    """`masked_cross_entropy` of `inputs @ weight.T + bias`, with a small part of its memory.

    Real steps only are projected and scored, some at a time, so that the block of all scores
    never exists: not forward, not backward. Value and gradients are those of the plain form up to
    rounding. A reduction to a scalar makes the gradients on the way forward, with the same three
    products as the plain form; they can be differentiated once. "none" projects twice.

    Computed in the dtype of `weight`, under autocast too; in float32 if that is a 16-bit one.

    Args:
        inputs: of the last layer.
        weight: of the last layer, as `torch.nn.Linear` has it.
        bias: of the last layer, or None.
        targets: classes, of any integer type.
        lengths: `[batch]`, a list, array or tensor of any integer type.
        reduction: this and what follows are as in `masked_cross_entropy`.

    Returns:
        A scalar, or `[batch, time]` for "none", of the dtype of `weight`.

    Raises:
        TypeError: targets or lengths are not integers.
        ValueError: shapes that do not fit, an unknown reduction, a length out of range, or the
            target of a real step that is no class; the message names row and step.
    """
    check_reduction(reduction, total)
    check_scores(inputs, argument="inputs", axis="features")
    _check_layer(weight, bias, inputs.shape[2])
    check_targets(targets, inputs)
    check_smoothing(label_smoothing)
    by_class = check_class_weights(class_weights, len(weight))
    scored = scored_steps(targets, lengths, num_classes=len(weight), ignore_index=ignore_index)
    dtype = precise(weight.dtype)
    layer = (weight.to(dtype), None if bias is None else bias.to(dtype))
    steps = inputs[scored].to(dtype)
    classes = targets[scored].long()
    labels = Labels(classes, None if by_class is None else by_class.to(steps), label_smoothing)
    weights = None if by_class is None else by_class[classes]
    with torch.autocast(inputs.device.type, enabled=False):
        if reduction == "none":
            losses = losses_of_steps(steps, *layer, labels)
            return reduce_steps(losses, scored, reduction, total).to(weight.dtype)
        shares = step_shares(scored, reduction, total, weights=weights).to(steps)
        return weighted_sum(steps, *layer, labels, shares).to(weight.dtype)


def _check_layer(weight: Tensor, bias: Tensor | None, num_features: int) -> None:
    if weight.ndim != 2 or weight.shape[1] != num_features or not len(weight):
        raise ValueError(
            f"weight: expected [classes, features], shape (at least 1, {num_features}), "
            f"found {tuple(weight.shape)}"
        )
    if bias is not None and bias.shape != (len(weight),):
        raise ValueError(
            f"bias: expected one number per class, shape ({len(weight)},), "
            f"found {tuple(bias.shape)}"
        )
