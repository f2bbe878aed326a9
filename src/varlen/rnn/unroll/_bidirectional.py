"""One cell from left to right, another from right to left: as blocks, and as lists over time."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, as_cell
from varlen.rnn.engine import Engine
from varlen.rnn.unroll._inputs import as_block, trace_for_compiler, unroll_block
from varlen.rnn.unroll._steps import stack_steps, unstack_steps
from varlen.sequences import JaggedSequence


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
    warn_of_shared("bidirectional_dynamic_rnn", {"cell_fw": cell_fw, "cell_bw": cell_bw})
    return both_ways(
        cell_fw,
        cell_bw,
        inputs,
        sequence_length,
        initial_state_fw,
        initial_state_bw,
        dtype,
        time_major=time_major,
        engine=engine,
        recompute=recompute,
        noise_fw=noise_fw,
        noise_bw=noise_bw,
    )


def static_bidirectional_rnn(
    cell_fw: RNNCell,
    cell_bw: RNNCell,
    inputs: Sequence[Any],
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: torch.dtype | None = None,
    sequence_length: Any = None,
    *,
    engine: Engine = "auto",
    recompute: bool = False,
    noise_fw: Any = None,
    noise_bw: Any = None,
) -> tuple[list[Any], Any, Any]:
    """`bidirectional_dynamic_rnn` for lists over time, which joins the outputs of both cells.

    As `tf.nn.static_bidirectional_rnn`, whose argument order it keeps.

    Args:
        cell_fw: goes forward.
        cell_bw: goes backward.
        inputs: as in `static_rnn`.
        initial_state_fw: as in `dynamic_rnn`.
        initial_state_bw: the state before the last real step.
        dtype: not needed, the cells have one; checked if given.
        sequence_length: as in `dynamic_rnn`.
        engine: as in `dynamic_rnn`.
        recompute: as in `dynamic_rnn`.
        noise_fw: as in `bidirectional_dynamic_rnn`.
        noise_bw: as in `bidirectional_dynamic_rnn`.

    Returns:
        `(outputs, state_fw, state_bw)`, the outputs a list over time, those of `cell_fw` and of
        `cell_bw` side by side in the last axis.

    Raises:
        What `static_rnn` raises.
    """
    warn_of_shared("static_bidirectional_rnn", {"cell_fw": cell_fw, "cell_bw": cell_bw})
    outputs, states = both_ways(
        cell_fw,
        cell_bw,
        stack_steps(cell_fw, inputs),
        sequence_length,
        initial_state_fw,
        initial_state_bw,
        dtype,
        time_major=True,
        engine=engine,
        recompute=recompute,
        noise_fw=noise_fw,
        noise_bw=noise_bw,
    )
    return unstack_steps(side_by_side(*outputs)), *states


def both_ways(
    cell_fw: RNNCell,
    cell_bw: RNNCell,
    inputs: Any,
    sequence_length: Any,
    initial_state_fw: Any,
    initial_state_bw: Any,
    dtype: torch.dtype | None,
    *,
    time_major: bool,
    engine: Engine,
    recompute: bool,
    noise_fw: Any,
    noise_bw: Any,
    state_arguments: tuple[str, str] = ("initial_state_fw", "initial_state_bw"),
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """`bidirectional_dynamic_rnn` without its warning, under the caller's names of arguments."""
    trace_for_compiler(cell_fw, cell_bw)
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
        state_argument=state_arguments[0],
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
        state_argument=state_arguments[1],
    )
    return (outputs_fw, outputs_bw), (state_fw, state_bw)


def side_by_side(outputs_fw: Any, outputs_bw: Any) -> Any:
    """The outputs of both cells joined in the last axis."""
    if isinstance(outputs_fw, JaggedSequence):
        joined = side_by_side(outputs_fw.values, outputs_bw.values)
        return JaggedSequence(joined, outputs_fw.lengths)
    return _nest.map_structure(lambda *leaves: torch.cat(leaves, dim=-1), outputs_fw, outputs_bw)


def warn_of_shared(function: str, cells: Mapping[str, RNNCell]) -> None:
    """Warns, at the line that called `function`, of a cell that stands under two names.

    Raises:
        TypeError: something that is no cell.
    """
    first_name: dict[RNNCell, str] = {}
    for name, cell in cells.items():
        first = first_name.setdefault(as_cell(cell, argument=name), name)
        if first != name:
            warnings.warn(
                f"{function}: {first} and {name} are the same module, so they share weights\n"
                "  if that is not meant, build one for each place",
                stacklevel=3,
            )
