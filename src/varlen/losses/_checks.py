"""What a loss is given, checked once; a message names the argument, and the row and step."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor

from varlen.sequences import check_lengths, live_steps


def is_integer(dtype: torch.dtype) -> bool:
    return not (dtype.is_floating_point or dtype.is_complex or dtype == torch.bool)


def precise(dtype: torch.dtype) -> torch.dtype:
    """The dtype to add up in: float32 where `dtype` has 16 bits."""
    return torch.promote_types(dtype, torch.float32)


def live_mask(block: Tensor, lengths: Any, *, argument: str = "lengths") -> Bool[Tensor, "b t"]:
    """True on the real steps of a block `[batch, time, ...]`, on its device."""
    counts = check_lengths(lengths, *block.shape[:2], argument=argument)
    return torch.from_numpy(live_steps(counts, block.shape[1])).to(block.device)


def check_scores(scores: Tensor, *, argument: str = "logits", axis: str = "classes") -> None:
    """There is a block of floating numbers, with at least one class or feature."""
    if scores.ndim != 3:
        raise ValueError(
            f"{argument}: expected [batch, time, {axis}], found shape {tuple(scores.shape)}"
        )
    if not scores.is_floating_point():
        raise TypeError(f"{argument}: expected floating numbers, found {scores.dtype}")


def check_targets(targets: Tensor, scores: Tensor) -> None:
    """There is one integer for each step of the scores."""
    if targets.shape != scores.shape[:2]:
        raise ValueError(
            f"targets: expected one class per step, shape {tuple(scores.shape[:2])}, "
            f"found {tuple(targets.shape)}"
        )
    if not is_integer(targets.dtype):
        raise TypeError(f"targets: expected integers, found {targets.dtype}")


def check_classes(
    targets: Integer[Tensor, "batch time"],
    counted: Bool[Tensor, "batch time"],
    num_classes: int,
    *,
    hint: str = "steps past a row's length may hold any",
    argument: str = "targets",
) -> None:
    # As int64: a type of few bits cannot be compared with a number that it cannot hold.
    classes = targets.long()
    bad = counted & ((classes < 0) | (classes >= num_classes))
    if bad.any():
        row, step = bad.nonzero()[0].tolist()
        raise ValueError(
            f"{argument}: expected a class from 0 to {num_classes - 1}, found "
            f"{int(targets[row, step])} in row {row} at step {step}; {hint}"
        )


def scored_steps(
    targets: Integer[Tensor, "batch time"],
    lengths: Any,
    *,
    num_classes: int,
    ignore_index: int | None,
) -> Bool[Tensor, "batch time"]:
    """The real steps but for those to ignore; the targets of all of them are classes."""
    scored = live_mask(targets, lengths)
    hint = "steps past a row's length may hold any"
    if ignore_index is not None:
        if isinstance(ignore_index, bool) or not isinstance(ignore_index, int):
            raise TypeError(f"ignore_index: expected an integer or None, found {ignore_index!r}")
        scored = scored & (targets.long() != ignore_index)
        hint += f", and ignored ones hold ignore_index={ignore_index}"
    check_classes(targets, scored, num_classes, hint=hint)
    return scored


def check_smoothing(label_smoothing: float) -> None:
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing: expected a number from 0 to 1, found {label_smoothing}")


def check_class_weights(
    class_weights: Tensor | None, num_classes: int
) -> Float[Tensor, " classes"] | None:
    """The weights as constants."""
    if class_weights is None:
        return None
    if not isinstance(class_weights, Tensor):
        raise TypeError(f"class_weights: expected a tensor, found {type(class_weights).__name__}")
    if class_weights.shape != (num_classes,):
        raise ValueError(
            f"class_weights: expected one weight per class, shape ({num_classes},), "
            f"found {tuple(class_weights.shape)}"
        )
    if not class_weights.is_floating_point():
        raise TypeError(f"class_weights: expected floating numbers, found {class_weights.dtype}")
    usable = (class_weights >= 0) & class_weights.isfinite()
    if not usable.all():
        bad = int((~usable).nonzero()[0])
        raise ValueError(
            f"class_weights: expected finite numbers of at least 0, found "
            f"{class_weights[bad].item()} for class {bad}"
        )
    return class_weights.detach()
