"""The simple recurrent network."""

from typing import Any

import torch

from varlen.rnn._parameters import Activation, as_activation
from varlen.rnn.cells._one_kernel import OneKernelCell


class BasicRNNCell(OneKernelCell):
    r"""The simple recurrent network of Elman (1990).

    Equations:
        $$h_t = \tanh(W x_t + U h_{t-1} + b)$$

    When to choose it: short memories, baselines, and where every weight and microsecond counts.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        activation: a function or its name; None is tanh.
        name: the scope of its variables in a TensorFlow checkpoint; None is `basic_rnn_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size + num_units, num_units]`, `bias` `[num_units]`.
    """

    gate_names = ("hidden",)

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
        super().__init__(input_size, num_units, kernel_initializer=None, dtype=dtype, device=device)
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")
        self.name = name

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        state = self.activation(gates.hidden)
        return state, state
