"""The real steps of what a metric is given, checked once."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool
from torch import Tensor

from varlen.sequences import check_lengths, live_steps


def live_mask(block: Tensor, lengths: Any) -> Bool[Tensor, "batch time"]:
    """True on the real steps of a block, on its device."""
    counts = check_lengths(lengths, *block.shape[:2])
    return torch.from_numpy(live_steps(counts, block.shape[1])).to(block.device)


def check_scores_and_targets(logits: Tensor, targets: Tensor) -> None:
    if logits.ndim != 3 or targets.shape != logits.shape[:2]:
        raise ValueError(
            "expected logits [batch, time, classes] and targets [batch, time], "
            f"found shapes {tuple(logits.shape)} and {tuple(targets.shape)}"
        )


def real_classes(
    classes: Tensor, live: Bool[Tensor, "batch time"], num_classes: int, *, argument: str
) -> npt.NDArray[np.int64]:
    """The classes of the real steps, one row after the other."""
    if classes.is_floating_point() or classes.is_complex() or classes.dtype == torch.bool:
        raise TypeError(f"{argument}: expected integers, found {classes.dtype}")
    classes = classes.long()  # few bits cannot be compared with a number that they cannot hold
    bad = live & ((classes < 0) | (classes >= num_classes))
    if bad.any():
        row, step = bad.nonzero()[0].tolist()
        raise ValueError(
            f"{argument}: expected a class from 0 to {num_classes - 1}, found "
            f"{int(classes[row, step])} in row {row} at step {step}"
        )
    found: npt.NDArray[np.int64] = classes[live].cpu().numpy()
    return found


def check_predictions_and_targets(predictions: Tensor, targets: Tensor) -> None:
    if predictions.ndim != 2 or targets.shape != predictions.shape:
        raise ValueError(
            "expected predictions and targets [batch, time], "
            f"found shapes {tuple(predictions.shape)} and {tuple(targets.shape)}"
        )
