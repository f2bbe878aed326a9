"""How many labels must be changed, added or taken away to make one sequence of another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Integer
from torch import Tensor

from varlen.sequences import check_lengths


@dataclass(frozen=True)
class EditDistance:
    """Edits, and the labels of the targets. Counts of several batches may be added.

    Attributes:
        edits: labels changed, added or taken away, at least.
        total: labels of the targets.
    """

    edits: int = 0
    total: int = 0

    def __add__(self, other: "EditDistance") -> "EditDistance":
        return EditDistance(self.edits + other.edits, self.total + other.total)

    @property
    def value(self) -> float:
        """Edits per label of the targets, such as a word error rate; NaN if there are none.

        It is above 1 where predictions are much too long.
        """
        return self.edits / self.total if self.total else float("nan")


@torch.no_grad()
def edit_distance(
    predictions: Integer[Tensor, "batch predicted"],
    prediction_lengths: Any,
    targets: Integer[Tensor, "batch labels"],
    target_lengths: Any,
) -> EditDistance:
    """Adds up the Levenshtein distances of the rows.

    What stands at or past a row's lengths is not looked at.

    Args:
        predictions: labels, of any integer type.
        prediction_lengths: `[batch]`, a list, array or tensor of any integer type.
        targets: labels.
        target_lengths: `[batch]`.

    Raises:
        TypeError: labels or lengths are not integers.
        ValueError: shapes that do not fit, or a length out of range.
    """
    if predictions.ndim != 2 or targets.ndim != 2 or len(predictions) != len(targets):
        raise ValueError(
            "expected predictions [batch, predicted] and targets [batch, labels], "
            f"found shapes {tuple(predictions.shape)} and {tuple(targets.shape)}"
        )
    for name, labels in (("predictions", predictions), ("targets", targets)):
        if labels.is_floating_point() or labels.is_complex():
            raise TypeError(f"{name}: expected integers, found {labels.dtype}")
    num_said = check_lengths(prediction_lengths, *predictions.shape, argument="prediction_lengths")
    num_meant = check_lengths(target_lengths, *targets.shape, argument="target_lengths")
    said, meant = predictions.cpu().numpy(), targets.cpu().numpy()
    edits = sum(
        _levenshtein(its_said[:n], its_meant[:m])
        for its_said, n, its_meant, m in zip(said, num_said, meant, num_meant, strict=True)
    )
    return EditDistance(edits, int(num_meant.sum()))


def _levenshtein(said: npt.NDArray[Any], meant: npt.NDArray[Any]) -> int:
    """By rows of the table of distances between beginnings.

    The way along a row, one edit a step, is the smallest of `distance - column` so far.
    """
    columns = np.arange(len(meant) + 1)
    row = columns
    for i, label in enumerate(said, start=1):
        best = np.minimum(row[1:] + 1, row[:-1] + (meant != label))
        row = np.minimum.accumulate(np.concatenate([[i], best]) - columns) + columns
    return int(row[-1])
