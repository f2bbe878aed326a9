"""`bidirectional_dynamic_rnn`: one cell from left to right, another from right to left."""

import warnings
from typing import Any

import torch

from varlen.rnn._cell import RNNCell, as_cell
from varlen.rnn.engine import Engine
from varlen.rnn.unroll._inputs import as_block, unroll_block


def bidirectional_dynamic_rnn(
    cell_fw: RNNCell,
    cell_bw: RNNCell,
    inputs: Any,
    sequence_length: Any = None,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: torch.dtype | None = None,
    *,
    time_major: bool = False,
    engine: Engine = "auto",
    recompute: bool = False,
    noise_fw: Any = None,
    noise_bw: Any = None,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Runs one cell along each row and another against it, from the row's own last real step.

    Each output of either cell stands at the place of its input, so that step t of both describes
    step t of the inputs. Outputs past a row's length are zero. As
    `tf.nn.bidirectional_dynamic_rnn`, which does not join the two either.

    Args:
        cell_fw: goes forward.
        cell_bw: goes backward. The same object as `cell_fw` shares its weights, as in TensorFlow
            1.15, and warns.
        inputs: as in `dynamic_rnn`.
        sequence_length: as in `dynamic_rnn`.
        initial_state_fw: as in `dynamic_rnn`.
        initial_state_bw: the state before the last real step.
        dtype: not needed, the cells have one; checked if given.
        time_major: inputs and outputs are `[time, batch, ...]`.
        engine: as in `dynamic_rnn`.
        recompute: as in `dynamic_rnn`.
        noise_fw: as `noise` in `dynamic_rnn`.
        noise_bw: the same, from the last step of each row to its first.

    Returns:
        `((outputs_fw, outputs_bw), (state_fw, state_bw))`; `state_bw` is the state after the
        first step of the row.

    Raises:
        What `dynamic_rnn` raises.
    """
    if as_cell(cell_fw, argument="cell_fw") is as_cell(cell_bw, argument="cell_bw"):
        warnings.warn(
            "bidirectional_dynamic_rnn: cell_fw and cell_bw are the same module, so they share "
            "weights\n  if that is not meant, build one for each direction",
            stacklevel=2,
        )
    block = as_block(cell_fw, inputs, time_major=time_major)
    outputs_fw, state_fw = unroll_block(
        cell_fw,
        block,
        sequence_length,
        initial_state_fw,
        dtype,
        noise_fw,
        engine=engine,
        recompute=recompute,
        state_argument="initial_state_fw",
    )
    outputs_bw, state_bw = unroll_block(
        cell_bw,
        block,
        sequence_length,
        initial_state_bw,
        dtype,
        noise_bw,
        engine=engine,
        recompute=recompute,
        reverse=True,
        state_argument="initial_state_bw",
    )
    return (outputs_fw, outputs_bw), (state_fw, state_bw)
