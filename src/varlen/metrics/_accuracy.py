"""How well predictions hit, counted over real steps so that batches add up."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from varlen.sequences import check_lengths, live_steps

__all__ = ["Accuracy", "accuracy"]


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
    if logits.ndim != 3 or targets.shape != logits.shape[:2]:
        raise ValueError(
            "expected logits [batch, time, classes] and targets [batch, time], "
            f"found shapes {tuple(logits.shape)} and {tuple(targets.shape)}"
        )
    counts = check_lengths(lengths, *targets.shape)
    live = torch.from_numpy(live_steps(counts, targets.shape[1])).to(logits.device)
    correct = logits[live].argmax(-1) == targets[live]
    return Accuracy(int(correct.sum()), int(counts.sum()))
