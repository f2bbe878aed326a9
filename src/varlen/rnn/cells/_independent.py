"""Cells whose units see of the state only themselves: the recurrent weights are vectors."""

from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn._cell import LSTMStateTuple
from varlen.rnn._dropped import drop_candidate
from varlen.rnn._parameters import (
    Activation,
    Initializer,
    as_activation,
    make_parameter,
)
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn._sizes import set_sizes
from varlen.rnn.cells._lstm_base import LSTMBase, lstm_memory, lstm_state_size


def _add_weights(
    scope: nn.Module,
    input_size: int,
    num_columns: int,
    *,
    kernel: str = "kernel_w",
    kernel_initializer: Initializer | None = None,
    bias_initializer: Initializer = nn.init.zeros_,
    dtype: torch.dtype | None,
    device: torch.device | str | None,
) -> None:
    """Gives `scope` `kernel_w` `[input_size, columns]`, `kernel_u` `[1, columns]` and `bias`."""
    place: dict[str, Any] = {"dtype": dtype, "device": device}
    weights = make_parameter(input_size, num_columns, initializer=kernel_initializer, **place)
    scope.register_parameter(kernel, weights)
    scope.kernel_u = make_parameter(
        1, num_columns, initializer=lambda tensor: nn.init.uniform_(tensor, -1, 1), **place
    )
    scope.bias = make_parameter(num_columns, initializer=bias_initializer, **place)


def _no_product(kernel: Tensor, num_units: int) -> Tensor:
    """The recurrent weights of a cell without such a product."""
    return kernel.new_empty(num_units, 0)


class IndRNNCell(RecurrentCell):
    r"""The independently recurrent network of Li et al. (2018, arXiv:1803.04831).

    A simple recurrent network whose units each see of the state only themselves. So what a unit
    forgets and how its gradient grows is one number, its own.

    Equations:
        $$h_t = \tanh(W x_t + u \odot h_{t-1} + b)$$

    When to choose it: very long sequences and deep stacks, with `activation="relu"` as in the
    paper; units only meet in the next layer, so take two layers at least.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        activation: a function or its name; None is tanh.
        name: the scope of its variables in a TensorFlow checkpoint; None is `ind_rnn_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel_w` `[input_size, num_units]`, `kernel_u` `[1, num_units]`, which begins as
    U(-1, 1), `bias` `[num_units]`.
    """

    kernel_w: Tensor
    kernel_u: Tensor
    bias: Tensor
    input_gate_names = ("hidden",)
    vector_names = ("u",)

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        activation: str | Activation | None = None,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, num_units)
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")
        self.name = name
        _add_weights(self, input_size, num_units, dtype=dtype, device=device)

    def products(self) -> Products:
        return Products(self.kernel_w, _no_product(self.kernel_w, self.num_units), self.bias)

    def vectors(self) -> list[Tensor]:
        return [self.kernel_u[0]]

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        state = self.activation(gates.hidden + weights.u * state)
        return state, state


