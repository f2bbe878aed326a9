"""One step of a cell on the native core, for streams: little else than its products takes time."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from varlen import _native
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn.engine import _native_loop
from varlen.rnn.engine._arguments import Arguments
from varlen.rnn.engine._cell_program import cell_program
from varlen.rnn.engine._checks import DTYPES, weight_shapes
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
        or inputs.dtype not in DTYPES
        or not (inputs.is_cpu and products.input.is_cpu)
        or is_watched(inputs)
    ):
        return None
    try:
        program = cell_program(cell)
    except Untraceable:
        return None
    vectors = cell.vectors()
    given, shapes = (*products, *vectors), weight_shapes(program.json, inputs.shape[1])
    for tensor, shape in zip(given, shapes, strict=True):
        if tensor is not None and (
            tensor.shape != shape or tensor.dtype != inputs.dtype or not tensor.is_cpu
        ):
            return None  # what it may be instead is for plain torch to say
    batch_size = len(inputs)
    for number, (leaf, units) in enumerate(zip(leaves, program.state_units, strict=True)):
        if leaf.shape != (batch_size, units) or leaf.dtype != inputs.dtype or not leaf.is_cpu:
            raise ValueError(
                f"{type(cell).__name__}: state, leaf {number}: expected {inputs.dtype} of shape "
                f"{(batch_size, units)} on the CPU, found {leaf.dtype} of shape "
                f"{tuple(leaf.shape)} on {leaf.device}"
            )
    outputs = None  # where it is a state, it is that state
    if program.output_state < 0:
        outputs = inputs.new_empty(batch_size, program.output_units)
    next_leaves, _ = _native_loop.run_forward(
        inputs.contiguous(),
        outputs,
        _single_steps(batch_size),
        Arguments(products, vectors, (), leaves),
        program.json,
    )
    return next_leaves[program.output_state] if outputs is None else outputs, next_leaves


@lru_cache(maxsize=64)
def _single_steps(batch_size: int) -> Any:
    """The core's batch of as many sequences of one step."""
    rows = Rows.padded(torch.ones(batch_size, dtype=torch.int64), 1)
    return _native_loop.make_batch(rows, reverse=False)
