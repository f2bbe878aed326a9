"""Losses of real steps that have many numbers each: squared errors, and independent labels."""

from typing import Any

import torch.nn.functional as F
from jaxtyping import Bool, Float, Num
from torch import Tensor

from varlen.losses._checks import live_mask
from varlen.losses._reductions import Reduction, check_reduction, reduce_steps


def masked_mean_squared_error(
    outputs: Float[Tensor, "batch time *features"],
    targets: Num[Tensor, "batch time *features"],
    lengths: Any,
    *,
    reduction: Reduction = "sequence",
    total: Any = None,
) -> Float[Tensor, "*reduced"]:
    """The squared error of the real steps; that of a step is the mean over its features.

    What stands in the padding of outputs or targets is not looked at, and no gradient goes there.

    Args:
        outputs: what was predicted.
        targets: what it should have been, of any type of numbers.
        lengths: `[batch]`, a list, array or tensor of any integer type.
        reduction: as in `masked_cross_entropy`.
        total: as in `masked_cross_entropy`.

    Returns:
        A scalar, or `[batch, time]` for "none", of the dtype of `outputs`.

    Raises:
        TypeError: lengths are not integers, or outputs not floating.
        ValueError: shapes that do not fit, no features, an unknown reduction, or a length out of
            range.
    """
    check_reduction(reduction, total)
    _check_pair(outputs, targets, argument="outputs")
    live = live_mask(outputs, lengths)
    errors = (outputs[live] - targets[live].to(outputs)).square()
    return reduce_steps(_mean_of_steps(errors), live, reduction, total)


def masked_binary_cross_entropy(
    logits: Float[Tensor, "batch time *labels"],
    targets: Num[Tensor, "batch time *labels"] | Bool[Tensor, "batch time *labels"],
    lengths: Any,
    *,
    reduction: Reduction = "sequence",
    total: Any = None,
) -> Float[Tensor, "*reduced"]:
    """The Bernoulli loss of labels that hold independently of each other, or not, at real steps.

    Each label's score goes through a sigmoid; the loss of a step is the mean over its labels.
    What stands in the padding of logits or targets is not looked at, and no gradient goes there.

    Args:
        logits: unnormalised scores, one for each label.
        targets: 1 where the label holds and 0 where not, or probabilities; of any type.
        lengths: `[batch]`, a list, array or tensor of any integer type.
        reduction: as in `masked_cross_entropy`.
        total: as in `masked_cross_entropy`.

    Returns:
        A scalar, or `[batch, time]` for "none", of the dtype of `logits`.

    Raises:
        TypeError: lengths are not integers, or logits not floating.
        ValueError: shapes that do not fit, no labels, an unknown reduction, a length out of range,
            or a target at a real step that is not from 0 to 1; the message names row and step.
    """
    check_reduction(reduction, total)
    _check_pair(logits, targets, argument="logits")
    live = live_mask(logits, lengths)
    wanted = targets[live].to(logits)
    bad = ~((wanted >= 0) & (wanted <= 1))
    if bad.any():
        place = bad.nonzero()[0]
        row, step = live.nonzero()[place[0]].tolist()
        raise ValueError(
            f"targets: expected probabilities, from 0 to 1, found {wanted[tuple(place)].item():g} "
            f"in row {row} at step {step}; steps past a row's length may hold anything"
        )
    losses = F.binary_cross_entropy_with_logits(logits[live], wanted, reduction="none")
    return reduce_steps(_mean_of_steps(losses), live, reduction, total)


def _check_pair(scores: Tensor, targets: Tensor, *, argument: str) -> None:
    if scores.ndim < 2:
        raise ValueError(f"{argument}: expected [batch, time, ...], found {tuple(scores.shape)}")
    if not scores.is_floating_point():
        raise TypeError(f"{argument}: expected floating numbers, found {scores.dtype}")
    if 0 in scores.shape[2:]:
        raise ValueError(
            f"{argument}: expected at least one number per step, found {tuple(scores.shape)}"
        )
    if targets.shape != scores.shape:
        raise ValueError(
            f"targets: expected the shape of {argument}, {tuple(scores.shape)}, "
            f"found {tuple(targets.shape)}"
        )


def _mean_of_steps(values: Float[Tensor, "steps *features"]) -> Float[Tensor, " steps"]:
    return values.mean(tuple(range(1, values.ndim))) if values.ndim > 1 else values
