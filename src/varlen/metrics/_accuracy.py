"""The share of real steps whose best class is the right one."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from varlen.metrics._blocks import check_scores_and_targets, live_mask


@dataclass(frozen=True)
class Accuracy:
    """How many steps were right, of how many. Counts of several batches may be added.

    Attributes:
        correct: steps whose best class is the target.
        total: real steps.
    """

    correct: int = 0
    total: int = 0

    def __add__(self, other: "Accuracy") -> "Accuracy":
        return Accuracy(self.correct + other.correct, self.total + other.total)

    @property
    def value(self) -> float:
        """The share of steps that were right; NaN if there was none."""
        return self.correct / self.total if self.total else float("nan")


@torch.no_grad()
def accuracy(
    logits: Float[Tensor, "batch time classes"],
    targets: Integer[Tensor, "batch time"],
    lengths: Any,
) -> Accuracy:
    """Counts the real steps at which the class with the highest score is the target.

    What stands at or past a row's length is not looked at.

    Args:
        logits: scores.
        targets: classes, of any integer type.
        lengths: `[batch]`, a list, array or tensor of any integer type.

    Raises:
        TypeError: lengths are not integers.
        ValueError: shapes that do not fit, or a length out of range.
    """
    check_scores_and_targets(logits, targets)
    live = live_mask(targets, lengths).to(logits.device)
    correct = logits[live].argmax(-1) == targets[live].long()
    return Accuracy(int(correct.sum()), correct.numel())
