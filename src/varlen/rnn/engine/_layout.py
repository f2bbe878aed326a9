"""From rows of unequal length to steps: which rows still run at each step, and where they stand."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch


class StepLayout(NamedTuple):
    """Rows by decreasing length, so that those still running are always the first ones.

    Attributes:
        order: `[batch]`, the rows from the longest to the shortest, equal ones in batch order.
        rank: `[batch]`, where each row stands in `order`.
        counts: rows that take step 0, 1, ...; one 0 if no row takes a step.
        positions: `[sum(lengths)]`, step by step, the place of each running row's value among
            the jagged values.
        draws: the same for its noise, which lies in the order in which the steps are taken.
    """

    order: torch.Tensor
    rank: torch.Tensor
    counts: list[int]
    positions: torch.Tensor
    draws: torch.Tensor


def step_layout(
    lengths: npt.NDArray[np.int64], *, reverse: bool, device: torch.device
) -> StepLayout:
    """The layout of an unroll; with `reverse` each row is walked from its last step."""
    order = np.argsort(-lengths, kind="stable")
    starts = (np.cumsum(lengths) - lengths)[order]
    sorted_lengths = lengths[order]
    running = np.arange(lengths.max(initial=0))[:, None] < sorted_lengths
    step, row = np.nonzero(running)
    draws = starts[row] + step
    positions = starts[row] + sorted_lengths[row] - 1 - step if reverse else draws

    def on_device(index: npt.NDArray[np.int64]) -> torch.Tensor:
        return torch.from_numpy(index).to(device)

    return StepLayout(
        order=on_device(order),
        rank=on_device(np.argsort(order)),
        # Without a single real step the cell still takes one of no rows, so that shapes, dtypes
        # and (zero) gradients come out as ever.
        counts=running.sum(axis=1).tolist() or [0],
        positions=on_device(positions),
        draws=on_device(draws),
    )
