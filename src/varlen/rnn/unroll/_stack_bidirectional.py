"""Layers of two directions, each layer over what both cells of the one below gave."""

from collections.abc import Sequence
from typing import Any

import torch

from varlen.rnn._cell import RNNCell
from varlen.rnn.engine import Engine
from varlen.rnn.unroll._bidirectional import both_ways, side_by_side, warn_of_shared
from varlen.rnn.unroll._inputs import trace_for_compiler
from varlen.rnn.unroll._steps import stack_steps, unstack_steps


def stack_bidirectional_dynamic_rnn(
    cells_fw: Sequence[RNNCell],
    cells_bw: Sequence[RNNCell],
    inputs: Any,
    initial_states_fw: Sequence[Any] | None = None,
    initial_states_bw: Sequence[Any] | None = None,
    dtype: torch.dtype | None = None,
    sequence_length: Any = None,
    *,
    time_major: bool = False,
    engine: Engine = "auto",
    recompute: bool = False,
    noises_fw: Sequence[Any] | None = None,
    noises_bw: Sequence[Any] | None = None,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Layers of `bidirectional_dynamic_rnn`: each reads the joined outputs of the one below.

    As `tf.contrib.rnn.stack_bidirectional_dynamic_rnn`, whose argument order it keeps. (A pair of
    `MultiRNNCell` in `bidirectional_dynamic_rnn` is something else: there no layer sees what the
    other direction gave.)

    Args:
        cells_fw: go forward, from the bottom up. The same object twice shares its weights, and
            warns.
        cells_bw: go backward; as many.
        inputs: as in `dynamic_rnn`.
        initial_states_fw: one state per layer, or None for one of them; None asks the cells.
        initial_states_bw: the same, before the last real step.
        dtype: not needed, the cells have one; checked if given.
        sequence_length: as in `dynamic_rnn`.
        time_major: inputs and outputs are `[time, batch, ...]`.
        engine: as in `dynamic_rnn`.
        recompute: as in `dynamic_rnn`.
        noises_fw: one per layer, as `noise_fw` in `bidirectional_dynamic_rnn`.
        noises_bw: one per layer, as `noise_bw` in `bidirectional_dynamic_rnn`.

    Returns:
        `(outputs, states_fw, states_bw)`: the outputs of the top layer, those of both cells side
        by side in the last axis, and the final states, one per layer.

    Raises:
        TypeError: something else than lists of cells or of states.
        ValueError: no cells, or not as many cells, states or noises as layers.
        What `dynamic_rnn` raises.
    """
    warn_of_shared("stack_bidirectional_dynamic_rnn", _named_cells(cells_fw, cells_bw))
    return _stack(
        cells_fw,
        cells_bw,
        inputs,
        initial_states_fw,
        initial_states_bw,
        dtype,
        sequence_length,
        time_major=time_major,
        engine=engine,
        recompute=recompute,
        noises_fw=noises_fw,
        noises_bw=noises_bw,
    )


def stack_bidirectional_rnn(
    cells_fw: Sequence[RNNCell],
    cells_bw: Sequence[RNNCell],
    inputs: Sequence[Any],
    initial_states_fw: Sequence[Any] | None = None,
    initial_states_bw: Sequence[Any] | None = None,
    dtype: torch.dtype | None = None,
    sequence_length: Any = None,
    *,
    engine: Engine = "auto",
    recompute: bool = False,
    noises_fw: Sequence[Any] | None = None,
    noises_bw: Sequence[Any] | None = None,
) -> tuple[list[Any], tuple[Any, ...], tuple[Any, ...]]:
    """`stack_bidirectional_dynamic_rnn` for inputs and outputs that are lists over time.

    As `tf.contrib.rnn.stack_bidirectional_rnn`, whose argument order it keeps.

    Args:
        cells_fw: as in `stack_bidirectional_dynamic_rnn`.
        cells_bw: as in `stack_bidirectional_dynamic_rnn`.
        inputs: as in `static_rnn`.
        initial_states_fw: as in `stack_bidirectional_dynamic_rnn`.
        initial_states_bw: as in `stack_bidirectional_dynamic_rnn`.
        dtype: not needed, the cells have one; checked if given.
        sequence_length: as in `dynamic_rnn`.
        engine: as in `dynamic_rnn`.
        recompute: as in `dynamic_rnn`.
        noises_fw: as in `stack_bidirectional_dynamic_rnn`.
        noises_bw: as in `stack_bidirectional_dynamic_rnn`.

    Returns:
        `(outputs, states_fw, states_bw)`, the outputs a list over time.

    Raises:
        What `stack_bidirectional_dynamic_rnn` and `static_rnn` raise.
    """
    warn_of_shared("stack_bidirectional_rnn", _named_cells(cells_fw, cells_bw))
    outputs, states_fw, states_bw = _stack(
        cells_fw,
        cells_bw,
        stack_steps(cells_fw[0], inputs),
        initial_states_fw,
        initial_states_bw,
        dtype,
        sequence_length,
        time_major=True,
        engine=engine,
        recompute=recompute,
        noises_fw=noises_fw,
        noises_bw=noises_bw,
    )
    return unstack_steps(outputs), states_fw, states_bw


def _stack(
    cells_fw: Sequence[RNNCell],
    cells_bw: Sequence[RNNCell],
    inputs: Any,
    initial_states_fw: Sequence[Any] | None,
    initial_states_bw: Sequence[Any] | None,
    dtype: torch.dtype | None,
    sequence_length: Any,
    *,
    time_major: bool,
    engine: Engine,
    recompute: bool,
    noises_fw: Sequence[Any] | None,
    noises_bw: Sequence[Any] | None,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    trace_for_compiler(*cells_fw, *cells_bw)
    layers = zip(
        cells_fw,
        cells_bw,
        _one_per_layer(initial_states_fw, len(cells_fw), argument="initial_states_fw"),
        _one_per_layer(initial_states_bw, len(cells_fw), argument="initial_states_bw"),
        _one_per_layer(noises_fw, len(cells_fw), argument="noises_fw"),
        _one_per_layer(noises_bw, len(cells_fw), argument="noises_bw"),
        strict=True,
    )
    states = []
    for i, (cell_fw, cell_bw, state_fw, state_bw, noise_fw, noise_bw) in enumerate(layers):
        outputs, its_states = both_ways(
            cell_fw,
            cell_bw,
            inputs,
            sequence_length,
            state_fw,
            state_bw,
            dtype,
            time_major=time_major,
            engine=engine,
            recompute=recompute,
            noise_fw=noise_fw,
            noise_bw=noise_bw,
            state_arguments=(f"initial_states_fw[{i}]", f"initial_states_bw[{i}]"),
        )
        inputs = side_by_side(*outputs)
        states.append(its_states)
    states_fw, states_bw = zip(*states, strict=True)
    return inputs, states_fw, states_bw


def _named_cells(cells_fw: Sequence[RNNCell], cells_bw: Sequence[RNNCell]) -> dict[str, RNNCell]:
    """All cells by the names that a message calls them, checked to be in two lists that match."""
    lists = {"cells_fw": cells_fw, "cells_bw": cells_bw}
    for argument, cells in lists.items():
        if not isinstance(cells, list | tuple):
            raise TypeError(f"{argument}: expected a list of cells, found a {type(cells).__name__}")
    if not cells_fw or len(cells_fw) != len(cells_bw):
        raise ValueError(
            "cells_fw, cells_bw: expected at least one cell and as many in both, "
            f"found {len(cells_fw)} and {len(cells_bw)}"
        )
    return {
        f"{argument}[{i}]": cell
        for argument, cells in lists.items()
        for i, cell in enumerate(cells)
    }


def _one_per_layer(given: Sequence[Any] | None, num_layers: int, *, argument: str) -> Sequence[Any]:
    if given is None:
        return (None,) * num_layers
    if not isinstance(given, list | tuple):
        raise TypeError(f"{argument}: expected one per layer, found a {type(given).__name__}")
    if len(given) != num_layers:
        raise ValueError(f"{argument}: expected {num_layers}, one per layer, found {len(given)}")
    return given
