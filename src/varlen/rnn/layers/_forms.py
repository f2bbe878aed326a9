"""The forms in which a layer takes sequences, and in which it gives its outputs back.

Inside there is one form only: the values of all steps, and where the steps of each row stand.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from varlen.rnn.engine import Rows, as_lengths


class Sequences(NamedTuple):
    """Checked inputs of a layer.

    Attributes:
        values: `[values, features]`.
        rows: where the steps of each row stand among them.
        live: makes `[values]`, bool, which values are real steps; None: all are.
        batch_size: the number of rows.
        is_batched: False if it is a single sequence without a batch axis.
        restore: outputs `[values, ...]` in the form of the inputs.
    """

    values: Tensor
    rows: Rows
    live: Callable[[], Tensor] | None
    batch_size: int
    is_batched: bool
    restore: Callable[[Tensor], Any]


def take_sequences(inputs: Any, lengths: Any, *, batch_first: bool, layer: str) -> Sequences:
    """Takes padded tensors, one sequence, a `PackedSequence` or a jagged nested tensor.

    Raises:
        TypeError: something else.
        ValueError: a wrong number of axes; lengths that do not fit, or that the form has itself.
    """
    if isinstance(inputs, PackedSequence):
        _refuse_lengths(lengths, "a PackedSequence")
        return _of_packed(inputs)
    if not isinstance(inputs, Tensor):
        raise TypeError(
            f"{layer}: expected input that is a tensor or a PackedSequence, "
            f"found a {type(inputs).__name__}"
        )
    if inputs.is_nested:
        _refuse_lengths(lengths, "a nested tensor")
        return _of_nested(inputs, layer=layer)
    if inputs.ndim not in (2, 3):
        raise ValueError(
            f"{layer}: expected input of 2 axes (time, features) or of 3 "
            f"({'batch, time' if batch_first else 'time, batch'}, features), "
            f"found shape {tuple(inputs.shape)}"
        )
    return _of_padded(inputs, lengths, batch_first=batch_first)


def _of_padded(inputs: Tensor, lengths: Any, *, batch_first: bool) -> Sequences:
    is_batched = inputs.ndim == 3
    time_major = is_batched and not batch_first
    block = inputs if is_batched else inputs[None]
    batch_size, num_steps = block.shape[1::-1] if time_major else block.shape[:2]
    checked = as_lengths(lengths, batch_size, num_steps, argument="lengths")
    make_rows = Rows.time_major if time_major else Rows.padded

    def live() -> Tensor:
        steps = torch.arange(num_steps)
        found = steps[:, None] < checked if time_major else steps < checked[:, None]
        return found.flatten()

    def restore(outputs: Tensor) -> Tensor:
        return outputs.reshape(*inputs.shape[:-1], outputs.shape[-1])

    rows = make_rows(checked, num_steps)
    its_live = None if lengths is None else live
    return Sequences(block.flatten(0, 1), rows, its_live, batch_size, is_batched, restore)


def _of_packed(inputs: PackedSequence) -> Sequences:
    rows = Rows.packed(inputs.batch_sizes, inputs.sorted_indices)

    def restore(outputs: Tensor) -> PackedSequence:
        return PackedSequence(
            outputs, inputs.batch_sizes, inputs.sorted_indices, inputs.unsorted_indices
        )

    return Sequences(inputs.data, rows, None, len(rows.lengths), True, restore)


def _of_nested(inputs: Tensor, *, layer: str) -> Sequences:
    if inputs.layout != torch.jagged:
        raise TypeError(
            f"{layer}: expected a nested tensor with layout=torch.jagged, found {inputs.layout}"
        )
    if inputs.ndim != 3 or inputs._ragged_idx != 1:  # type: ignore[attr-defined]
        raise ValueError(
            f"{layer}: expected a nested tensor of shape (batch, ragged time, features), "
            f"found {tuple(inputs.shape)}"
        )
    # One with holes between its rows gets rid of them.
    inputs = inputs if inputs.lengths() is None else inputs.contiguous()  # type: ignore[attr-defined]
    offsets: Tensor = inputs.offsets()  # type: ignore[attr-defined]
    lengths = offsets.diff().cpu()

    def restore(outputs: Tensor) -> Tensor:
        # The same offsets, so that the ragged axis is the same one as that of the inputs.
        return torch.nested.nested_tensor_from_jagged(outputs, offsets=offsets)

    return Sequences(inputs.values(), Rows.jagged(lengths), None, len(lengths), True, restore)


def _refuse_lengths(lengths: Any, form: str) -> None:
    if lengths is not None:
        raise ValueError(
            f"lengths: expected None beside {form}, which has lengths of its own; "
            "lengths are for padded tensors"
        )
