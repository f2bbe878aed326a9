"""The eager engine, and the definition: plain torch, step by step over the rows still running."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, take_step
from varlen.rnn._recurrent import plain_steps
from varlen.rnn.engine._layout import step_layout
from varlen.rnn.engine._rows import Rows, host_array


def unroll(
    cell: RNNCell, values: Any, rows: Rows, state: Any, noise: Any, *, reverse: bool
) -> tuple[Any, Any]:
    """Runs `cell` over the real steps of a batch.

    Only these are taken out of the values, so that NaN in the padding is never touched, forward or
    backward.

    Args:
        cell: any cell.
        values: each leaf `[rows, ...]`.
        rows: where the real steps are.
        state: the initial state, each leaf `[batch, ...]`. A leaf without axes belongs to no row
            and takes part in every step.
        noise: of `cell.draw_noise`, or None.
        reverse: walks each row from its last step to its first.

    Returns:
        `(outputs, final_state)`, outputs `[rows, ...]`, zero where no step is.
    """
    device = _nest.leaves(values)[0].device
    layout = step_layout(host_array(rows.lengths), reverse=reverse, device=device)
    places = torch.from_numpy(rows.places()).to(device)[layout.positions]
    steps = _Steps(values, places, layout.counts)
    draws = _Steps(noise, layout.draws, layout.counts)
    state = _map_rows(lambda leaf: leaf.index_select(0, layout.order), state)

    outputs = []
    finished: list[Any] = []
    running = len(rows.lengths)
    with plain_steps():
        for step, count in enumerate(layout.counts):
            if count < running:
                finished.append(_rows(state, count, running))
                state = _rows(state, 0, count)
                running = count
            output, next_state = take_step(cell, steps[step], state, draws[step])
            outputs.append(output)
            state = next_state if count else _without_a_step(state, next_state)

    def placed(*steps: Tensor) -> Tensor:
        real = torch.cat(steps)
        return real.new_zeros(rows.num_rows, *real.shape[1:]).index_copy(0, places, real)

    final = _join_rows(state, *reversed(finished))
    return (
        _nest.map_structure(placed, *outputs),
        _map_rows(lambda leaf: leaf.index_select(0, layout.rank), final),
    )


class _Steps:
    """Leaves with a row per value, step by step: item t has the rows that take step t."""

    def __init__(self, tree: Any, index: Tensor, counts: list[int]) -> None:
        self._leaves, self._structure = _nest.flatten(tree)
        self._pieces = [
            None if leaf is None else leaf.index_select(0, index).split(counts)
            for leaf in self._leaves
        ]

    def __getitem__(self, step: int) -> Any:
        return _nest.unflatten(
            self._structure, [None if piece is None else piece[step] for piece in self._pieces]
        )


def _map_rows(function: Callable[[Tensor], Tensor], state: Any) -> Any:
    """`function` of every leaf that has rows."""
    return _nest.map_structure(lambda leaf: function(leaf) if leaf.ndim else leaf, state)


def _without_a_step(state: Any, next_state: Any) -> Any:
    """The state after a step that no row took: what has no rows stays as it was."""
    return _nest.map_structure(
        lambda before, after: after if after.ndim else before, state, next_state
    )


def _rows(state: Any, start: int, stop: int) -> Any:
    return _map_rows(lambda leaf: leaf[start:stop], state)


def _join_rows(*parts: Any) -> Any:
    """The rows of all parts; a leaf without rows is that of the first part."""
    return _nest.map_structure(
        lambda first, *rest: torch.cat([first, *rest]) if first.ndim else first, *parts
    )
