"""The border of the unrolls: what users give, checked once."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, as_cell, as_tensor, check_state, check_step_inputs
from varlen.rnn._recurrent import RecurrentCell
from varlen.rnn.engine import ENGINES, Engine, unroll
from varlen.sequences import check_lengths


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
        if torch.is_autocast_enabled(tensor.device.type) and tensor.is_floating_point():
            tensor = tensor.to(cell.dtype)  # what came before may have been in lower precision
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
    engine: Engine,
    reverse: bool = False,
    state_argument: str = "initial_state",
) -> tuple[Any, Any]:
    """Checks what is left to check, and runs a cell over the real steps of a block.

    Returns:
        `(outputs, final_state)`, outputs `[batch, time, ...]`, zero past each row's length.
    """
    as_cell(cell)
    if engine not in ENGINES:
        raise ValueError(f"engine: expected one of {', '.join(ENGINES)}, found {engine!r}")
    if dtype not in (None, cell.dtype):
        raise ValueError(f"dtype: expected {cell.dtype}, that of the cell, found {dtype}")
    lengths = _lengths(sequence_length, block)
    if initial_state is None:
        state = cell.get_initial_state(batch_size=block.batch_size, dtype=cell.dtype)
    else:
        state = check_state(cell, initial_state, block.batch_size, argument=state_argument)
    if isinstance(cell, RecurrentCell):
        check_block(cell, block.inputs)
    device = _nest.leaves(block.inputs)[0].device
    if noise is None:
        noise = cell.draw_noise(lengths.to(device))
    with torch.autocast(device.type, enabled=False):
        return unroll(cell, block.inputs, lengths, state, noise, reverse=reverse, engine=engine)


def check_block(cell: RecurrentCell, inputs: Any) -> None:
    """Checks the inputs of all steps at once, so that the message has the shape the user knows."""
    if not isinstance(inputs, Tensor) or inputs.ndim != 3 or inputs.shape[2] != cell.input_size:
        found = tuple(inputs.shape) if isinstance(inputs, Tensor) else type(inputs).__name__
        raise ValueError(
            f"{type(cell).__name__}: expected inputs of shape (batch, time, {cell.input_size}), "
            f"found {found}"
        )
    check_step_inputs(cell, inputs[:0, 0] if inputs.shape[1] else inputs.flatten(0, 1))


def _lengths(sequence_length: Any, block: Block) -> Tensor:
    if sequence_length is None:
        return torch.full((block.batch_size,), block.num_steps, dtype=torch.int64)
    if torch.compiler.is_compiling():  # the operator checks them when it runs
        return torch.as_tensor(sequence_length, dtype=torch.int64)
    checked = check_lengths(
        sequence_length, block.batch_size, block.num_steps, argument="sequence_length"
    )
    return torch.from_numpy(checked)


def _map_tuples(function: Any, tree: Any) -> Any:
    """`function` of the leaves of nested tuples; a list is a leaf, since it can be data."""
    if not isinstance(tree, tuple):
        return function(tree)
    parts = [_map_tuples(function, part) for part in tree]
    return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
