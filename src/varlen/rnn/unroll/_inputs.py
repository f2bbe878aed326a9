"""The border of the unrolls: what users give, checked once."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from varlen.rnn import _nest
from varlen.rnn._cell import (
    RNNCell,
    Size,
    as_cell,
    as_tensor,
    check_state,
    check_step_inputs,
)
from varlen.rnn._recurrent import RecurrentCell
from varlen.rnn.engine import ENGINES, Engine, Rows, as_lengths, unroll
from varlen.sequences import JaggedSequence, check_lengths


class Block(NamedTuple):
    """The inputs of an unroll, checked.

    Attributes:
        values: each leaf `[batch * time, ...]`, in the order of the given axes, or
            `[sum(lengths), ...]`.
        batch_size: rows of the batch.
        num_steps: steps of each row, with the padding.
        time_major: whether the time comes first.
        lengths: `[batch]`, of a `JaggedSequence`, which has no padding; None for any other.
    """

    values: Any
    batch_size: int
    num_steps: int
    time_major: bool
    lengths: Tensor | None = None

    def rows(self, sequence_length: Any) -> Rows:
        """Where the real steps are among the values.

        Raises:
            TypeError: lengths that are not integers.
            ValueError: not one per row, one that is out of range, or any for a `JaggedSequence`.
        """
        if self.lengths is not None:
            if sequence_length is not None:
                raise ValueError("sequence_length: expected none, a JaggedSequence has its own")
            return Rows.jagged(self.lengths)
        lengths = as_lengths(
            sequence_length, self.batch_size, self.num_steps, argument="sequence_length"
        )
        layout = Rows.time_major if self.time_major else Rows.padded
        return layout(lengths, self.num_steps)

    def unflatten(self, values: Any) -> Any:
        """Values in the form of the inputs."""
        if self.lengths is not None:
            return JaggedSequence(values, self.lengths)
        axes = (self.batch_size, self.num_steps)
        axes = axes[::-1] if self.time_major else axes
        return _nest.map_structure(lambda leaf: leaf.reshape(*axes, *leaf.shape[1:]), values)


def as_block(cell: RNNCell, inputs: Any, *, time_major: bool) -> Block:
    """Takes the inputs of an unroll: a tensor or what becomes one, a tuple of those, or a
    `JaggedSequence` of either.

    Raises:
        TypeError: lengths of a `JaggedSequence` that are not integers.
        ValueError: fewer than two axes, or leaves that differ in batch or time; lengths of a
            `JaggedSequence` that do not fit its values.
    """
    if isinstance(inputs, JaggedSequence):
        return _as_jagged(cell, inputs, time_major=time_major)

    def as_leaf(leaf: Any) -> Tensor:
        tensor = as_input(leaf, cell)
        if tensor.ndim < 2:
            raise ValueError(
                f"inputs: expected shape {'(time, batch' if time_major else '(batch, time'}, ...), "
                f"found {tuple(tensor.shape)}"
            )
        return tensor

    block = map_tuples(as_leaf, inputs)
    axes, *others = [tuple(leaf.shape[:2]) for leaf in _nest.leaves(block)]
    if any(other != axes for other in others):  # no set: a compiler's sizes have no hash
        raise ValueError(f"inputs: expected one batch and time for all, found {[axes, *others]}")
    batch_size, num_steps = reversed(axes) if time_major else axes
    values = _nest.map_structure(lambda leaf: leaf.flatten(0, 1), block)
    return Block(values, batch_size, num_steps, time_major)


def _as_jagged(cell: RNNCell, inputs: JaggedSequence, *, time_major: bool) -> Block:
    if time_major:
        raise ValueError("time_major: expected False, a JaggedSequence has no axis of time")
    values = map_tuples(lambda leaf: as_input(leaf, cell), inputs.values)
    batch_size = len(inputs.lengths)
    checked = check_lengths(inputs.lengths, batch_size, argument="inputs: lengths")
    for leaf in _nest.leaves(values):
        if leaf.ndim == 0 or len(leaf) != checked.sum():
            raise ValueError(
                f"inputs: expected values of {checked.sum()} steps, the sum of the lengths, found "
                f"shape {tuple(leaf.shape)}"
            )
    num_steps = int(checked.max(initial=0))
    return Block(values, batch_size, num_steps, False, torch.from_numpy(checked))


def trace_for_compiler(*cells: RNNCell) -> None:
    """Makes the programs of cells if a compiler looks; those of one graph all at first.

    A compiler that has seen one program found takes the table of programs to be finished.
    """
    if torch.compiler.is_compiling():
        from varlen.rnn.engine._compiling import trace_programs

        for cell in cells:
            trace_programs(cell)


def as_input(value: Any, cell: RNNCell) -> Tensor:
    """`value` as a tensor that a cell takes, also under autocast."""
    tensor = as_tensor(value, cell)
    if torch.is_autocast_enabled(tensor.device.type) and tensor.is_floating_point():
        return tensor.to(cell.dtype)  # what came before may have been in lower precision
    return tensor


def unroll_block(
    cell: RNNCell,
    block: Block,
    sequence_length: Any,
    initial_state: Any,
    dtype: torch.dtype | None,
    noise: Any,
    *,
    engine: Engine,
    recompute: bool,
    reverse: bool = False,
    state_argument: str = "initial_state",
) -> tuple[Any, Any]:
    """Checks what is left to check, and runs a cell over the real steps of a block.

    Returns:
        `(outputs, final_state)`, outputs in the form of the inputs, zero past each row's length.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine: expected one of {', '.join(ENGINES)}, found {engine!r}")
    if dtype not in (None, cell.dtype):
        raise ValueError(f"dtype: expected {cell.dtype}, that of the cell, found {dtype}")
    as_cell(cell)
    if isinstance(cell, RecurrentCell) or _is_nested(cell.input_size):
        _check_values(cell, block)
    trace_for_compiler(cell)
    rows = block.rows(sequence_length)
    if initial_state is None:
        state = cell.get_initial_state(batch_size=block.batch_size, dtype=cell.dtype)
    else:
        state = check_state(cell, initial_state, block.batch_size, argument=state_argument)
    device = _nest.leaves(block.values)[0].device
    if noise is None:
        noise = cell.draw_noise(rows.lengths.to(device))
    with torch.autocast(device.type, enabled=False):
        outputs, final_state = unroll(
            cell,
            block.values,
            rows,
            state,
            noise,
            reverse=reverse,
            engine=engine,
            recompute=recompute,
        )
    return block.unflatten(outputs), final_state


