"""How the losses of steps, or of rows, become one number, also of a batch that comes in parts."""

import math
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from varlen.errors import did_you_mean
from varlen.losses._checks import check_class_weights, live_mask, precise, scored_steps
from varlen.sequences import check_lengths

Reduction = Literal["sequence", "token", "sum", "none"]
REDUCTIONS = ("sequence", "token", "sum", "none")


def loss_total(
    lengths: Any,
    *,
    reduction: Literal["sequence", "token"] = "sequence",
    targets: Tensor | None = None,
    ignore_index: int | None = None,
    class_weights: Float[Tensor, " classes"] | None = None,
) -> float:
    """What a mean over this batch divides by: non-empty rows, or real steps.

    For a step of the optimizer that is made of several batches: micro-batches, those of several
    ranks, or both. Give every loss the sum of their totals as `total`; then the losses, and their
    gradients, add up to those of one large batch, however unequal its parts:

    ```python
    total = sum(loss_total(lengths) for _, _, lengths in micro_batches)
    for inputs, targets, lengths in micro_batches:
        masked_cross_entropy(model(inputs), targets, lengths, total=total).backward()
    ```

    Over ranks, `all_reduce` the total. `DistributedDataParallel` averages gradients where this
    wants their sum: divide the total by the number of ranks.

    Args:
        lengths: `[batch]`, a list, array or tensor of any integer type.
        reduction: that of the loss. "sequence": rows are counted; "token": steps.
        targets: `[batch, time]`; needed if one of the following is given to the loss too.
        ignore_index: steps with this target do not count.
        class_weights: a step counts as much as the class of its target.

    Raises:
        TypeError: lengths or targets are not integers.
        ValueError: another reduction, a length out of range, or a target that is no class.
    """
    if reduction not in ("sequence", "token"):
        raise ValueError(
            f"reduction: found {reduction!r}; only 'sequence' and 'token' divide by a total"
        )
    if targets is None:
        if ignore_index is not None or class_weights is not None:
            raise ValueError("targets: ignore_index and class_weights cannot be applied without")
        counts = torch.from_numpy(check_lengths(lengths, len(lengths)))
        return float(_number(counts.double(), reduction))
    if class_weights is None:
        scored = live_mask(targets, lengths)
        scored = scored if ignore_index is None else scored & (targets.long() != ignore_index)
        return float(_number(row_weights(scored, None), reduction))
    weights = check_class_weights(class_weights, len(class_weights))
    assert weights is not None
    scored = scored_steps(targets, lengths, num_classes=len(weights), ignore_index=ignore_index)
    return float(_number(row_weights(scored, weights[targets[scored].long()]), reduction))


def check_reduction(reduction: str, total: Any) -> None:
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"reduction: found {reduction!r}; {did_you_mean(str(reduction), REDUCTIONS)}"
        )
    if total is not None and reduction in ("sum", "none"):
        raise ValueError(f"total: reduction {reduction!r} divides by nothing, so it takes none")


def reduce_steps(
    losses: Float[Tensor, " steps"],
    scored: Bool[Tensor, "batch time"],
    reduction: str,
    total: Any,
    *,
    weights: Float[Tensor, " steps"] | None = None,
) -> Tensor:
    """Reduces the losses of the scored steps, in the order of the mask, weights multiplied in."""
    if reduction == "none":
        return losses.new_zeros(scored.shape).masked_scatter(scored, losses)
    return _dot(losses, step_shares(scored, reduction, total, weights=weights))


def reduce_rows(
    losses: Float[Tensor, " batch"], num_tokens: Tensor, reduction: str, total: Any
) -> Tensor:
    """Reduces the losses of whole rows; a row of no tokens has the loss 0 and is not counted."""
    if reduction == "none":
        return losses
    shares = _row_shares(num_tokens.to(losses.device).double(), reduction, total)
    return _dot(losses, shares)


def _dot(losses: Float[Tensor, " n"], shares: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Of 16 bits neither a small share nor a long sum is left to its dtype."""
    exact = losses.to(precise(losses.dtype))
    return (exact * shares.to(exact)).sum().to(losses.dtype)


@torch.no_grad()
def step_shares(
    scored: Bool[Tensor, "batch time"],
    reduction: str,
    total: Any,
    *,
    weights: Float[Tensor, " steps"] | None = None,
) -> Float[Tensor, " steps"]:
    """What the loss of each scored step is multiplied by before all are summed."""
    shares = _row_shares(row_weights(scored, weights), reduction, total)
    return shares[scored.nonzero()[:, 0]]


def row_weights(
    scored: Bool[Tensor, "batch time"], weights: Float[Tensor, " steps"] | None
) -> Float[Tensor, " batch"]:
    """The sum of the weights of each row's scored steps; without weights, their number."""
    if weights is None:
        return scored.sum(1).double()
    by_row = torch.zeros(len(scored), dtype=torch.float64, device=scored.device)
    return by_row.index_add(0, scored.nonzero()[:, 0], weights.to(by_row))


def _row_shares(
    weights: Float[Tensor, " batch"], reduction: str, total: Any
) -> Float[Tensor, " batch"]:
    if reduction == "sum":
        return torch.ones_like(weights)
    number = _number(weights, reduction)
    divisor = number if total is None else _checked_total(total, number)
    share = torch.where(divisor > 0, 1 / divisor, 0)
    if reduction == "token":
        return share.expand(len(weights))
    return torch.where(weights > 0, share / weights, 0)


def _number(weights: Float[Tensor, " batch"], reduction: str) -> Float[Tensor, ""]:
    return (weights > 0).sum().double() if reduction == "sequence" else weights.sum()


def _checked_total(total: Any, number: Float[Tensor, ""]) -> Float[Tensor, ""]:
    if not isinstance(total, int | float | Tensor | np.number):
        raise TypeError(f"total: expected a number, found {total!r}")
    if isinstance(total, Tensor) and total.numel() != 1:
        raise ValueError(f"total: expected one number, found shape {tuple(total.shape)}")
    value = float(total)
    if not (math.isfinite(value) and value >= 0) or (value == 0 and number > 0):
        raise ValueError(
            f"total: expected the total of all batches of this step, this one's {number:g} "
            f"included, found {value}; loss_total counts it"
        )
    return torch.full_like(number, value)
