"""The border of the unrolls: padded tensors in, jagged ones for the engine, padded ones out."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, as_cell, as_tensor, check_state
from varlen.rnn.engine import unroll
from varlen.sequences import check_lengths, live_steps


class Block(NamedTuple):
    """The inputs of an unroll, checked: each leaf `[batch, time, ...]`."""

    inputs: Any
    batch_size: int
    num_steps: int


def as_block(cell: RNNCell, inputs: Any, *, time_major: bool) -> Block:
    """Takes the inputs of an unroll: a tensor or what becomes one, or a tuple of those.

    Raises:
        ValueError: fewer than two axes, or leaves that differ in batch or time.
    """

    def as_leaf(leaf: Any) -> Tensor:
        tensor = as_tensor(leaf, cell)
        if tensor.ndim < 2:
            raise ValueError(
                f"inputs: expected shape {'(time, batch' if time_major else '(batch, time'}, ...), "
                f"found {tuple(tensor.shape)}"
            )
        return tensor.transpose(0, 1) if time_major else tensor

    block = _map_tuples(as_leaf, inputs)
    shapes = {tuple(leaf.shape[:2]) for leaf in _nest.leaves(block)}
    if len(shapes) != 1:
        raise ValueError(f"inputs: expected one batch and time for all, found {sorted(shapes)}")
    batch_size, num_steps = shapes.pop()
    return Block(block, batch_size, num_steps)


def unroll_block(
    cell: RNNCell,
    block: Block,
    sequence_length: Any,
    initial_state: Any,
    dtype: torch.dtype | None,
    noise: Any,
    *,
    reverse: bool = False,
    state_argument: str = "initial_state",
) -> tuple[Any, Any]:
    """Runs a cell over the real steps of a block.

    Returns:
        `(outputs, final_state)`, outputs `[batch, time, ...]`, zero past each row's length.
    """
    as_cell(cell)
    if dtype not in (None, cell.dtype):
        raise ValueError(f"dtype: expected {cell.dtype}, that of the cell, found {dtype}")
    lengths = _lengths(sequence_length, block)
    if initial_state is None:
        state = cell.get_initial_state(batch_size=block.batch_size, dtype=cell.dtype)
    else:
        state = check_state(cell, initial_state, block.batch_size, argument=state_argument)

    device = _nest.leaves(block.inputs)[0].device
    real = np.flatnonzero(live_steps(lengths, block.num_steps))
    index = torch.from_numpy(real).to(device)
    values = _nest.map_structure(
        lambda leaf: leaf.flatten(0, 1).index_select(0, index), block.inputs
    )
    if noise is None:
        noise = cell.draw_noise(torch.from_numpy(lengths).to(device))

    outputs, final_state = unroll(cell, values, lengths, state, noise, reverse=reverse)

    def padded(leaf: Tensor) -> Tensor:
        flat = leaf.new_zeros(block.batch_size * block.num_steps, *leaf.shape[1:])
        flat = flat.index_copy(0, index, leaf)
        return flat.reshape(block.batch_size, block.num_steps, *leaf.shape[1:])

    return _nest.map_structure(padded, outputs), final_state


def _lengths(sequence_length: Any, block: Block) -> npt.NDArray[np.int64]:
    if sequence_length is None:
        return np.full(block.batch_size, block.num_steps, np.int64)
    return check_lengths(
        sequence_length, block.batch_size, block.num_steps, argument="sequence_length"
    )


def _map_tuples(function: Any, tree: Any) -> Any:
    """`function` of the leaves of nested tuples; a list is a leaf, since it can be data."""
    if not isinstance(tree, tuple):
        return function(tree)
    parts = [_map_tuples(function, part) for part in tree]
    return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
