"""How many classes a model wavers between."""

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Integer
from torch import Tensor

from varlen.metrics._blocks import check_scores_and_targets, live_mask, real_classes


@dataclass(frozen=True)
class Perplexity:
    """The sum of the cross-entropies of steps, and their number. Those of batches may be added.

    A loss that was computed anyway will do: `Perplexity(loss.item(), sum(lengths))` of a
    `masked_linear_cross_entropy` with the reduction "sum".

    Attributes:
        loss: the sum of minus the natural logarithms of the targets' probabilities.
        total: real steps.
    """

    loss: float = 0.0
    total: int = 0

    def __add__(self, other: "Perplexity") -> "Perplexity":
        return Perplexity(self.loss + other.loss, self.total + other.total)

    @property
    def value(self) -> float:
        """e to the mean loss of a step; infinity if that is too large, NaN if there was no step."""
        if not self.total:
            return float("nan")
        try:
            return math.exp(self.loss / self.total)
        except OverflowError:
            return math.inf


@torch.no_grad()
def perplexity(
    logits: Float[Tensor, "batch time classes"],
    targets: Integer[Tensor, "batch time"],
    lengths: Any,
) -> Perplexity:
    """Adds up the cross-entropies of the real steps, in float64.

    What stands at or past a row's length is not looked at.

    Args:
        logits: unnormalised scores.
        targets: classes, of any integer type.
        lengths: `[batch]`, a list, array or tensor of any integer type.

    Raises:
        TypeError: targets or lengths are not integers.
        ValueError: shapes that do not fit, a length out of range, or the target of a real step
            that is no class.
    """
    check_scores_and_targets(logits, targets)
    live = live_mask(targets, lengths)
    classes = real_classes(targets, live, logits.shape[2], argument="targets")
    scores = logits[live]
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
    losses = F.cross_entropy(scores, torch.from_numpy(classes).to(scores.device), reduction="none")
    return Perplexity(losses.double().sum().item(), len(classes))
