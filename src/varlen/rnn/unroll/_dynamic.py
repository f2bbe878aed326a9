"""`dynamic_rnn`: a cell along time, each row to its own length."""

from typing import Any

import torch

from varlen.rnn._cell import RNNCell, as_cell
from varlen.rnn.engine import Engine
from varlen.rnn.unroll._inputs import as_block, unroll_block


def dynamic_rnn(
    cell: RNNCell,
    inputs: Any,
    sequence_length: Any = None,
    initial_state: Any = None,
    dtype: torch.dtype | None = None,
    *,
    time_major: bool = False,
    engine: Engine = "auto",
    recompute: bool = False,
    noise: Any = None,
) -> tuple[Any, Any]:
    """Runs `cell` along time and stops each row at its own length.

    Outputs at or past a row's length are zero, and the final state is the state after the row's
    last real step (the initial state, if the row is empty). What stands in the padding, NaN
    included, changes no result and no gradient, and nothing is computed on it.

    Under autocast the cell still runs in its own dtype: errors of a lower one add up over time.

    The final state may be the initial state of what follows: sequences can be run in chunks
    (`detach_state` shows how to train so).

    As `tf.nn.dynamic_rnn`, except that a length below 0 or above the number of steps is an error.

    Args:
        cell: any `RNNCell`.
        inputs: `[batch, time, ...]`, a tensor or anything `torch.as_tensor` takes, or a tuple of
            those for a cell that takes a tuple. Or a `JaggedSequence` of values
            `[sum(lengths), ...]`, the rows one after the other without padding.
        sequence_length: `[batch]`, the real steps of each row, of any integer type; None means
            that all are real. A `JaggedSequence` has its own.
        initial_state: as `cell.state_size` says, each leaf `[batch, ...]`; None asks the cell.
        dtype: not needed, the cell has one; checked if given.
        time_major: inputs and outputs are `[time, batch, ...]`.
        engine: "native" (the C++ time loop), "eager" (plain torch, the definition), or "auto": the
            fastest that can do it. `varlen.rnn.explain` says which, and why.
        recompute: saves memory in training: the native engine keeps only the states for the
            gradient, less than half of what it keeps otherwise, and computes the gates again.
        noise: what `cell.draw_noise` would return, to be used instead of drawing.

    Returns:
        `(outputs, final_state)`, the outputs as `cell.output_size` says, each leaf
        `[batch, time, ...]`; of a `JaggedSequence`, a `JaggedSequence`.

    Raises:
        TypeError: not a cell; lengths that are not integers; a state of another structure.
        ValueError: shapes or dtypes that do not fit the cell; a length out of range. The message
            names the argument and the row.
    """
    block = as_block(as_cell(cell), inputs, time_major=time_major)
    return unroll_block(
        cell,
        block,
        sequence_length,
        initial_state,
        dtype,
        noise,
        engine=engine,
        recompute=recompute,
    )