class IndyGRUCell(RecurrentCell):
    r"""A GRU with the independent units of Li et al. (2018, arXiv:1803.04831).

    A `GRUCell` whose units each see of the state only themselves.

    Equations:
        $$r_t = \sigma(W_r x_t + u_r \odot h_{t-1} + b_r)$$
        $$z_t = \sigma(W_z x_t + u_z \odot h_{t-1} + b_z)$$
        $$\tilde{h}_t = \tanh(W_h x_t + u_h \odot (r_t \odot h_{t-1}) + b_h)$$
        $$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot \tilde{h}_t$$

    When to choose it: a GRU that must be small and fast, two layers deep at least.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        activation: of the candidate; a function or its name; None is tanh.
        kernel_initializer: fills both kernels of the inputs; None is Glorot uniform.
        bias_initializer: fills both biases; None is 1 for the gates and 0 for the candidate.
        name: the scope of its variables in a TensorFlow checkpoint; None is `indy_gru_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `gates.kernel_w` `[input_size, 2 * num_units]` (reset, update), `gates.kernel_u`
    `[1, 2 * num_units]`, `gates.bias` `[2 * num_units]`, `candidate.kernel`
    `[input_size, num_units]`, `candidate.kernel_u` `[1, num_units]`, `candidate.bias`
    `[num_units]`. What is called `kernel_u` begins as U(-1, 1).
    """

    input_gate_names = ("reset", "update", "candidate")
    vector_names = ("u_reset", "u_update", "u_candidate")
    drops_candidate = True

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        activation: str | Activation | None = None,
        kernel_initializer: Initializer | None = None,
        bias_initializer: Initializer | None = None,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, num_units)
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")
        self.name = name
        self.gates, self.candidate = nn.Module(), nn.Module()
        for scope, kernel, gates, initial_bias in (
            (self.gates, "kernel_w", 2, nn.init.ones_),
            (self.candidate, "kernel", 1, nn.init.zeros_),
        ):
            _add_weights(
                scope,
                input_size,
                gates * num_units,
                kernel=kernel,
                kernel_initializer=kernel_initializer,
                bias_initializer=bias_initializer or initial_bias,
                dtype=dtype,
                device=device,
            )

    def products(self) -> Products:
        gates: Any = self.gates
        candidate: Any = self.candidate
        kernel = torch.cat([gates.kernel_w, candidate.kernel], dim=1)
        bias = torch.cat([gates.bias, candidate.bias])
        return Products(kernel, _no_product(kernel, self.num_units), bias)

    def vectors(self) -> list[Tensor]:
        gates: Any = self.gates
        candidate: Any = self.candidate
        return [*gates.kernel_u[0].split(self.num_units), candidate.kernel_u[0]]

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        reset = torch.sigmoid(gates.reset + weights.u_reset * state)
        update = torch.sigmoid(gates.update + weights.u_update * state)
        candidate = self.activation(gates.candidate + weights.u_candidate * (reset * state))
        state = update * state + (1 - update) * drop_candidate(candidate, weights)
        return state, state


class IndyLSTMCell(LSTMBase):
    r"""The LSTM with independent units of Gonnet and Deselaers (2019, arXiv:1903.08023).

    A `BasicLSTMCell` whose units each see of the output only themselves.

    Equations:
        $$i_t = \sigma(W_i x_t + u_i \odot h_{t-1} + b_i)$$
        $$g_t = \tanh(W_g x_t + u_g \odot h_{t-1} + b_g)$$
        $$f_t = \sigma(W_f x_t + u_f \odot h_{t-1} + b_f + b)$$
        $$o_t = \sigma(W_o x_t + u_o \odot h_{t-1} + b_o)$$
        $$c_t = f_t \odot c_{t-1} + i_t \odot g_t, \quad h_t = o_t \odot \tanh(c_t)$$

    When to choose it: recognition of speech or handwriting on a small device, two layers deep at
    least; the paper finds it better than an LSTM of as many weights.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        forget_bias: b, added to the forget gate at every step; it is not stored in `bias`.
        activation: a function or its name; None is tanh.
        kernel_initializer: fills `kernel_w`; None is Glorot uniform.
        bias_initializer: fills the bias; None is 0.
        name: the scope of its variables in a TensorFlow checkpoint; None is `indy_lstm_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel_w` `[input_size, 4 * num_units]` (input, candidate, forget, output),
    `kernel_u` `[1, 4 * num_units]`, which begins as U(-1, 1), `bias` `[4 * num_units]`.
    """

    kernel_w: Tensor
    kernel_u: Tensor
    bias: Tensor
    input_gate_names = ("input", "candidate", "forget", "output")
    vector_names = ("u_input", "u_candidate", "u_forget", "u_output")
    drops_candidate = True

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        forget_bias: float = 1.0,
        activation: str | Activation | None = None,
        kernel_initializer: Initializer | None = None,
        bias_initializer: Initializer | None = None,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, num_units)
        self.state_size = lstm_state_size(num_units, num_units, True)
        self.forget_bias = forget_bias
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")
        self.name = name
        _add_weights(
            self,
            input_size,
            4 * num_units,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer or nn.init.zeros_,
            dtype=dtype,
            device=device,
        )

    def products(self) -> Products:
        return Products(self.kernel_w, _no_product(self.kernel_w, self.num_units), self.bias)

    def vectors(self) -> list[Tensor]:
        return list(torch.split(self.kernel_u[0], self.num_units))

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        write = gates.input + weights.u_input * state.h
        forget = gates.forget + weights.u_forget * state.h + self.forget_bias
        candidate = self.activation(gates.candidate + weights.u_candidate * state.h)
        c = lstm_memory(state.c, write, drop_candidate(candidate, weights), forget)
        h = torch.sigmoid(gates.output + weights.u_output * state.h) * self.activation(c)
        return h, LSTMStateTuple(c, h)
