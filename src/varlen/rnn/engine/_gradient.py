"""The gradient of an unroll on the native loop, for the operator and for direct calls.

Torch's way through an operator takes longer than a short unroll, so what nobody watches is called
directly, as a function with the same gradient.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from varlen.rnn._recurrent import Products
from varlen.rnn.engine import _native_loop
from varlen.rnn.engine._arguments import Arguments
from varlen.rnn.engine._cell_program import CellProgram
from varlen.rnn.engine._choose import is_watched
from varlen.rnn.engine._native_loop import Saved
from varlen.rnn.engine._reference import unroll_reference
from varlen.rnn.engine._rows import Rows


class Pulled(NamedTuple):
    """Gradients of the arguments of an unroll; None for weights that are not there."""

    values: Tensor | None
    products: list[Tensor | None]
    vectors: list[Tensor]
    states: list[Tensor]


class Unroll(torch.autograd.Function):
    """An unroll that keeps what its gradient needs."""

    @staticmethod
    def forward(
        ctx: Any,
        rows: Rows,
        program: str,
        reverse: bool,
        recompute: bool,
        counts: tuple[int, int],
        values: Tensor,
        *tensors: Tensor | None,
    ) -> tuple[Tensor, ...]:
        """`tensors` are those of `Arguments`, `counts` how many of them are vectors and noises.

        Returns:
            `(outputs, *final_states)`.
        """
        given = _grouped(list(tensors), counts)
        outputs, final_states, saved = _native_loop.forward(
            values, rows, given, program, reverse=reverse, keep=True, recompute=recompute
        )
        remember(ctx, values, rows, given, flat(saved), program, reverse=reverse)
        ctx.of_values = ctx.needs_input_grad[5]
        return outputs, *final_states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        found = pull_back(ctx, gradients, may_overwrite=True)
        no_settings, no_noises = [None] * 5, [None] * ctx.num_noises
        return (
            *no_settings,
            found.values,
            *found.products,
            *found.vectors,
            *no_noises,
            *found.states,
        )


def _grouped(tensors: list[Any], counts: tuple[int, int]) -> Arguments:
    (num_vectors, num_noises), num_products = counts, len(Products._fields)
    products, rest = tensors[:num_products], tensors[num_products:]
    vectors, rest = rest[:num_vectors], rest[num_vectors:]
    return Arguments(Products(*products), vectors, rest[:num_noises], rest[num_noises:])


def flat(saved: Saved | None) -> list[Tensor]:
    """What was saved as one list; empty if nothing was."""
    return [] if saved is None else [saved.gates, *saved.states, saved.operands, saved.products]


def remember(
    ctx: Any,
    values: Tensor,
    rows: Rows,
    given: Arguments,
    kept: Sequence[Tensor],
    program: str,
    *,
    reverse: bool,
) -> None:
    """Notes what `pull_back` needs.

    Args:
        ctx: of the function or operator; `of_values` is set beside.
        values: the inputs.
        rows: where their steps lie.
        given: the other tensors.
        kept: as `flat` has it.
        program: of the cell.
        reverse: whether rows were walked from their ends.
    """
    ctx.num_vectors, ctx.num_noises = len(given.vectors), len(given.noises)
    ctx.num_states, ctx.program, ctx.reverse = len(given.states), program, reverse
    ctx.set_materialize_grads(False)
    tables = rows.lengths, rows.bases, rows.time_offsets
    products, *others = given
    ctx.save_for_backward(values, *tables, *products, *(t for part in others for t in part), *kept)


def pull_back(
    ctx: Any, gradients: Sequence[Tensor | None], *, may_overwrite: bool = False
) -> Pulled:
    """The gradients of an unroll's arguments, from those of its outputs and final states.

    Args:
        ctx: as `remember` left it.
        gradients: None for zeros.
        may_overwrite: whether gradients may take the place of the gates that were saved, if nobody
            else holds these.
    """
    kept = list(ctx.saved_tensors)
    (values, lengths, bases, time_offsets), kept = kept[:4], kept[4:]
    num_given = len(Products._fields) + ctx.num_vectors + ctx.num_noises + ctx.num_states
    given, kept = _grouped(kept[:num_given], (ctx.num_vectors, ctx.num_noises)), kept[num_given:]
    rows = Rows(lengths, bases, time_offsets, values.shape[0])
    of_outputs, *of_finals = gradients[: 1 + ctx.num_states]
    if torch.is_grad_enabled():  # the gradient itself will be differentiated
        program = CellProgram.from_json(ctx.program)
        found = _differentiable_gradients(
            of_outputs, of_finals, values, rows, given, program, reverse=ctx.reverse
        )
    elif may_overwrite and _is_last_use(kept):
        found = gradients_in_place(
            of_outputs,
            of_finals,
            values,
            rows,
            given,
            Saved(kept[0], kept[1:-2], *kept[-2:]),
            ctx.program,
            reverse=ctx.reverse,
            of_values=ctx.of_values,
        )
    else:
        products, *others = given
        found = torch.ops.varlen.unroll_backward(
            of_outputs,
            of_finals,
            values,
            lengths,
            bases,
            time_offsets,
            *products,
            *others,
            kept[0],
            kept[1:-2],
            *kept[-2:],
            ctx.program,
            ctx.reverse,
            ctx.of_values,
        )
    remaining = iter(found)
    of_values = next(remaining)
    return Pulled(
        of_values if ctx.of_values else None,
        [None if weight is None else next(remaining) for weight in given.products],
        [next(remaining) for _ in given.vectors],
        list(remaining),
    )


def gradients_in_place(*arguments: Any, reverse: bool, of_values: bool) -> list[Tensor]:
    """What the operator returns; it may overwrite the gates that were saved."""
    gradients = _native_loop.backward(*arguments, reverse=reverse, of_values=of_values)
    present = [weight for weight in gradients.products if weight is not None]
    return [gradients.values, *present, *gradients.vectors, *gradients.initial_states]


def _is_last_use(kept: list[Tensor]) -> bool:
    """Whether nobody reads the saved gates, the first of them, after this.

    Not in a second backward pass, nor a tracer, nor somebody who got them from a hook. Then their
    gradients can take their place, half of all that is saved. Without a sure sign the answer is no.
    """
    graph_is_kept = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", None)
    count_holders = getattr(torch._C, "_storage_Use_Count", None)
    if graph_is_kept is None or count_holders is None or is_watched(*kept) or graph_is_kept():
        return False
    if sys.getrefcount(kept[0]) > _count_without_others():
        return False
    # Of its memory: the tensor itself, and the handle that is asked here.
    return bool(count_holders(kept[0].untyped_storage()._cdata) <= 2)


@cache
def _count_without_others() -> int:
    """How many hold a saved tensor that nobody holds but a list: torch's versions differ."""
    found = []

    class Probe(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, value: Tensor) -> Tensor:
            ctx.save_for_backward(value + 1)
            return value.clone()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            kept = list(ctx.saved_tensors)
            found.append(sys.getrefcount(kept[0]))
            return gradient

    def probe() -> None:
        with torch.enable_grad():
            value = torch.zeros((), requires_grad=True)
            torch.autograd.grad(Probe.apply(value), value)  # type: ignore[no-untyped-call]

    # A thread of its own has no hooks that could hold the tensor.
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(probe).result()
    return found[0]


def _differentiable_gradients(
    output_gradient: Tensor | None,
    final_gradients: list[Tensor | None],
    values: Tensor,
    rows: Rows,
    given: Arguments,
    program: CellProgram,
    *,
    reverse: bool,
) -> list[Tensor]:
    """The gradients by torch's own autograd on the plain twin, with a graph of their own."""
    # Tensors of their own: an argument may be another one as well, or be made of it (a state of
    # values, a later chunk's state of the weights), and these ways are no part of this gradient.
    values = values.view_as(values)
    products, *others = given
    own_products = Products._make(None if w is None else w.view_as(w) for w in products)
    given = Arguments(own_products, *([t.view_as(t) for t in part] for part in others))
    arguments = [values, *given.differentiable()]
    outputs, final = unroll_reference(values, rows, given, program, reverse=reverse)
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
