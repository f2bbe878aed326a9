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
from varlen.rnn.engine._choose import is_watched
from varlen.rnn.engine._reference import unroll_reference
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
        Products(input_weights, recurrent_weights, bias, second_weights),
        vectors,
        initial_states,
        program,
        reverse=reverse,
        keep=keep,
        recompute=recompute,
    )
    kept = [] if saved is None else [saved.gates, *saved.states, saved.operands, saved.products]
    return [outputs, *final_states, *kept]


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
    saved = _native_loop.Saved(gates.clone(), list(states), operands, products)
    return _in_place_gradients(
        output_gradients,
        final_gradients,
        values,
        rows,
        weights,
        vectors,
        initial_states,
        saved,
        program,
        reverse=reverse,
        of_values=of_values,
    )


def _in_place_gradients(*arguments: Any, reverse: bool, of_values: bool) -> list[Tensor]:
    """What the operator returns; it may overwrite the gates that were saved."""
    gradients = _native_loop.backward(*arguments, reverse=reverse, of_values=of_values)
    present = [weight for weight in gradients.products if weight is not None]
    return [gradients.values, *present, *gradients.vectors, *gradients.initial_states]


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
    *tensors, vectors, states, program, reverse, _, _ = inputs
    ctx.num_tensors, ctx.num_vectors, ctx.num_states = len(tensors), len(vectors), len(states)
    ctx.program, ctx.reverse = program, reverse
    ctx.of_values = ctx.needs_input_grad[0]
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(*tensors, *vectors, *states, *output[1 + len(states) :])


def _backward(ctx: Any, gradients: Sequence[Tensor | None]) -> tuple[Any, ...]:
    rest = list(ctx.saved_tensors)
    tensors, rest = rest[: ctx.num_tensors], rest[ctx.num_tensors :]
    vectors, rest = rest[: ctx.num_vectors], rest[ctx.num_vectors :]
    states, kept = rest[: ctx.num_states], rest[ctx.num_states :]
    values, lengths, bases, time_offsets, *products = tensors
    rows = Rows(lengths, bases, time_offsets, values.shape[0])
    output_gradient, *final_gradients = gradients[: 1 + ctx.num_states]
    if torch.is_grad_enabled():  # the gradient itself will be differentiated
        found = _differentiable_gradients(
            output_gradient,
            final_gradients,
            values,
            rows,
            Products(*products),
            vectors,
            states,
            CellProgram.from_json(ctx.program),
            reverse=ctx.reverse,
        )
    elif _is_last_use(kept[0]):
        found = _in_place_gradients(
            output_gradient,
            final_gradients,
            values,
            rows,
            Products(*products),
            vectors,
            states,
            _native_loop.Saved(kept[0], kept[1:-2], *kept[-2:]),
            ctx.program,
            reverse=ctx.reverse,
            of_values=ctx.of_values,
        )
    else:
        found = unroll_backward_op(
            output_gradient,
            final_gradients,
            *tensors,
            vectors,
            states,
            kept[0],
            kept[1:-2],
            *kept[-2:],
            ctx.program,
            ctx.reverse,
            ctx.of_values,
        )
    remaining = iter(found)
    of_values = next(remaining)
    of_products = [None if weight is None else next(remaining) for weight in products]
    of_vectors = [next(remaining) for _ in vectors]
    of_states = list(remaining)
    return (
        of_values if ctx.of_values else None,
        *[None] * 3,
        *of_products,
        of_vectors,
        of_states,
        *[None] * 4,
    )


def _is_last_use(gates: Tensor) -> bool:
    """Whether nobody reads the saved gates after this: no second backward pass, tracer, or caller.

    Then their gradients can take their place, half of all that is saved. Without a sure sign the
    answer is no.
    """
    graph_is_kept = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", None)
    count_holders = getattr(torch._C, "_storage_Use_Count", None)
    if graph_is_kept is None or count_holders is None:
        return False
    if is_watched(gates) or graph_is_kept():
        return False
    # The graph's own, the tensor that it gave us, and the handle that is asked here.
    known_holders = 3
    return bool(count_holders(gates.untyped_storage()._cdata) <= known_holders)


def _differentiable_gradients(
    output_gradient: Tensor | None,
    final_gradients: list[Tensor | None],
    values: Tensor,
    rows: Rows,
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
        values, rows, products, vectors, states, program, reverse=reverse
    )
    wanted = [argument for argument in arguments if argument.requires_grad]
    pulled = [
        (result, gradient)
        for result, gradient in zip(
            [outputs, *final], [output_gradient, *final_gradients], strict=True
        )
        if gradient is not None
    ]
    found = iter(
        torch.autograd.grad(
            [result for result, _ in pulled],
            wanted,
            [gradient for _, gradient in pulled],
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
