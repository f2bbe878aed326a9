"""`raw_rnn`: a loop whose inputs, end and results a function decides, step by step."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from varlen.rnn import _nest
from varlen.rnn._cell import (
    RNNCell,
    as_cell,
    as_tensor,
    check_like,
    check_state,
    take_step,
    zeros_of,
)
from varlen.rnn.unroll._inputs import as_input, map_tuples

LoopFunction = Callable[[int, Any, Any, Any], tuple[Any, Any, Any, Any, Any]]


def raw_rnn(cell: RNNCell, loop_fn: LoopFunction, *, noise: Any = None) -> tuple[Any, Any, Any]:
    """Runs `cell` for as long as `loop_fn` wants, on what it gives: decoders, samplers, searches.

    `loop_fn(time, cell_output, cell_state, loop_state)` returns
    `(finished, next_input, next_state, emit_output, next_loop_state)`:

    - At `time` 0 the other arguments are None. It gives the first inputs, the initial state, and as
      `emit_output` either None, to emit what the cell gives, or an example of what each row will
      emit, without the axis of the batch (zeros of a shape and dtype, or a tuple of those).
    - After step `time - 1` it is given what the cell returned, and says what to emit for it.

    A row is finished from the step on before which `finished` was True, and stays so. What it
    emits from then on is replaced by zeros, and its state by the one before; `next_input` and the
    loop state are never masked, and `loop_fn` sees what the cell makes of all rows. NaN and
    infinities in the input of a finished row are replaced by zeros, so that they reach no gradient.

    Under autocast the cell still runs in its own dtype, as in `dynamic_rnn`.

    As `tf.nn.raw_rnn`, except that `time` is an int, and tensors are returned in place of arrays.

    Args:
        cell: any `RNNCell`.
        loop_fn: called once before the first step and after each.
            `finished` is `[batch]`, bool; a `next_loop_state` of None keeps the one before. Where
            no row goes on, `next_input` is not looked at.
        noise: needed for a cell that draws, since nobody knows how many steps there will be: what
            `cell.draw_noise` returns for rows of equal length, which bounds the number of steps.

    Returns:
        `(emitted, final_state, final_loop_state)`; each leaf of what was emitted is
        `[steps, batch, ...]`, for as many steps as were taken.

    Raises:
        TypeError: not a cell, a `loop_fn` that cannot be called or returns something else than
            five things, or a `finished` that is not bool.
        ValueError: a shape that does not fit; None to emit after the first call; a cell that draws
            without `noise`, or more steps than there is noise for.
    """
    as_cell(cell)
    if not callable(loop_fn):
        raise TypeError(f"loop_fn: expected a function, found a {type(loop_fn).__name__}")
    finished, inputs, state, example, loop_state = _call(loop_fn, 0, None, None, None)
    finished = _check_finished(finished, cell, time=0)
    batch_size = len(finished)
    state = check_state(cell, state, batch_size, argument=_at("next_state", 0))
    to_emit = _rows_of(cell, example, batch_size)
    noise_of_step = _noise_by_step(cell, noise, batch_size)

    emitted: list[Any] = []
    while not finished.all():
        inputs = _blank(inputs, finished, cell)
        with torch.autocast(finished.device.type, enabled=False):
            output, next_state = take_step(cell, inputs, state, noise_of_step(len(emitted)))
        time = len(emitted) + 1
        now_finished, inputs, next_state, emit, next_loop_state = _call(
            loop_fn, time, output, next_state, loop_state
        )
        if emit is None:
            raise ValueError(
                f"{_at('emit_output', time)}: expected what each row emits, found None"
            )
        emit = check_like(to_emit, emit, cell, argument=_at("emit_output", time))
        next_state = check_like(state, next_state, cell, argument=_at("next_state", time))
        emitted.append(_choose(finished, to_emit, emit))
        state = _choose(finished, state, next_state)
        loop_state = loop_state if next_loop_state is None else next_loop_state
        finished = finished | _check_finished(now_finished, cell, time=time, like=finished)
    if not emitted:
        return _nest.map_structure(lambda leaf: leaf[None][:0], to_emit), state, loop_state
    return _nest.map_structure(lambda *steps: torch.stack(steps), *emitted), state, loop_state


def _at(result: str, time: int) -> str:
    return f"{result} of loop_fn at time {time}"


def _call(loop_fn: LoopFunction, time: int, *arguments: Any) -> tuple[Any, Any, Any, Any, Any]:
    results = loop_fn(time, *arguments)
    if not isinstance(results, tuple | list) or len(results) != 5:
        found = len(results) if isinstance(results, tuple | list) else type(results).__name__
        raise TypeError(
            f"loop_fn at time {time}: expected (finished, next_input, next_state, emit_output, "
            f"next_loop_state), found {found}"
        )
    first, second, third, fourth, fifth = results
    return first, second, third, fourth, fifth


def _check_finished(
    finished: Any, cell: RNNCell, *, time: int, like: Tensor | None = None
) -> Tensor:
    checked = as_tensor(finished, cell)
    if checked.dtype != torch.bool:
        raise TypeError(f"{_at('finished', time)}: expected bool, found {checked.dtype}")
    if checked.ndim != 1 or (like is not None and checked.shape != like.shape):
        wanted = "(batch,)" if like is None else tuple(like.shape)
        raise ValueError(
            f"{_at('finished', time)}: expected shape {wanted}, found {tuple(checked.shape)}"
        )
    return checked


def _rows_of(cell: RNNCell, example: Any, batch_size: int) -> Any:
    """Zeros `[batch, ...]` of what is emitted: of `example`, or of the output of the cell."""
    if example is None:
        like = torch.zeros(batch_size, 0, dtype=cell.dtype, device=cell.device)
        return zeros_of(cell.output_size, like)
    leaves = map_tuples(lambda leaf: as_tensor(leaf, cell), example)
    return _nest.map_structure(lambda leaf: leaf.new_zeros(batch_size, *leaf.shape), leaves)


def _noise_by_step(cell: RNNCell, noise: Any, batch_size: int) -> Callable[[int], Any]:
    """The rows of noise of each step, of all sequences."""
    if noise is None:
        if cell.draw_noise(torch.ones(1, dtype=torch.int64, device=cell.device)) is not None:
            raise ValueError(
                f"noise: {type(cell).__name__} draws noise, and raw_rnn cannot know for how many "
                "steps\n  give noise=cell.draw_noise(torch.full((batch_size,), most_steps))"
            )
        return lambda step: None

    def rows(step: int) -> Any:
        def of_leaf(leaf: Tensor | None) -> Tensor | None:
            if leaf is None:
                return None
            num_steps = len(leaf) // batch_size
            if len(leaf) % batch_size or step >= num_steps:
                raise ValueError(
                    f"noise: expected some of step {step} for {batch_size} rows of equal length, "
                    f"found {len(leaf)} rows of noise"
                )
            return leaf.reshape(batch_size, num_steps, *leaf.shape[1:])[:, step]

        return _nest.map_structure(of_leaf, noise)

    return rows


def _blank(inputs: Any, finished: Tensor, cell: RNNCell) -> Any:
    """Inputs without what is no number in finished rows."""

    def blank(leaf: Any) -> Tensor:
        tensor = as_input(leaf, cell)
        if not tensor.is_floating_point():
            return tensor
        return torch.where(_beside(finished, tensor) & ~tensor.isfinite(), 0, tensor)

    return map_tuples(blank, inputs)


def _choose(finished: Tensor, if_finished: Any, if_not: Any) -> Any:
    def choose(old: Tensor, new: Tensor) -> Tensor:
        # A leaf without axes belongs to no row.
        return new if not new.ndim else torch.where(_beside(finished, new), old, new)

    return _nest.map_structure(choose, if_finished, if_not)


def _beside(finished: Tensor, leaf: Tensor) -> Tensor:
    """`finished` with as many axes as `leaf`."""
    return finished.reshape(-1, *[1] * (leaf.ndim - 1))
