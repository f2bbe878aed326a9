"""Batches of arrays into batches of tensors, and what is done to every tensor of a batch."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from varlen.sequences import JaggedSequence


def as_tensor(value: Any) -> Any:
    """A tensor of an array of numbers; anything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return torch.from_numpy(value)
    return value


def convert_sequences(
    batch: Any, stage: str, function: Callable[[str, JaggedSequence], Any]
) -> dict[str, Any]:
    """The batch with tensors for arrays, and each JaggedSequence put through `function`.

    Raises:
        TypeError: not a batch.
    """
    if not isinstance(batch, Mapping):
        raise TypeError(f"{stage}: expected a batch, a dict, found {type(batch).__name__}")
    return {
        name: function(name, value)
        if isinstance(value, JaggedSequence)
        else map_leaves(as_tensor, value)
        for name, value in batch.items()
    }


def map_tensors(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """`value` with every tensor in it put through `function`.

    Looks into dicts, lists and tuples, also named ones, and through nested tensors and
    PackedSequences, whose `batch_sizes` stay, as torch wants them on the host.
    """

    def of_leaf(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        if leaf.is_nested and leaf.layout == torch.jagged:
            return torch.nested.nested_tensor_from_jagged(
                function(leaf.values()),
                function(leaf.offsets()),  # type: ignore[attr-defined]
            )
        return function(leaf)

    return map_leaves(of_leaf, value)


def map_leaves(function: Callable[[Any], Any], value: Any) -> Any:
    """`value` with everything put through `function` that is no dict, list or tuple."""
    if isinstance(value, PackedSequence):
        data, batch_sizes, *indices = value
        moved = [None if part is None else function(part) for part in indices]
        return PackedSequence(function(data), batch_sizes, *moved)
    if isinstance(value, Mapping):
        return {name: map_leaves(function, part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        parts = [map_leaves(function, part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return function(value)
