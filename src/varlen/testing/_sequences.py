"""Rows of several tensors, and the batches that laws of losses and metrics make of them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from varlen.sequences import PaddedSequence

Row = tuple[Tensor, ...]
MakeRow = Callable[[int], Row]
"""Makes a row of so many steps: its first tensor is `[steps, ...]`; others may have any length."""

LENGTHS = ((3, 0, 5, 1), (0, 0), (4,), (2, 2, 2), ())
FILLS = ((0.0, 0), (1e30, -7), (float("inf"), 99), (float("nan"), -100))
"""What stands in the padding of floating tensors, and of integers."""


def padded_batch(
    make_row: MakeRow, rows: Sequence[Row], *, extra: int = 0, fill: tuple[float, int] = (0.0, 0)
) -> list[PaddedSequence]:
    """The rows side by side, one block for each tensor; floating ones require a gradient."""
    return [
        _padded(shape_of, [row[i] for row in rows], extra, fill)
        for i, shape_of in enumerate(make_row(0))
    ]


def _padded(
    shape_of: Tensor, parts: Sequence[Tensor], extra: int, fill: tuple[float, int]
) -> PaddedSequence:
    lengths = torch.tensor([len(part) for part in parts], dtype=torch.int64)
    num_steps = max([0, *lengths.tolist()]) + extra
    padding = fill[0] if shape_of.is_floating_point() else fill[1]
    block = shape_of.new_full((len(parts), num_steps, *shape_of.shape[1:]), padding)
    for i, part in enumerate(parts):
        block[i, : len(part)] = part
    return PaddedSequence(block.requires_grad_(block.is_floating_point()), lengths)


def live(sequence: PaddedSequence) -> Tensor:
    """The mask of what is no padding."""
    mask: Tensor = torch.arange(sequence.data.shape[1]) < sequence.lengths[:, None]
    return mask
