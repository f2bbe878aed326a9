"""Softmax cross-entropy of real steps."""

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float, Integer
from torch import Tensor

from varlen.losses._checks import (
    check_class_weights,
    check_scores,
    check_smoothing,
    check_targets,
    scored_steps,
)
from varlen.losses._reductions import Reduction, check_reduction, reduce_steps


def masked_cross_entropy(
    logits: Float[Tensor, "batch time classes"],
    targets: Integer[Tensor, "batch time"],
    lengths: Any,
    *,
    reduction: Reduction = "sequence",
    label_smoothing: float = 0.0,
    class_weights: Float[Tensor, " classes"] | None = None,
    ignore_index: int | None = None,
    total: Any = None,
) -> Float[Tensor, "*reduced"]:
    """Softmax cross-entropy of the real steps; class 0 is a class like any other.

    Steps at or past a row's length are not looked at: neither logits nor targets there, whatever
    they hold, change the loss, and the gradient of those logits is exactly 0. A batch in which
    every row is empty has the loss 0 and gradients of 0.

    Args:
        logits: unnormalised scores.
        targets: classes, of any integer type.
        lengths: `[batch]`, a list, array or tensor of any integer type.
        reduction: "sequence": the mean over non-empty rows of each row's mean, so that every
            sequence counts alike. "token": the mean over real steps. "sum": their sum. "none":
            the losses themselves, 0 in the padding.
        label_smoothing: how much of the target, from 0 to 1, is spread evenly over all classes
            (Szegedy et al., 2016, arXiv 1512.00567).
        class_weights: how much a step counts, by the class of its target; means are weighted
            means, as in `torch.nn.CrossEntropyLoss`, and a row of weight 0 is as if empty.
        ignore_index: real steps with this target, which need be no class, are left out as well.
        total: what "sequence" and "token" divide by in place of this batch's own number of rows
            or steps, if a step of the optimizer is made of several batches: see `loss_total`.

    Returns:
        A scalar, or `[batch, time]` for "none", of the dtype of `logits`.

    Raises:
        TypeError: targets or lengths are not integers.
        ValueError: shapes that do not fit, an unknown reduction, a length out of range, or the
            target of a real step that is no class; the message names row and step.
    """
    check_reduction(reduction, total)
    check_scores(logits)
    check_targets(targets, logits)
    check_smoothing(label_smoothing)
    by_class = check_class_weights(class_weights, logits.shape[2])
    scored = scored_steps(targets, lengths, num_classes=logits.shape[2], ignore_index=ignore_index)
    labels = targets[scored].long()
    losses = F.cross_entropy(
        logits[scored],
        labels,
        weight=None if by_class is None else by_class.to(logits),
        reduction="none",
        label_smoothing=label_smoothing,
    )
    weights = None if by_class is None else by_class[labels]
    return reduce_steps(losses, scored, reduction, total, weights=weights)
