"""How cells make their parameters: TensorFlow's layout, names and initial values."""

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from varlen.errors import did_you_mean

Initializer = Callable[[Tensor], Any]
"""Fills a tensor in place, as the functions of `torch.nn.init` do."""

Activation = Callable[[Tensor], Tensor]


def identity(x: Tensor) -> Tensor:
    """No function at all; it has a name so that cells with it can be pickled."""
    return x


ACTIVATIONS: dict[str, Activation] = {
    "elu": nn.functional.elu,
    "identity": identity,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "softplus": nn.functional.softplus,
    "softsign": nn.functional.softsign,
    "tanh": torch.tanh,
}


def as_activation(
    activation: str | Activation | None, *, argument: str = "activation"
) -> Activation:
    """A function from its name; None is tanh.

    Raises:
        ValueError: an unknown name.
        TypeError: neither a name nor callable.
    """
    if activation is None:
        return torch.tanh
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"{argument}: no function named {activation!r}; "
                + did_you_mean(activation, ACTIVATIONS)
            )
        return ACTIVATIONS[activation]
    if not callable(activation):
        raise TypeError(
            f"{argument}: expected a function or its name, found a {type(activation).__name__}"
        )
    return activation


def glorot_uniform_(tensor: Tensor) -> Tensor:
    """U(-L, L) with L = sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).

    TensorFlow's default: a vector of n has both fans n, and a kernel of a convolution `[..., n, m]`
    has fans n and m times its size in space.
    """
    *space, fan_in, fan_out = tensor.shape if tensor.ndim > 1 else tensor.shape * 2
    fan_in, fan_out = fan_in * math.prod(space), fan_out * math.prod(space)
    bound = (6 / max(1, fan_in + fan_out)) ** 0.5
    with torch.no_grad():
        return tensor.uniform_(-bound, bound)


def make_parameter(
    *shape: int,
    initializer: Initializer | None,
    dtype: torch.dtype | None,
    device: torch.device | str | None,
) -> nn.Parameter:
    """A parameter filled by `initializer`; None is `glorot_uniform_`.

    Raises:
        TypeError: what is given is no initialiser or no dtype.
        ValueError: the dtype is not a floating one.
    """
    if not isinstance(dtype, torch.dtype | None):
        raise TypeError(f"dtype: expected a torch.dtype, found {dtype!r}")
    if dtype is not None and not dtype.is_floating_point:
        raise ValueError(f"dtype: expected a floating one, found {dtype}")
    if initializer is not None and not callable(initializer):
        raise TypeError(
            "initializer: expected a function that fills a tensor, as those of torch.nn.init, "
            f"found {initializer!r}"
        )
    parameter = nn.Parameter(torch.empty(*shape, dtype=dtype, device=device))
    (initializer or glorot_uniform_)(parameter)
    return parameter


def check_positive(value: int, *, argument: str) -> int:
    """`value`, if it is an int of at least 1.

    Raises:
        TypeError, ValueError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{argument}: expected an int, found {value!r}")
    if value < 1:
        raise ValueError(f"{argument}: expected at least 1, found {value}")
    return value


def check_list(values: Sequence[int], *, argument: str) -> list[int]:
    """`values` as a list, if they are several ints.

    Raises:
        TypeError: they are not.
    """
    if not isinstance(values, Sequence) or not all(type(value) is int for value in values):
        raise TypeError(f"{argument}: expected a list of ints, found {values!r}")
    return list(values)


def check_number(value: float, *, argument: str) -> float:
    """`value`, if it is a number.

    Raises:
        TypeError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{argument}: expected a number, found {value!r}")
    return value


def check_keep_prob(keep_prob: float, *, argument: str) -> float:
    """`keep_prob` as TensorFlow takes it, rounded to float32, if it is above 0 and at most 1.

    Raises:
        TypeError, ValueError: it is not.
    """
    rounded = float(np.float32(check_number(keep_prob, argument=argument)))
    if not 0 < rounded <= 1:
        raise ValueError(f"{argument}: expected above 0 and at most 1, found {keep_prob}")
    return rounded


def make_shards(
    module: nn.Module,
    name: str,
    shape: tuple[int, int],
    *,
    num_shards: int,
    argument: str,
    initializer: Initializer | None,
    dtype: torch.dtype | None,
    device: torch.device | str | None,
) -> None:
    """Gives `module` a matrix as parameters `name_0`, `name_1`, ..., cut by rows.

    The first ones have one row more where the rows do not divide.

    Raises:
        TypeError, ValueError: `num_shards` is no int from 1 to the number of rows.
    """
    num_rows, num_columns = shape
    if check_positive(num_shards, argument=argument) > num_rows:
        raise ValueError(
            f"{argument}: expected at most {num_rows}, the number of rows, found {num_shards}"
        )
    for shard in range(num_shards):
        rows = num_rows // num_shards + (shard < num_rows % num_shards)
        parameter = make_parameter(
            rows, num_columns, initializer=initializer, dtype=dtype, device=device
        )
        module.register_parameter(f"{name}_{shard}", parameter)


def join_shards(module: nn.Module, name: str, num_shards: int) -> Tensor:
    """The matrix that `make_shards` cut."""
    shards: list[Tensor] = [getattr(module, f"{name}_{shard}") for shard in range(num_shards)]
    return shards[0] if num_shards == 1 else torch.cat(shards)


class Kernel(nn.Module):
    """A scope with one matrix, `kernel` `[inputs, outputs]`."""

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        initializer: Initializer | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        self.kernel = make_parameter(
            input_size, output_size, initializer=initializer, dtype=dtype, device=device
        )


class KernelAndBias(nn.Module):
    """A scope with a matrix and a vector: `kernel` `[inputs, outputs]` and `bias` `[outputs]`."""

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        kernel_initializer: Initializer | None = None,
        bias_initializer: Initializer = nn.init.zeros_,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        self.kernel = make_parameter(
            input_size, output_size, initializer=kernel_initializer, dtype=dtype, device=device
        )
        self.bias = make_parameter(
            output_size, initializer=bias_initializer, dtype=dtype, device=device
        )
