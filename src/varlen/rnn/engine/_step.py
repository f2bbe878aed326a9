"""One step of a cell on the native core, for streams: little else than its products takes time."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from varlen import _native
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn.engine import _native_loop
from varlen.rnn.engine._cell_program import CellProgram, cell_program
from varlen.rnn.engine._choose import is_watched
from varlen.rnn.engine._rows import Rows
from varlen.rnn.engine._trace import Untraceable


def native_step(
    cell: RecurrentCell, inputs: Tensor, products: Products, leaves: list[Tensor]
) -> tuple[Tensor, list[Tensor]] | None:
    """Takes a step without a graph; None where the plain one has to do it.

    Args:
        cell: any cell.
        inputs: `[batch, input_size]`, checked.
        products: of the cell.
        leaves: of the state, `[batch, units]` each.

    Returns:
        `(output, next leaves)`.

    Raises:
        ValueError: a leaf that does not fit.
    """
    if (
        not _native.NATIVE
        or torch.is_grad_enabled()
        or inputs.dtype not in _native_loop.DTYPES
        or not (inputs.is_cpu and products.input.is_cpu)
        or is_watched(inputs)
    ):
        return None
    try:
        program = cell_program(cell)
    except Untraceable:
        return None
    vectors = cell.vectors()
    if not _fit(inputs, products, vectors, program):
        return None
    batch_size = len(inputs)
    for number, (leaf, units) in enumerate(zip(leaves, program.state_units, strict=True)):
        if leaf.shape != (batch_size, units) or leaf.dtype != inputs.dtype or not leaf.is_cpu:
            raise ValueError(
                f"state, leaf {number}: expected {inputs.dtype} of shape {(batch_size, units)} on "
                f"the CPU, found {leaf.dtype} of shape {tuple(leaf.shape)} on {leaf.device}"
            )
    outputs, next_leaves, _ = _native_loop.run_forward(
        inputs.contiguous(),
        _single_steps(batch_size),
        products,
        vectors,
        leaves,
        program.json,
    )
    return outputs, next_leaves


def _fit(inputs: Tensor, products: Products, vectors: list[Tensor], program: CellProgram) -> bool:
    """Whether the core can read the weights; what else they may be is for plain torch to say."""
    units, state = program.units, program.state_units[program.product_state]
    shapes: list[tuple[int, ...]] = [
        (inputs.shape[1], units * (program.num_gates + program.num_input_gates)),
        (state, units * (program.num_gates + program.num_recurrent_gates)),
    ]
    if products.bias is not None:
        shapes.append((units * program.all_gates,))
    if program.second_units:
        shapes.append((units, program.second_units))
    shapes += [(units,)] * program.num_vectors
    given = [tensor for tensor in (*products, *vectors) if tensor is not None]
    return [tensor.shape for tensor in given] == shapes and all(
        tensor.dtype == inputs.dtype and tensor.is_cpu for tensor in given
    )


@lru_cache(maxsize=64)
def _single_steps(batch_size: int) -> Any:
    """The core's batch of as many sequences of one step."""
    rows = Rows.padded(torch.ones(batch_size, dtype=torch.int64), 1)
    return _native_loop.make_batch(rows, reverse=False)
