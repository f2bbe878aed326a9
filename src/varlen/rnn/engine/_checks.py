"""What the native loop would read out of bounds, or as numbers that it is not.

Anyone can call an operator, so its arguments are checked where the core gets them.
"""

from functools import lru_cache

import torch
from torch import Tensor

from varlen.rnn.engine._arguments import Arguments
from varlen.rnn.engine._cell_program import CellProgram
from varlen.rnn.engine._rows import Rows

DTYPES = (torch.float32, torch.float64)
"""What the loop is compiled for."""

_WEIGHTS = ("input weights", "recurrent weights", "bias", "second weights")


@lru_cache(maxsize=256)
def weight_shapes(program: str, input_size: int) -> tuple[tuple[int, ...], ...]:
    """Of the weights of the products, in order, and of each vector; (0, 0) where there is none."""
    cell = CellProgram.from_json(program)
    units = cell.units
    return (
        (input_size, units * (cell.num_gates + cell.num_input_gates)),
        (cell.state_units[cell.product_state], units * (cell.num_gates + cell.num_recurrent_gates)),
        (units * cell.all_gates,),
        (units, cell.second_units) if cell.second_forward is not None else (0, 0),
        *[(units,)] * cell.num_vectors,
    )


def check_call(program: str, values: Tensor, rows: Rows, given: Arguments) -> None:
    """Checks the arguments of a call, forward or backward.

    Raises:
        ValueError: what does not fit.
    """
    check_kind(values, values, *given.differentiable(), *given.noises)
    products, vectors, noises, states = given
    batch_size = len(rows.lengths)
    if values.ndim != 2 or values.shape[0] != rows.num_rows:
        raise ValueError(f"values: expected {rows.num_rows} rows, found {tuple(values.shape)}")
    cell, shapes = CellProgram.from_json(program), weight_shapes(program, values.shape[1])
    if len(vectors) != cell.num_vectors:
        raise ValueError(f"vectors: expected {cell.num_vectors}, found {len(vectors)}")
    if len(noises) != cell.num_noises:
        raise ValueError(f"noises: expected {cell.num_noises}, found {len(noises)}")
    if (products.second is None) != (cell.second_forward is None):
        raise ValueError("second weights: expected where the program has a second product")
    expected = [
        *zip(_WEIGHTS, products, shapes[: len(products)], strict=True),
        *(("vector", *pair) for pair in zip(vectors, shapes[len(products) :], strict=True)),
        *(
            ("initial state", leaf, (batch_size, width))
            for leaf, width in zip(states, cell.state_units, strict=True)
        ),
        *(("noise", noise, (int(rows.lengths.sum()), cell.units)) for noise in noises),
    ]
    for name, tensor, shape in expected:
        if tensor is not None and tensor.shape != shape:
            raise ValueError(f"{name}: expected shape {shape}, found {tuple(tensor.shape)}")
    for name, table in (("lengths", rows.lengths), ("bases", rows.bases)):
        if table.dtype != torch.int64 or table.shape != (batch_size,) or not table.is_contiguous():
            raise ValueError(f"{name}: expected int64 of shape ({batch_size},), found {table}")
    if rows.time_offsets.dtype != torch.int64 or not rows.time_offsets.is_contiguous():
        raise ValueError(f"time_offsets: expected int64, found {rows.time_offsets.dtype}")


def check_kind(like: Tensor, *tensors: Tensor) -> None:
    """Checks that the core can read the tensors.

    Raises:
        ValueError: another dtype or device.
    """
    for tensor in tensors:
        if tensor.dtype != like.dtype or like.dtype not in DTYPES or not tensor.is_cpu:
            expected = like.dtype if like.dtype in DTYPES else "torch.float32 or torch.float64"
            raise ValueError(
                f"expected {expected} on the CPU, found {tensor.dtype} on {tensor.device}"
            )
