"""Connectionist temporal classification: labels somewhere among more steps."""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Integer
from torch import Tensor

from varlen.losses._checks import check_classes, check_scores, is_integer, live_mask, precise
from varlen.losses._reductions import Reduction, check_reduction, reduce_rows


def masked_ctc_loss(
    logits: Float[Tensor, "batch time classes"],
    lengths: Any,
    labels: Integer[Tensor, "batch labels"],
    label_lengths: Any,
    *,
    blank: int = 0,
    impossible: Literal["error", "skip"] = "error",
    reduction: Reduction = "sequence",
    total: Any = None,
) -> Float[Tensor, "*reduced"]:
    """Minus the log-probability of each row's labels, over all ways to align them with its steps.

    A step says one of the labels or `blank`; equal labels in a row need a blank between them, so
    a row needs as many steps as it has labels, and one more for each label that equals the one
    before it. A row without labels is all blanks. A row without steps and labels has the loss 0
    and does not count. What stands in the padding, of logits or labels, is not looked at.

    Source: Graves et al., "Connectionist Temporal Classification", ICML 2006.

    Args:
        logits: unnormalised scores, the blank's among them; a softmax is applied.
        lengths: steps of each row, `[batch]`, a list, array or tensor of any integer type.
        labels: classes other than the blank, of any integer type.
        label_lengths: labels of each row.
        blank: the class that says nothing.
        impossible: what becomes of a row with too few steps for its labels, whose loss would be
            infinite. "error": a ValueError that names it. "skip": it is left out, as if empty,
            with the loss 0 and no gradient.
        reduction: a token is a label, and a row without labels counts as one. "sequence": the
            mean over rows of each row's loss per label, as "mean" of `torch.nn.CTCLoss`. "token":
            the loss per label of the batch. "sum"; "none": the loss of each row.
        total: as in `masked_cross_entropy`; rows for "sequence", labels for "token".

    Returns:
        A scalar, or `[batch]` for "none", of the dtype of `logits`.

    Raises:
        TypeError: labels or lengths are not integers.
        ValueError: shapes that do not fit, an unknown reduction, a length out of range, a label
            that is no class or the blank, or a row that cannot be aligned.
    """
    check_reduction(reduction, total)
    check_scores(logits)
    if impossible not in ("error", "skip"):
        raise ValueError(f"impossible: expected 'error' or 'skip', found {impossible!r}")
    if not 0 <= blank < logits.shape[2]:
        raise ValueError(f"blank: expected a class from 0 to {logits.shape[2] - 1}, found {blank}")
    live = live_mask(logits, lengths)
    labels, spoken = _check_labels(labels, label_lengths, logits, blank)
    num_steps, num_labels = live.sum(1), spoken.sum(1)
    aligned = _alignable(labels, num_steps, num_labels, impossible) & (num_steps > 0)
    losses = _row_losses(logits, live, labels, num_labels, aligned, blank)
    tokens = num_labels.clamp(min=1) * aligned
    return reduce_rows(losses, tokens, reduction, total).to(logits.dtype)


def _row_losses(
    logits: Float[Tensor, "batch time classes"],
    live: Bool[Tensor, "batch time"],
    labels: Int[Tensor, "batch labels"],
    num_labels: Int[Tensor, " batch"],
    aligned: Bool[Tensor, " batch"],
    blank: int,
) -> Float[Tensor, " batch"]:
    """Of the aligned rows; 0 elsewhere. Of at least float32, since torch has no other."""
    its_live = live[aligned]
    scores = logits[live & aligned[:, None]].to(precise(logits.dtype))
    log_p = F.log_softmax(scores, dim=1)
    block = log_p.new_zeros(*its_live.shape, logits.shape[2])
    block = block.masked_scatter(its_live[..., None], log_p)
    if not len(block):
        return log_p.new_zeros(len(logits)) + log_p.sum()
    losses = F.ctc_loss(
        block.transpose(0, 1),
        labels[aligned],
        its_live.sum(1),
        num_labels[aligned],
        blank=blank,
        reduction="none",
    )
    return losses.new_zeros(len(logits)).masked_scatter(aligned, losses)


def _check_labels(
    labels: Tensor, label_lengths: Any, logits: Tensor, blank: int
) -> tuple[Int[Tensor, "batch labels"], Bool[Tensor, "batch labels"]]:
    """The labels as int64, and the mask of those that are there: all classes but the blank."""
    if labels.ndim != 2 or len(labels) != len(logits):
        raise ValueError(
            f"labels: expected [batch, labels], {len(logits)} rows, found {tuple(labels.shape)}"
        )
    if not is_integer(labels.dtype):
        raise TypeError(f"labels: expected integers, found {labels.dtype}")
    spoken = live_mask(labels, label_lengths, argument="label_lengths")
    hint = "what is past a row's label length may be any"
    check_classes(labels, spoken, logits.shape[2], hint=hint, argument="labels")
    labels = labels.long()
    blanks = spoken & (labels == blank)
    if blanks.any():
        row, step = blanks.nonzero()[0].tolist()
        raise ValueError(
            f"labels: expected classes other than the blank, {blank}, found it in row {row} at "
            f"step {step}"
        )
    return labels, spoken


def _alignable(
    labels: Int[Tensor, "batch labels"],
    num_steps: Int[Tensor, " batch"],
    num_labels: Int[Tensor, " batch"],
    impossible: str,
) -> Bool[Tensor, " batch"]:
    """The rows with enough steps; if there are others, an error, unless these are skipped."""
    second = torch.arange(1, max(labels.shape[1], 1), device=labels.device) < num_labels[:, None]
    repeats = second & (labels[:, 1:] == labels[:, :-1])
    needed = num_labels + repeats.sum(1)
    short = needed > num_steps
    if short.any() and impossible == "error":
        row = int(short.nonzero()[0])
        raise ValueError(
            f"labels: row {row} has {num_labels[row]} labels, which need {needed[row]} steps (one "
            f"each, and a blank between equal ones), but its length is {num_steps[row]}; "
            "impossible='skip' leaves such rows out"
        )
    return ~short
