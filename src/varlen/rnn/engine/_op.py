"""The native loop as an operator of torch: with autograd, and opaque to the compiler.

The cell's program is an argument (text), so an exported model carries its own cell.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from varlen.rnn._recurrent import Products
from varlen.rnn.engine import _native_loop
from varlen.rnn.engine._cell_program import CellProgram
from varlen.rnn.engine._reference import unroll_reference


@torch.library.custom_op("varlen::unroll", mutates_args=(), device_types="cpu")
def unroll_op(
    inputs: Tensor,
    lengths: Tensor,
    input_weights: Tensor,
    recurrent_weights: Tensor,
    bias: Tensor | None,
    second_weights: Tensor | None,
    vectors: Sequence[Tensor],
    initial_states: Sequence[Tensor],
    program: str,
    reverse: bool,
    keep: bool,
) -> list[Tensor]:
    """Outputs, final states, and with `keep` what the gradient needs."""
    cell = CellProgram.from_json(program)
    with torch.autocast("cpu", enabled=False):
        outputs, final_states, saved = _native_loop.forward(
            inputs,
            lengths,
            Products(input_weights, recurrent_weights, bias, second_weights),
            vectors,
            initial_states,
            cell,
            reverse=reverse,
            keep=keep,
        )
    kept = [] if saved is None else [saved.gates, *saved.states, saved.operands, saved.products]
    return [outputs, *final_states, *kept]


@unroll_op.register_fake
def _(
    inputs: Tensor,
    lengths: Tensor,
    input_weights: Tensor,
    recurrent_weights: Tensor,
    bias: Tensor | None,
    second_weights: Tensor | None,
    vectors: Sequence[Tensor],
    initial_states: Sequence[Tensor],
    program: str,
    reverse: bool,
    keep: bool,
) -> list[Tensor]:
    cell = CellProgram.from_json(program)
    results = [
        inputs.new_empty(inputs.shape[0], inputs.shape[1], cell.output_units),
        *(torch.empty_like(state) for state in initial_states),
    ]
    if keep:
        num_values = torch.library.get_ctx().new_dynamic_size()
        has_second = cell.second_forward is not None
        results += [inputs.new_empty(num_values, n) for n in _native_loop.saved_units(cell)]
        for units in (cell.units, cell.second_units):
            rows = (num_values, _native_loop.padded(units)) if has_second else (0,)
            results.append(inputs.new_empty(rows))
    return results


@torch.library.custom_op("varlen::unroll_backward", mutates_args=(), device_types="cpu")
def unroll_backward_op(
    output_gradients: Tensor,
    final_gradients: Sequence[Tensor],
    inputs: Tensor,
    lengths: Tensor,
    input_weights: Tensor,
    recurrent_weights: Tensor,
    bias: Tensor | None,
    second_weights: Tensor | None,
    vectors: Sequence[Tensor],
    initial_states: Sequence[Tensor],
    kept: Sequence[Tensor],
    program: str,
    reverse: bool,
) -> list[Tensor]:
    """Gradients of the tensor arguments of `unroll_op`, in their order, without absent ones."""
    gates, *states, operands, products = kept
    with torch.autocast("cpu", enabled=False):
        gradients = _native_loop.backward(
            output_gradients,
            final_gradients,
            inputs,
            lengths,
            Products(input_weights, recurrent_weights, bias, second_weights),
            vectors,
            initial_states,
            _native_loop.Saved(gates, list(states), operands, products),
            CellProgram.from_json(program),
            reverse=reverse,
        )
    present = [weight for weight in gradients.products if weight is not None]
    return [gradients.inputs, *present, *gradients.vectors, *gradients.initial_states]


@unroll_backward_op.register_fake
def _(
    output_gradients: Tensor,
    final_gradients: Sequence[Tensor],
    inputs: Tensor,
    lengths: Tensor,
    input_weights: Tensor,
    recurrent_weights: Tensor,
    bias: Tensor | None,
    second_weights: Tensor | None,
    vectors: Sequence[Tensor],
    initial_states: Sequence[Tensor],
    kept: Sequence[Tensor],
    program: str,
    reverse: bool,
) -> list[Tensor]:
    products = (input_weights, recurrent_weights, bias, second_weights)
    tensors = [inputs, *products, *vectors, *initial_states]
    return [torch.empty_like(tensor) for tensor in tensors if tensor is not None]


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    values, lengths, *weights, vectors, states, program, reverse, keep = inputs
    ctx.num_vectors, ctx.num_states = len(vectors), len(states)
    ctx.program, ctx.reverse, ctx.keep = program, reverse, keep
    ctx.save_for_backward(values, lengths, *weights, *vectors, *states, *output[1 + len(states) :])


def _backward(ctx: Any, gradients: Sequence[Tensor | None]) -> tuple[Any, ...]:
    values, lengths, *rest = ctx.saved_tensors
    products, rest = Products(*rest[:4]), rest[4:]
    vectors, rest = rest[: ctx.num_vectors], rest[ctx.num_vectors :]
    states, kept = rest[: ctx.num_states], rest[ctx.num_states :]
    program = CellProgram.from_json(ctx.program)
    output_gradient, *final = gradients[: 1 + ctx.num_states]
    if output_gradient is None:
        output_gradient = values.new_zeros(*values.shape[:2], program.output_units)
    final_gradients = [
        torch.zeros_like(state) if gradient is None else gradient
        for gradient, state in zip(final, states, strict=True)
    ]
    if torch.is_grad_enabled():  # the gradient itself will be differentiated
        found = _differentiable_gradients(
            output_gradient,
            final_gradients,
            values,
            lengths,
            products,
            vectors,
            states,
            program,
            reverse=ctx.reverse,
        )
    else:
        found = unroll_backward_op(
            output_gradient,
            final_gradients,
            values,
            lengths,
            *products,
            vectors,
            states,
            kept,
            ctx.program,
            ctx.reverse,
        )
    remaining = iter(found)
    of_values = next(remaining)
    of_products = [None if weight is None else next(remaining) for weight in products]
    of_vectors = [next(remaining) for _ in vectors]
    of_states = list(remaining)
    return (of_values, None, *of_products, of_vectors, of_states, None, None, None)


def _differentiable_gradients(
    output_gradient: Tensor,
    final_gradients: list[Tensor],
    values: Tensor,
    lengths: Tensor,
    products: Products,
    vectors: list[Tensor],
    states: list[Tensor],
    program: CellProgram,
    *,
    reverse: bool,
) -> list[Tensor]:
    """The gradients by torch's own autograd on the plain twin, with a graph of their own."""
    present = [weight for weight in products if weight is not None]
    arguments = [values, *present, *vectors, *states]
    outputs, final = unroll_reference(
        values, lengths, products, vectors, states, program, reverse=reverse
    )
    wanted = [argument for argument in arguments if argument.requires_grad]
    found = iter(
        torch.autograd.grad(
            [outputs, *final],
            wanted,
            [output_gradient, *final_gradients],
            create_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
    )
    return [
        next(found) if argument.requires_grad else torch.zeros_like(argument)
        for argument in arguments
    ]


unroll_op.register_autograd(_backward, setup_context=_setup_context)
