"""Recorded masks of dropout, in the form in which cells draw theirs."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from varlen.rnn import RNNCell
from varlen.rnn.wrappers._dropout import DropoutNoise

from .case import Case


def recorded_noise(case: Case, cell: RNNCell, lengths: np.ndarray) -> Any:
    """What `cell.draw_noise(lengths)` would be, with the recorded masks; None without any."""
    if any(key.startswith("noise/") for key in case.arrays):
        return _variational(case, cell, int(lengths.sum()))
    masks = [case.arrays[key] for key in sorted(case.arrays) if key.startswith("mask/")]
    if not masks:
        return None
    drawn = cell.draw_noise(torch.from_numpy(lengths))
    leaves: list[Any] = []
    map_leaves(leaves.append, drawn)
    num_leaves = sum(leaf is not None for leaf in leaves)
    assert len(masks) == num_leaves * lengths.max(), "one mask per leaf and step"
    recorded = [np.stack(masks[i::num_leaves], axis=1) for i in range(num_leaves)]
    live = np.arange(lengths.max()) < lengths[:, None]
    replacements = (torch.from_numpy(mask[live].astype(bool)) for mask in recorded)
    return map_leaves(lambda leaf: None if leaf is None else next(replacements), drawn)


def _variational(case: Case, cell: Any, num_steps: int) -> DropoutNoise:
    def keep(kind: str, number: int, keep_prob: float) -> torch.Tensor | None:
        uniform = case.arrays.get(f"noise/{kind}/{number}")
        if uniform is None:
            return None
        mask = np.floor(keep_prob + uniform).astype(bool)
        return torch.from_numpy(mask).expand(num_steps, *mask.shape[1:])

    drawn = cell.draw_noise(torch.tensor([num_steps]))
    numbers: Iterator[int] = iter(range(1000))

    def state(leaf: torch.Tensor | None) -> torch.Tensor | None:
        number = next(numbers)
        return None if leaf is None else keep("state", number, cell.state_keep_prob)

    return DropoutNoise(
        input=keep("input", 0, cell.input_keep_prob),
        cell=None,
        state=map_leaves(state, drawn.state),
        output=keep("output", 0, cell.output_keep_prob),
    )


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    if tree is None or isinstance(tree, torch.Tensor):
        return function(tree)
    parts = [map_leaves(function, part) for part in tree]
    return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
