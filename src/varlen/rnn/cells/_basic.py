"""The simple recurrent network."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from varlen.rnn._cell import RNNCell, check_step_inputs
from varlen.rnn._parameters import Activation, as_activation, check_positive, make_parameter


class BasicRNNCell(RNNCell):
    """The simple recurrent network of Elman (1990): `h' = act([x; h] @ kernel + bias)`.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        activation: a function or its name; None is tanh.
        name: the scope of its variables in a TensorFlow checkpoint; None is `basic_rnn_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size + num_units, num_units]`, `bias` `[num_units]`.
    """

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
        self.input_size = check_positive(input_size, argument="input_size")
        self.state_size = self.output_size = check_positive(num_units, argument="num_units")
        self.activation = as_activation(activation)
        self.name = name
        self.kernel = make_parameter(
            input_size + num_units, num_units, initializer=None, dtype=dtype, device=device
        )
        self.bias = make_parameter(
            num_units, initializer=nn.init.zeros_, dtype=dtype, device=device
        )

    def forward(
        self, inputs: Tensor, state: Tensor
    ) -> tuple[Float[Tensor, "batch units"], Float[Tensor, "batch units"]]:
        check_step_inputs(self, inputs)
        next_state = self.activation(torch.cat([inputs, state], dim=-1) @ self.kernel + self.bias)
        return next_state, next_state
