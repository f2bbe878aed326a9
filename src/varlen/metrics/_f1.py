"""Precision, recall and F1 of each class."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor

from varlen.metrics._blocks import check_predictions_and_targets, live_mask, real_classes
from varlen.metrics._hits import Hits


@dataclass(frozen=True)
class F1:
    """Hits by label. Those of several batches may be added.

    Attributes:
        by_label: the counts of each class, or kind of span, that was predicted or is there.
    """

    by_label: Mapping[Hashable, Hits] = field(default_factory=dict)

    def __add__(self, other: "F1") -> "F1":
        labels = [*self.by_label, *(x for x in other.by_label if x not in self.by_label)]
        return F1({label: self[label] + other[label] for label in labels})

    def __getitem__(self, label: Hashable) -> Hits:
        """The counts of a label; zeros if it never occurred."""
        return self.by_label.get(label, Hits())

    @property
    def micro(self) -> Hits:
        """The counts of all labels together, so that every step or span counts alike."""
        return sum(self.by_label.values(), Hits())

    @property
    def macro(self) -> float:
        """The mean of the labels' F1, so that every label counts alike; NaN if there is none."""
        scores = [hits.f1 for hits in self.by_label.values()]
        return math.fsum(scores) / len(scores) if scores else float("nan")


@torch.no_grad()
def class_f1(
    predictions: Integer[Tensor, "batch time"],
    targets: Integer[Tensor, "batch time"],
    lengths: Any,
    *,
    num_classes: int,
) -> F1:
    """Counts, for each class, the real steps where it was predicted, is the target, or both.

    What stands at or past a row's length is not looked at.

    Args:
        predictions: classes, such as `logits.argmax(-1)`, of any integer type.
        targets: classes.
        lengths: `[batch]`, a list, array or tensor of any integer type.
        num_classes: how many there are.

    Returns:
        Counts with the classes as labels.

    Raises:
        TypeError: classes or lengths are not integers.
        ValueError: shapes that do not fit, a length out of range, or what is no class at a real
            step.
    """
    check_predictions_and_targets(predictions, targets)
    live = live_mask(targets, lengths)
    said = real_classes(predictions, live, num_classes, argument="predictions")
    meant = real_classes(targets, live, num_classes, argument="targets")
    correct, predicted, actual = (
        np.bincount(classes, minlength=num_classes).tolist()
        for classes in (said[said == meant], said, meant)
    )
    return F1(
        {
            label: Hits(correct[label], predicted[label], actual[label])
            for label in range(num_classes)
            if predicted[label] or actual[label]
        }
    )
