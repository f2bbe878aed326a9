"""Cells made to be understood: the minimal recurrent network and the chaos-free network."""

from typing import Any

import torch
from torch import nn

from varlen.rnn._dropped import drop_candidate
from varlen.rnn._parameters import Activation, Initializer, as_activation, make_parameter
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn._sizes import set_sizes


class MinimalRNNCell(RecurrentCell):
    r"""The minimal recurrent network of Chen (2017, arXiv:1711.06788).

    The inputs are mapped to a latent space, and all that is left to the recurrence is a gate
    between the old state and them. So the state stays where the inputs are.

    Equations:
        $$z_t = \tanh(W_x x_t)$$
        $$u_t = \sigma(W_z z_t + U_h h_{t-1} + b)$$
        $$h_t = u_t \odot h_{t-1} + (1 - u_t) \odot z_t$$

    When to choose it: when what the state says should be read, or a GRU of fewer weights is wanted.

    Args:
        input_size: width of the inputs.
        units: width of the state and the output.
        activation: of the latent inputs; a function or its name.
        kernel_initializer: fills the kernel; None is Glorot uniform.
        bias_initializer: fills the bias; None is 1.
        name: the scope of its variables in a TensorFlow checkpoint; None is `minimal_rnn_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size + 2 * units, units]` (rows for the inputs, the latent inputs
    and the state), `bias` `[units]`.
    """

    recurrent_gate_names = ("update",)
    input_gate_names = ("latent",)
    second_name = "of_latent"
    drops_candidate = True

    def __init__(
        self,
        input_size: int,
        units: int,
        *,
        activation: str | Activation | None = "tanh",
        kernel_initializer: Initializer | None = None,
        bias_initializer: Initializer | None = None,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, units, units="units")
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")
        self.name = name
        place: dict[str, Any] = {"dtype": dtype, "device": device}
        self.kernel = make_parameter(
            input_size + 2 * units, units, initializer=kernel_initializer, **place
        )
        self.bias = make_parameter(units, initializer=bias_initializer or nn.init.ones_, **place)

    def products(self) -> Products:
        of_inputs, of_latent, of_state = torch.split(
            self.kernel, [self.input_size, self.num_units, self.num_units]
        )
        bias = torch.cat([self.bias, self.bias.new_zeros(self.num_units)])
        return Products(of_inputs, of_state, bias, second=of_latent)

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        latent = self.activation(gates.latent)
        update = torch.sigmoid(gates.update + weights.of_latent(latent))
        state = update * state + (1 - update) * drop_candidate(latent, weights)
        return state, state


class CFNCell(RecurrentCell):
    r"""The chaos-free network of Laurent and von Brecht (2016, arXiv:1612.06212).

    Without inputs its state decays to 0, whatever it was, where an LSTM or a GRU can go on in
    chaos. TensorFlow, and so this cell, lets what is written be 1 less the gate of the paper.

    Equations:
        $$\theta_t = \sigma(U_\theta h_{t-1} + V_\theta x_t + b_\theta)$$
        $$\eta_t = \sigma(U_\eta h_{t-1} + V_\eta x_t + b_\eta)$$
        $$h_t = \theta_t \odot \tanh(h_{t-1}) + (1 - \eta_t) \odot \tanh(W x_t)$$

    When to choose it: language models and the like, in place of a GRU, when its dynamics should be
    predictable; each unit has a memory of its own length.

    Args:
        input_size: width of the inputs.
        units: width of the state and the output.
        activation: of state and inputs; a function or its name.
        kernel_initializer: fills both kernels; None is Glorot uniform.
        bias_initializer: fills the bias; None is 1.
        name: the scope of its variables in a TensorFlow checkpoint; None is `cfn_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size, 3 * units]` (theta, eta, candidate), `recurrent_kernel`
    `[units, 2 * units]` (theta, eta), `bias` `[2 * units]`.
    """

    gate_names = ("theta", "eta")
    input_gate_names = ("candidate",)
    drops_candidate = True

    def __init__(
        self,
        input_size: int,
        units: int,
        *,
        activation: str | Activation | None = "tanh",
        kernel_initializer: Initializer | None = None,
        bias_initializer: Initializer | None = None,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, units, units="units")
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")
        self.name = name
        place: dict[str, Any] = {"dtype": dtype, "device": device}
        self.kernel = make_parameter(input_size, 3 * units, initializer=kernel_initializer, **place)
        self.recurrent_kernel = make_parameter(
            units, 2 * units, initializer=kernel_initializer, **place
        )
        self.bias = make_parameter(
            2 * units, initializer=bias_initializer or nn.init.ones_, **place
        )

    def products(self) -> Products:
        bias = torch.cat([self.bias, self.bias.new_zeros(self.num_units)])
        return Products(self.kernel, self.recurrent_kernel, bias)

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        theta, eta = torch.sigmoid(gates.theta), torch.sigmoid(gates.eta)
        candidate = drop_candidate(self.activation(gates.candidate), weights)
        state = theta * self.activation(state) + (1 - eta) * candidate
        return state, state
