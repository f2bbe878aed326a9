"""The native loop as an operator of torch: with autograd, and opaque to the compiler.

The cell's program is an argument (text), so an exported model carries its own cell.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from varlen.rnn._recurrent import Products
from varlen.rnn.engine import _native_loop
from varlen.rnn.engine._arguments import Arguments
from varlen.rnn.engine._cell_program import CellProgram
from varlen.rnn.engine._gradient import flat, gradients_in_place, pull_back, remember
from varlen.rnn.engine._rows import Rows


@torch.library.custom_op("varlen::unroll", mutates_args=(), device_types="cpu")
def unroll_op(
    values: Tensor,
    lengths: Tensor,
    bases: Tensor,
    time_offsets: Tensor,
    input_weights: Tensor,
    recurrent_weights: Tensor,
    bias: Tensor | None,
    second_weights: Tensor | None,
    vectors: Sequence[Tensor],
    noises: Sequence[Tensor],
    initial_states: Sequence[Tensor],
    program: str,
    reverse: bool,
    keep: bool,
    recompute: bool,
) -> list[Tensor]:
    """Outputs, final states, and with `keep` what the gradient needs.

    With `recompute` that is less: the gates are computed again for it.
    """
    outputs, final_states, saved = _native_loop.forward(
        values,
        Rows(lengths, bases, time_offsets, values.shape[0]),
        Arguments(
            Products(input_weights, recurrent_weights, bias, second_weights),
            vectors,
            noises,
            initial_states,
        ),
        program,
        reverse=reverse,
        keep=keep,
        recompute=recompute,
    )
    return [outputs, *final_states, *flat(saved)]


@unroll_op.register_fake
def _(
    values: Tensor,
    lengths: Tensor,
    bases: Tensor,
    time_offsets: Tensor,
    input_weights: Tensor,
    recurrent_weights: Tensor,
    bias: Tensor | None,
    second_weights: Tensor | None,
    vectors: Sequence[Tensor],
    noises: Sequence[Tensor],
    initial_states: Sequence[Tensor],
    program: str,
    reverse: bool,
    keep: bool,
    recompute: bool,
) -> list[Tensor]:
    cell = CellProgram.from_json(program)
    results = [
        values.new_empty(values.shape[0], cell.output_units),
        *(
            torch.empty_like(state, memory_format=torch.contiguous_format)
            for state in initial_states
        ),
    ]
    if keep:
        num_steps = torch.library.get_ctx().new_dynamic_size()
        for width in _native_loop.saved_widths(cell, recompute=recompute):
            results.append(values.new_empty(num_steps if width else 0, width))
    return results


@torch.library.custom_op("varlen::unroll_backward", mutates_args=(), device_types="cpu")
def unroll_backward_op(
    output_gradients: Tensor | None,
    final_gradients: Sequence[Tensor | None],
    values: Tensor,
    lengths: Tensor,
    bases: Tensor,
    time_offsets: Tensor,
    input_weights: Tensor,
    recurrent_weights: Tensor,
    bias: Tensor | None,
    second_weights: Tensor | None,
    vectors: Sequence[Tensor],
    noises: Sequence[Tensor],
    initial_states: Sequence[Tensor],
    gates: Tensor,
    states: Sequence[Tensor],
    operands: Tensor,
    products: Tensor,
    program: str,
    reverse: bool,
    of_values: bool,
) -> list[Tensor]:
    """Gradients of the tensor arguments of `unroll_op`, in their order, without absent ones.

    That of `values` is empty if not `of_values`.
    """
    rows = Rows(lengths, bases, time_offsets, values.shape[0])
    weights = Products(input_weights, recurrent_weights, bias, second_weights)
    given = Arguments(weights, vectors, noises, initial_states)
    saved = _native_loop.Saved(gates.clone(), list(states), operands, products)
    return gradients_in_place(
        output_gradients,
        final_gradients,
        values,
        rows,
        given,
        saved,
        program,
        reverse=reverse,
        of_values=of_values,
    )


@unroll_backward_op.register_fake
def _(
    output_gradients: Tensor | None,
    final_gradients: Sequence[Tensor | None],
    values: Tensor,
    lengths: Tensor,
    bases: Tensor,
    time_offsets: Tensor,
    input_weights: Tensor,
    recurrent_weights: Tensor,
    bias: Tensor | None,
    second_weights: Tensor | None,
    vectors: Sequence[Tensor],
    noises: Sequence[Tensor],
    initial_states: Sequence[Tensor],
    gates: Tensor,
    states: Sequence[Tensor],
    operands: Tensor,
    products: Tensor,
    program: str,
    reverse: bool,
    of_values: bool,
) -> list[Tensor]:
    weights = (input_weights, recurrent_weights, bias, second_weights)
    tensors = [weight for weight in (*weights, *vectors, *initial_states) if weight is not None]
    of = values if of_values else values.new_empty(0)
    return [torch.empty_like(t, memory_format=torch.contiguous_format) for t in (of, *tensors)]


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    values, lengths, bases, time_offsets, *rest = inputs
    *weights, vectors, noises, states, program, reverse, _, _ = rest
    rows = Rows(lengths, bases, time_offsets, values.shape[0])
    given = Arguments(Products(*weights), vectors, noises, states)
    remember(ctx, values, rows, given, output[1 + len(states) :], program, reverse=reverse)
    ctx.of_values = ctx.needs_input_grad[0]


def _backward(ctx: Any, gradients: Sequence[Tensor | None]) -> tuple[Any, ...]:
    found = pull_back(ctx, gradients)
    no_tables, no_noises, no_settings = [None] * 3, [None] * ctx.num_noises, [None] * 4
    return (
        found.values,
        *no_tables,
        *found.products,
        found.vectors,
        no_noises,
        found.states,
        *no_settings,
    )


unroll_op.register_autograd(_backward, setup_context=_setup_context)
