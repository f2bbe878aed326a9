"""Lists of steps, which the static unrolls take and give, as blocks, and back."""

from typing import Any

import torch

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, as_cell, as_tensor
from varlen.rnn.unroll._inputs import map_tuples


def stack_steps(cell: RNNCell, inputs: Any) -> Any:
    """Steps as one block, each leaf `[time, batch, ...]`.

    Args:
        cell: on whose device what is no tensor yet is put.
        inputs: a list or tuple of steps, each `[batch, ...]`, or a tuple of those.

    Raises:
        TypeError: `inputs` is not a list or tuple, or `cell` no cell.
        ValueError: no steps, or steps of unequal structure or shape.
    """
    as_cell(cell)
    if not isinstance(inputs, list | tuple):
        raise TypeError(f"inputs: expected a list of steps, found a {type(inputs).__name__}")
    if not inputs:
        raise ValueError("inputs: expected at least one step, found none")
    steps = [map_tuples(lambda leaf: as_tensor(leaf, cell), step) for step in inputs]
    shapes = [map_tuples(lambda leaf: tuple(leaf.shape), step) for step in steps]
    for t, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ValueError(
                f"inputs[{t}]: expected shape {shapes[0]}, as in inputs[0], found {shape}"
            )
    return _nest.map_structure(lambda *leaves: torch.stack(leaves), *steps)


def unstack_steps(outputs: Any) -> list[Any]:
    """The inverse of `stack_steps`."""
    leaves, structure = _nest.flatten(outputs)
    by_step = zip(*(leaf.unbind(0) for leaf in leaves), strict=True)
    return [_nest.unflatten(structure, list(step)) for step in by_step]
