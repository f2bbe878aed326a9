"""Noise of a whole run: what it must be, and in the order of the steps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from varlen.rnn import _nest
from varlen.rnn._recurrent import RecurrentCell
from varlen.rnn.engine._rows import Rows, host_array


def check_noise(cell: RecurrentCell, noise: Sequence[Tensor], rows: Rows) -> None:
    """Checks that there is as much noise as the cell would have drawn.

    Raises:
        ValueError: there is another number of tensors, or of rows.
    """
    names, num_steps = cell.noise_names, int(rows.lengths.sum())
    if [len(leaf) for leaf in noise] != [num_steps] * len(names):
        found = [tuple(leaf.shape) for leaf in noise]
        raise ValueError(
            f"{type(cell).__name__}: noise: expected {len(names)} of {num_steps} rows, one for "
            f"each real step ({', '.join(names)}), found shapes {found}"
        )


def by_place(noise: Any, rows: Rows, *, reverse: bool) -> Any:
    """Draws in the order of the steps themselves, not in that in which a cell takes them.

    Args:
        noise: each leaf `[steps, ...]`, or None where nothing is drawn.
        rows: where the steps are.
        reverse: of the run.
    """
    if not reverse or all(leaf is None for leaf in _nest.leaves(noise)):
        return noise
    lengths = host_array(rows.lengths)
    ends = np.cumsum(lengths)
    mirrors = np.repeat(2 * ends - lengths - 1, lengths)
    backwards = torch.from_numpy(mirrors - np.arange(len(mirrors)))
    return _nest.map_structure(
        lambda leaf: None if leaf is None else leaf.index_select(0, backwards.to(leaf.device)),
        noise,
    )
