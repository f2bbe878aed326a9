"""`static_rnn`: a list of steps in, a list of outputs out."""

from collections.abc import Sequence
from typing import Any

import torch

from varlen.rnn._cell import RNNCell
from varlen.rnn.engine import Engine
from varlen.rnn.unroll._dynamic import dynamic_rnn
from varlen.rnn.unroll._steps import stack_steps, unstack_steps


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
    outputs, final_state = dynamic_rnn(
        cell,
        stack_steps(cell, inputs),
        sequence_length,
        initial_state,
        dtype,
        time_major=True,
        engine=engine,
        recompute=recompute,
        noise=noise,
    )
    return unstack_steps(outputs), final_state
