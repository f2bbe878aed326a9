"""Masks of lengths, as TensorFlow 1 made them."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from varlen.losses._checks import is_integer


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: torch.dtype = torch.bool) -> Tensor:
    """The mask that is true, or 1, at index i of a row where i is below the row's length.

    As `tf.sequence_mask`: a length above `maxlen` gives a row of ones, one below 0 of zeros.

    Args:
        lengths: integers of any shape; a list, array or tensor.
        maxlen: size of the new last axis; None takes the largest length, and at least 0.
        dtype: of the result.

    Returns:
        `[*lengths.shape, maxlen]`, on the device of `lengths`.

    Raises:
        TypeError: lengths or `maxlen` are not integers.
        ValueError: `maxlen` is not a single number of at least 0.
    """
    bounds = torch.as_tensor(lengths)
    if bounds.numel() == 0 and not isinstance(lengths, Tensor | np.ndarray):
        bounds = bounds.long()  # an empty list has no type of its own
    if not is_integer(bounds.dtype):
        raise TypeError(f"lengths: expected integers, found {bounds.dtype}")
    bounds = bounds.long()  # torch has no order of most unsigned types
    num_steps = _largest(bounds) if maxlen is None else _as_size(maxlen)
    steps = torch.arange(num_steps, device=bounds.device)
    return (steps < bounds[..., None]).to(dtype)


def _largest(lengths: Tensor) -> int:
    return max(int(lengths.max()), 0) if lengths.numel() else 0


def _as_size(maxlen: Any) -> int:
    if np.ndim(maxlen) != 0:
        raise ValueError(f"maxlen: expected a single number, found shape {np.shape(maxlen)}")
    size = np.asarray(maxlen)
    if size.dtype.kind not in "iu":
        raise TypeError(f"maxlen: expected an integer, found {maxlen!r}")
    if size < 0:
        raise ValueError(f"maxlen: expected at least 0, found {size}")
    return int(size)
