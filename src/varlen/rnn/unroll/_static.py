"""`static_rnn`: a list of steps in, a list of outputs out."""

from collections.abc import Sequence
from typing import Any

import torch

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, as_cell, as_tensor
from varlen.rnn.engine import Engine
from varlen.rnn.unroll._dynamic import dynamic_rnn
from varlen.rnn.unroll._inputs import map_tuples


def static_rnn(
    cell: RNNCell,
    inputs: Sequence[Any],
    initial_state: Any = None,
    dtype: torch.dtype | None = None,
    sequence_length: Any = None,
    *,
    engine: Engine = "auto",
    recompute: bool = False,
    noise: Any = None,
) -> tuple[list[Any], Any]:
    """`dynamic_rnn` for inputs and outputs that are lists over time.

    As `tf.nn.static_rnn`, whose argument order it keeps.

    Args:
        cell: any `RNNCell`.
        inputs: a list or tuple of steps, each `[batch, ...]`, or a tuple of those for a cell that
            takes a tuple.
        initial_state: as in `dynamic_rnn`.
        dtype: not needed, the cell has one; checked if given.
        sequence_length: as in `dynamic_rnn`.
        engine: as in `dynamic_rnn`.
        recompute: as in `dynamic_rnn`.
        noise: as in `dynamic_rnn`.

    Returns:
        `(outputs, final_state)`, the outputs a list of `[batch, ...]`.

    Raises:
        TypeError: `inputs` is not a list or tuple; and what `dynamic_rnn` raises.
        ValueError: no steps, or steps of unequal shape; and what `dynamic_rnn` raises.
    """
    as_cell(cell)
    if not isinstance(inputs, list | tuple):
        raise TypeError(f"inputs: expected a list of steps, found a {type(inputs).__name__}")
    if not inputs:
        raise ValueError("inputs: expected at least one step, found none")
    steps = [map_tuples(lambda leaf: as_tensor(leaf, cell), step) for step in inputs]
    for t, step in enumerate(steps):
        for first, leaf in zip(_nest.leaves(steps[0]), _nest.leaves(step), strict=True):
            if leaf.shape != first.shape:
                raise ValueError(
                    f"inputs[{t}]: expected shape {tuple(first.shape)}, as in inputs[0], "
                    f"found {tuple(leaf.shape)}"
                )
    stacked = _nest.map_structure(lambda *leaves: torch.stack(leaves), *steps)
    outputs, final_state = dynamic_rnn(
        cell,
        stacked,
        sequence_length,
        initial_state,
        dtype,
        time_major=True,
        engine=engine,
        recompute=recompute,
        noise=noise,
    )
    leaves, structure = _nest.flatten(outputs)
    by_step = zip(*(leaf.unbind(0) for leaf in leaves), strict=True)
    return [_nest.unflatten(structure, list(step)) for step in by_step], final_state
