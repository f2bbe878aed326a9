"""Noise of a whole run: in the order of the steps, and dropout of all steps at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from varlen.rnn import _nest
from varlen.rnn.engine._rows import Rows, host_array


def by_place(noise: Sequence[Tensor], rows: Rows, *, reverse: bool) -> list[Tensor]:
    """Draws in the order of the steps themselves, not in that in which a cell takes them."""
    if not (reverse and noise):
        return list(noise)
    lengths = host_array(rows.lengths)
    ends = np.cumsum(lengths)
    mirrors = np.repeat(2 * ends - lengths - 1, lengths)
    backwards = torch.from_numpy(mirrors - np.arange(len(mirrors)))
    return [leaf.index_select(0, backwards.to(leaf.device)) for leaf in noise]


def drop_steps(values: Any, keep: Any, keep_prob: float, rows: Rows, *, reverse: bool) -> Any:
    """Dropout of inputs or outputs of a run; what is no step becomes 0.

    Args:
        values: each leaf `[rows, ...]`.
        keep: as `values`, bool, `[steps, ...]`, in the order of the draws; None drops nothing.
        keep_prob: the probability that a value stays; what stays is divided by it.
        rows: where the steps are.
        reverse: of the run.
    """
    if keep is None:
        return values

    def drop(leaf: Tensor, kept: Tensor) -> Tensor:
        (kept,) = by_place([kept], rows, reverse=reverse)
        places = torch.from_numpy(rows.places()).to(leaf.device)
        steps = torch.where(kept, leaf.index_select(0, places) / keep_prob, 0)
        return leaf.new_zeros(leaf.shape).index_copy(0, places, steps)

    return _nest.map_structure(drop, values, keep)
