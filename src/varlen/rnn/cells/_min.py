"""Cells without a recurrent product: their gates see the inputs alone."""

from typing import Any

import torch
from torch import nn

from varlen.rnn._parameters import (
    Activation,
    Initializer,
    as_activation,
    make_parameter,
)
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn._sizes import set_sizes


class _InputGatedCell(RecurrentCell):
    """A cell with `kernel` `[input_size, gates * num_units]` and `bias`, and one state."""

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        activation: str | Activation | None,
        kernel_initializer: Initializer | None,
        dtype: torch.dtype | None,
        device: torch.device | str | None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, num_units)
        self.activation = as_activation(
            "identity" if activation is None else activation,
            argument=f"{type(self).__name__}: activation",
        )
        columns = num_units * len(self.input_gate_names)
        self.kernel = make_parameter(
            input_size, columns, initializer=kernel_initializer, dtype=dtype, device=device
        )
        self.bias = make_parameter(columns, initializer=nn.init.zeros_, dtype=dtype, device=device)

    def products(self) -> Products:
        return Products(self.kernel, self.kernel.new_empty(self.num_units, 0), self.bias)


class MinGRUCell(_InputGatedCell):
    r"""The minGRU of Feng et al. (2024, arXiv:2410.01201): a GRU whose gate sees only the inputs.

    Equations:
        $$z_t = \sigma(W_z x_t + b_z)$$
        $$\tilde{h}_t = W_h x_t + b_h$$
        $$h_t = (1 - z_t) \odot h_{t-1} + z_t \odot \tilde{h}_t$$

    When to choose it: long sequences and few weights, several layers deep; a single layer cannot
    make its gate depend on the past.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        activation: of the candidate; a function or its name; None is the identity, as in the paper.
            (The paper's variant in log-space makes it positive, which its parallel scan needs and
            this does not.)
        kernel_initializer: fills the kernel; None is Glorot uniform.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size, 2 * num_units]` (update, candidate), `bias`
    `[2 * num_units]`.
    """

    input_gate_names = ("update", "candidate")

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        activation: str | Activation | None = None,
        kernel_initializer: Initializer | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(
            input_size,
            num_units,
            activation=activation,
            kernel_initializer=kernel_initializer,
            dtype=dtype,
            device=device,
        )

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        update = torch.sigmoid(gates.update)
        state = (1 - update) * state + update * self.activation(gates.candidate)
        return state, state


class MinLSTMCell(_InputGatedCell):
    r"""The minLSTM of Feng et al. (2024, arXiv:2410.01201): gates of the inputs that sum to one.

    Equations:
        $$f_t = \sigma(W_f x_t + b_f), \quad i_t = \sigma(W_i x_t + b_i)$$
        $$\tilde{h}_t = W_h x_t + b_h$$
        $$f'_t = f_t / (f_t + i_t), \quad i'_t = i_t / (f_t + i_t)$$
        $$h_t = f'_t \odot h_{t-1} + i'_t \odot \tilde{h}_t$$

    When to choose it: as a minGRU, when keeping and writing are to be learnt apart.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        activation: of the candidate; a function or its name; None is the identity, as in the paper.
        kernel_initializer: fills the kernel; None is Glorot uniform.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size, 3 * num_units]` (forget, input, candidate), `bias`
    `[3 * num_units]`.
    """

    input_gate_names = ("forget", "input", "candidate")

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        activation: str | Activation | None = None,
        kernel_initializer: Initializer | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(
            input_size,
            num_units,
            activation=activation,
            kernel_initializer=kernel_initializer,
            dtype=dtype,
            device=device,
        )

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        # f / (f + i) is (1 + exp(-i)) / (2 + exp(-f) + exp(-i)) before the sigmoids. Both are
        # scaled so that no exponential is above 1: it is right where both gates vanish. (With
        # softplus it is shorter, and takes twice as long.)
        low = torch.minimum(gates.forget, gates.input).clamp_max(0).detach()
        one, of_forget = torch.exp(low), torch.exp(low - gates.forget)
        of_input = torch.exp(low - gates.input)
        keep = (one + of_input) / (2 * one + of_forget + of_input)
        state = keep * state + (1 - keep) * self.activation(gates.candidate)
        return state, state
