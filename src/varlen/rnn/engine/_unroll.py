"""An unroll on the engine that is asked for, or on the fastest that can do it."""

import warnings
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from varlen import _native
from varlen.rnn._cell import RNNCell
from varlen.rnn._recurrent import RecurrentCell
from varlen.rnn.engine import _eager, _native_loop
from varlen.rnn.engine._arguments import Arguments
from varlen.rnn.engine._around import RealSteps, check_inner_values, within
from varlen.rnn.engine._cell_program import cell_program
from varlen.rnn.engine._choose import Engine, is_watched, why_not_native
from varlen.rnn.engine._gradient import Unroll
from varlen.rnn.engine._noise import by_place, check_noise
from varlen.rnn.engine._op import unroll_op
from varlen.rnn.engine._rows import Rows
from varlen.rnn.wrappers import AroundSteps, MultiRNNCell


def unroll(
    cell: RNNCell,
    values: Any,
    rows: Rows,
    state: Any,
    noise: Any,
    *,
    reverse: bool,
    engine: Engine,
    recompute: bool = False,
) -> tuple[Any, Any]:
    """Runs `cell` over the real steps of a batch.

    Args:
        cell: any cell.
        values: each leaf `[rows, ...]`.
        rows: where the real steps are.
        state: the initial state, each leaf `[batch, ...]`.
        noise: of `cell.draw_noise`, or None.
        reverse: walks each row from its last step to its first.
        engine: which one.
        recompute: the native engine keeps only the states for the gradient, and computes the gates
            again.

    Returns:
        `(outputs, final_state)`, outputs `[rows, ...]`, zero where no step is.

    Raises:
        ValueError: the native engine is asked for and cannot do it; the message has the reason.
            Not as much noise as the cell draws.
    """
    cell, noise = cell.resolve(noise)
    if noise is not None and isinstance(cell, RecurrentCell):
        check_noise(cell, noise, rows)
    if engine != "eager":
        inner = within(cell, noise)
        if inner is not None:
            assert isinstance(cell, AroundSteps)
            return _unroll_around(
                cell,
                inner,
                values,
                rows,
                state,
                by_place(noise, rows, reverse=reverse),
                reverse=reverse,
                engine=engine,
                recompute=recompute,
            )
        parts = _layers(cell, state, noise)
        if parts is not None:
            return _unroll_layers(
                parts, values, rows, reverse=reverse, engine=engine, recompute=recompute
            )
        reason = why_not_native(cell, values, noise)
        if reason is None:
            assert isinstance(cell, RecurrentCell)
            return _unroll_native(
                cell, values, rows, state, noise, reverse=reverse, recompute=recompute
            )
        if engine == "native":
            raise ValueError(f"engine='native': {reason}")
    if isinstance(cell, RecurrentCell) and not _native.NATIVE:
        _say_that_it_is_slow()
    return _eager.unroll(cell, values, rows, state, noise, reverse=reverse)


@cache
def _say_that_it_is_slow() -> None:
    warnings.warn(
        "the native core is left out (VARLEN_NATIVE=0, or it was not built): recurrent networks "
        "run in plain torch, several times slower",
        stacklevel=2,
    )


def _unroll_native(
    cell: RecurrentCell,
    values: Tensor,
    rows: Rows,
    state: Any,
    noise: Any,
    *,
    reverse: bool,
    recompute: bool,
) -> tuple[Tensor, Any]:
    noises = [leaf.to(values.dtype) for leaf in by_place(noise or (), rows, reverse=reverse)]
    given = Arguments(cell.products(), cell.vectors(), noises, cell.unpack_state(state))
    tensors = [values, *given.differentiable()]
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    program = cell_program(cell, noisy=noise is not None).json
    products, *others = given
    if torch.compiler.is_compiling() or is_watched(*tensors):
        outputs, *results = unroll_op(
            values,
            rows.lengths,
            rows.bases,
            rows.time_offsets,
            *products,
            *others,
            program,
            reverse,
            keep,
            recompute,
        )
    elif keep:
        counts = len(given.vectors), len(noises)
        flat = (tensor for part in others for tensor in part)
        outputs, *results = Unroll.apply(  # type: ignore[no-untyped-call]
            rows, program, reverse, recompute, counts, values, *products, *flat
        )
    else:
        outputs, results, _ = _native_loop.forward(
            values,
            rows,
            given,
            program,
            reverse=reverse,
            keep=False,
            recompute=False,
        )
    return outputs, cell.pack_state(results[: len(given.states)])


def _unroll_around(
    wrapper: AroundSteps,
    inner: tuple[RNNCell, Any],
    values: Any,
    rows: Rows,
    state: Any,
    noise: Any,
    *,
    reverse: bool,
    engine: Engine,
    recompute: bool,
) -> tuple[Any, Any]:
    """The run of the cell within between the wrapper's own work, whose noise is by place."""
    cell, its_noise = inner
    steps = RealSteps(rows)
    given = steps.take(values)
    its_given = wrapper.before(given, noise)
    check_inner_values(cell, its_given)
    outputs, final = unroll(
        cell,
        its_given,
        steps.rows,
        state,
        its_noise,
        reverse=reverse,
        engine=engine,
        recompute=recompute,
    )
    return steps.put(wrapper.after(given, outputs, noise)), final


class _Layer(NamedTuple):
    cell: RNNCell
    state: Any
    noise: Any


def _layers(cell: RNNCell, state: Any, noise: Any) -> tuple[list[_Layer], Any] | None:
    """The cells that can be run one after the other along all time, and how their states join."""
    if isinstance(cell, MultiRNNCell):
        noises = noise or (None,) * len(cell.cells)
        parts = zip(cell.cells, cell.split_state(state), noises, strict=True)
        return [_Layer(*part) for part in parts], cell.join_states
    return None


def _unroll_layers(
    parts: tuple[list[_Layer], Any],
    values: Any,
    rows: Rows,
    *,
    reverse: bool,
    engine: Engine,
    recompute: bool,
) -> tuple[Any, Any]:
    layers, join = parts
    states = []
    for layer in layers:
        values, state = unroll(
            layer.cell,
            values,
            rows,
            layer.state,
            layer.noise,
            reverse=reverse,
            engine=engine,
            recompute=recompute,
        )
        states.append(state)
    return values, join(states)
