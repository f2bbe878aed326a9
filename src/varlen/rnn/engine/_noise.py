"""Noise of a whole run in the order of its steps."""

from typing import Any

import numpy as np
import torch

from varlen.rnn import _nest
from varlen.rnn.engine._rows import Rows, host_array


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
