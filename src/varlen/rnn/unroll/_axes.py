"""Operations on the axes of batches of sequences."""

import numpy as np
import torch
from torch import Tensor

from varlen.sequences import check_lengths


def reverse_sequence(
    input: Tensor, seq_lengths: object, seq_axis: int, batch_axis: int = 0
) -> Tensor:
    """Turns the first steps of each row around, as many as its length says; the rest stays.

    As `tf.reverse_sequence`. It is its own inverse, and its own gradient.

    Args:
        input: of any dtype, with at least two axes.
        seq_lengths: `[batch]`, of any integer type.
        seq_axis: the axis of the steps; below 0 it counts from the last.
        batch_axis: the axis of the rows.

    Returns:
        A tensor of the shape of `input`.

    Raises:
        TypeError: not a tensor, or lengths that are not integers.
        ValueError: an axis that is not there, twice the same axis, not one length per row, or a
            length out of range.
    """
    _check_tensor(input, argument="input")
    axes = [
        _check_axis(axis, input, argument=argument)
        for axis, argument in ((batch_axis, "batch_axis"), (seq_axis, "seq_axis"))
    ]
    if axes[0] == axes[1]:
        raise ValueError(f"seq_axis: expected another axis than batch_axis, found {seq_axis}")
    rows = input.movedim(axes, (0, 1))
    batch_size, num_steps = rows.shape[:2]
    lengths = check_lengths(seq_lengths, batch_size, num_steps, argument="seq_lengths")[:, None]
    steps = np.arange(num_steps)
    source = np.where(steps < lengths, lengths - 1 - steps, steps)
    source += np.arange(batch_size)[:, None] * num_steps
    index = torch.from_numpy(source.ravel()).to(input.device)
    reversed_rows = rows.flatten(0, 1).index_select(0, index).reshape(rows.shape)
    return reversed_rows.movedim((0, 1), axes)


def transpose_batch_time(x: Tensor) -> Tensor:
    """Swaps the first two axes; what has fewer stays as it is. As TensorFlow 1's helper."""
    _check_tensor(x, argument="x")
    return x.transpose(0, 1) if x.ndim >= 2 else x


def _check_tensor(value: object, *, argument: str) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"{argument}: expected a tensor, found a {type(value).__name__}")


def _check_axis(axis: int, input: Tensor, *, argument: str) -> int:
    if not -input.ndim <= axis < input.ndim:
        raise ValueError(
            f"{argument}: expected an axis of input of shape {tuple(input.shape)}, found {axis}"
        )
    return axis % input.ndim