def _check_values(cell: RNNCell, block: Block) -> None:
    """Checks the inputs of all steps at once, so that the message has the shapes the user knows."""
    if not _fit(block.values, cell.input_size):
        if block.lengths is not None:
            axes, given = "(steps", block.values
        else:
            axes = "(time, batch" if block.time_major else "(batch, time"
            given = block.unflatten(block.values)
        found = map_tuples(lambda leaf: tuple(leaf.shape), given)
        raise ValueError(
            f"{type(cell).__name__}: expected inputs of shape {_shape(cell.input_size, axes)}, "
            f"found {found}"
        )
    if isinstance(block.values, Tensor):
        check_step_inputs(cell, block.values[:0], cell.dtype)


def _is_nested(size: Size) -> bool:
    return isinstance(size, tuple) and not isinstance(size, torch.Size)


def _fit(values: Any, size: Size) -> bool:
    """Whether values `[rows, ...]` are of a (nested) size."""
    if isinstance(size, int | torch.Size):
        wanted = (size,) if isinstance(size, int) else tuple(size)
        return isinstance(values, Tensor) and tuple(values.shape[1:]) == wanted
    return (
        isinstance(values, tuple)
        and len(values) == len(size)
        and all(_fit(part, its_size) for part, its_size in zip(values, size, strict=True))
    )


def _shape(size: Size, axes: str) -> str:
    """A (nested) size behind the first axes, for a message."""
    if isinstance(size, int):
        return f"{axes}, {size})"
    if isinstance(size, torch.Size):
        return ", ".join([axes, *map(str, size)]) + ")"
    return f"({', '.join(_shape(part, axes) for part in size)})"


def map_tuples(function: Any, tree: Any) -> Any:
    """`function` of the leaves of nested tuples; a list is a leaf, since it can be data."""
    if not isinstance(tree, tuple):
        return function(tree)
    parts = [map_tuples(function, part) for part in tree]
    return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
