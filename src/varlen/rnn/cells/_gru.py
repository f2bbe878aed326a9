"""The gated recurrent unit."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from varlen.rnn._cell import RNNCell, check_step_inputs
from varlen.rnn._parameters import (
    Activation,
    Initializer,
    Linear,
    as_activation,
    check_positive,
)


class GRUCell(RNNCell):
    """The gated recurrent unit of Cho et al. (2014, arXiv:1406.1078).

    The reset gate multiplies the state *before* the candidate's product, as in the paper and in
    TensorFlow 1 (`torch.nn.GRUCell` multiplies after it), and the update gate says how much of
    the old state is kept.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        activation: of the candidate; a function or its name; None is tanh.
        kernel_initializer: fills both kernels; None is Glorot uniform.
        bias_initializer: fills both biases; None is 1 for the gates and 0 for the candidate.
        name: the scope of its variables in a TensorFlow checkpoint; None is `gru_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `gates.kernel` `[input_size + num_units, 2 * num_units]` (reset, update),
    `gates.bias`, `candidate.kernel` `[input_size + num_units, num_units]`, `candidate.bias`.
    """

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
        self.input_size = check_positive(input_size, argument="input_size")
        self.state_size = self.output_size = check_positive(num_units, argument="num_units")
        self.activation = as_activation(activation)
        self.name = name
        self.gates = Linear(
            input_size + num_units,
            2 * num_units,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer or nn.init.ones_,
            dtype=dtype,
            device=device,
        )
        self.candidate = Linear(
            input_size + num_units,
            num_units,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            dtype=dtype,
            device=device,
        )

    def forward(
        self, inputs: Tensor, state: Tensor
    ) -> tuple[Float[Tensor, "batch units"], Float[Tensor, "batch units"]]:
        check_step_inputs(self, inputs)
        reset, update = torch.sigmoid(self.gates(inputs, state)).chunk(2, dim=-1)
        candidate = self.activation(self.candidate(inputs, reset * state))
        next_state = update * state + (1 - update) * candidate
        return next_state, next_state
