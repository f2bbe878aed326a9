"""The update gate recurrent network."""

from typing import Any

import torch

from varlen.rnn._dropped import drop_candidate
from varlen.rnn._parameters import Activation, Initializer, as_activation
from varlen.rnn.cells._one_kernel import OneKernelCell


class UGRNNCell(OneKernelCell):
    r"""The update gate network of Collins et al. (2017, arXiv:1611.09913): one gate, no more.

    It is between a simple recurrent network and a GRU: the gate says how much of the old state is
    kept, and the rest is the candidate.

    Equations:
        $$g_t = \sigma(W_g x_t + U_g h_{t-1} + b_g + b)$$
        $$\tilde{h}_t = \tanh(W_h x_t + U_h h_{t-1} + b_h)$$
        $$h_t = g_t \odot h_{t-1} + (1 - g_t) \odot \tilde{h}_t$$

    When to choose it: half the weights of an LSTM, where one gate is enough.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        initializer: fills the kernel; None is Glorot uniform.
        forget_bias: b, added to the gate at every step; it is not stored in `bias`.
        activation: of the candidate; a function or its name; None is tanh.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size + num_units, 2 * num_units]` (gate, candidate), `bias`
    `[2 * num_units]`.
    """

    gate_names = ("gate", "candidate")
    drops_candidate = True

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        initializer: Initializer | None = None,
        forget_bias: float = 1.0,
        activation: str | Activation | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(
            input_size, num_units, kernel_initializer=initializer, dtype=dtype, device=device
        )
        self.forget_bias = forget_bias
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        gate = torch.sigmoid(gates.gate + self.forget_bias)
        candidate = drop_candidate(self.activation(gates.candidate), weights)
        state = gate * state + (1 - gate) * candidate
        return state, state
