"""Paths past a cell: its inputs are added to its outputs, or mixed with them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, as_cell, check_step_inputs
from varlen.rnn._parameters import make_parameter
from varlen.rnn.wrappers._around import AroundSteps, check_width, fit_around
from varlen.rnn.wrappers._place import keep_place_of_inner


class ResidualWrapper(AroundSteps):
    r"""Adds the inputs of a cell to its outputs (He et al. 2016, arXiv:1512.03385).

    Equations:
        $$y_t, s_t = \mathrm{cell}(x_t, s_{t-1})$$
        $$\mathrm{output}_t = x_t + y_t$$

    When to choose it: stacks of more than two or three layers, around all but the lowest.

    Args:
        cell: whose inputs and outputs have the same size.
        residual_fn: `residual_fn(inputs, outputs)` gives the outputs instead of the sum. It is
            called with whatever steps there are, `[rows, ...]`, and must not mix rows.

    The parameters are those of `cell`, under the same names in a state dict.

    Raises:
        TypeError: not a cell, or a `residual_fn` that cannot be called.
        ValueError: without `residual_fn`, another size of the outputs than of the inputs.
    """

    def __init__(self, cell: RNNCell, residual_fn: Callable[[Any, Any], Any] | None = None) -> None:
        super().__init__()
        fit_around(self, as_cell(cell))
        keep_place_of_inner(self)
        if residual_fn is None:
            _check_same_size(self)
        elif not callable(residual_fn):
            raise TypeError(
                "ResidualWrapper: residual_fn: expected a function, "
                f"found a {type(residual_fn).__name__}"
            )
        self.residual_fn = residual_fn

    def after(self, inputs: Any, outputs: Any, noise: Any) -> Any:
        if self.residual_fn is not None:
            return self.residual_fn(inputs, outputs)
        return _nest.map_structure(lambda x, y: x + y, inputs, outputs)


class HighwayWrapper(AroundSteps):
    r"""Mixes a cell's inputs into its outputs through gates (Srivastava et al. 2015).

    These are the highway networks of arXiv:1505.00387, between the layers of a recurrent network.

    Equations:
        $$y_t, s_t = \mathrm{cell}(x_t, s_{t-1})$$
        $$k_t = \sigma(W_k x_t + b_k)$$
        $$m_t = 1 - k_t \quad \mathrm{or} \quad m_t = \sigma(W_m x_t + b_m)$$
        $$\mathrm{output}_t = k_t \odot x_t + m_t \odot y_t$$

    When to choose it: deep stacks in which each unit shall learn how much of a layer it needs;
    `ResidualWrapper` has no weights and is the first thing to try.

    Args:
        cell: whose inputs and outputs have the same width.
        couple_carry_transform_gates: m is 1 - k; False gives it weights of its own.
        carry_bias_init: the first value of the bias of k, and, negated, of m.

    Parameters: `carry_w` `[n, n]`, `carry_b` `[n]`, uncoupled also `transform_w` `[n, n]` and
    `transform_b` `[n]`, and those of `cell` under `cell`.

    Raises:
        TypeError: not a cell.
        ValueError: another width of the outputs than of the inputs.
    """

    def __init__(
        self,
        cell: RNNCell,
        couple_carry_transform_gates: bool = True,
        carry_bias_init: float = 1.0,
    ) -> None:
        super().__init__()
        fit_around(self, as_cell(cell))
        width = check_width(self, cell.input_size, argument="inputs")
        _check_same_size(self)
        self.couple_carry_transform_gates = couple_carry_transform_gates
        self.carry_w, self.carry_b = _make_gate(cell, width, carry_bias_init)
        if not couple_carry_transform_gates:
            self.transform_w, self.transform_b = _make_gate(cell, width, -carry_bias_init)

    def after(self, inputs: Any, outputs: Any, noise: Any) -> Any:
        check_step_inputs(self, inputs, self.carry_w.dtype)
        carry = torch.sigmoid(inputs @ self.carry_w + self.carry_b)
        if self.couple_carry_transform_gates:
            transform = 1 - carry
        else:
            transform = torch.sigmoid(inputs @ self.transform_w + self.transform_b)
        return inputs * carry + outputs * transform


def _check_same_size(wrapper: AroundSteps) -> None:
    if wrapper.input_size != wrapper.output_size:
        raise ValueError(
            f"{type(wrapper).__name__}: cell: expected outputs of the size of the inputs, "
            f"{wrapper.input_size}, found {wrapper.output_size}"
        )


def _make_gate(cell: RNNCell, width: int, bias: float) -> tuple[nn.Parameter, nn.Parameter]:
    """Weights `[width, width]` and biases, all `bias`, of the dtype and device of `cell`."""

    def fill(biases: Tensor) -> Tensor:
        return nn.init.constant_(biases, bias)

    return (
        make_parameter(width, width, initializer=None, dtype=cell.dtype, device=cell.device),
        make_parameter(width, initializer=fill, dtype=cell.dtype, device=cell.device),
    )
