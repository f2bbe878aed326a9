"""The gated recurrent unit."""

import torch

from varlen.rnn._parameters import Activation, Initializer, as_activation
from varlen.rnn._sizes import set_sizes
from varlen.rnn.cells._gru_base import ScopedGRU


class GRUCell(ScopedGRU):
    r"""The gated recurrent unit of Cho et al. (2014, arXiv:1406.1078).

    The reset gate multiplies the state *before* the candidate's product, as in the paper and in
    TensorFlow 1 (`torch.nn.GRUCell` multiplies after it), and the update gate says how much of
    the old state is kept.

    Equations:
        $$r_t = \sigma(W_r x_t + U_r h_{t-1} + b_r)$$
        $$z_t = \sigma(W_z x_t + U_z h_{t-1} + b_z)$$
        $$\tilde{h}_t = \tanh(W_h x_t + U_h (r_t \odot h_{t-1}) + b_h)$$
        $$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot \tilde{h}_t$$

    When to choose it: as good as an LSTM on most tasks with three quarters of its weights; a
    first choice where data are few.

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
        set_sizes(self, input_size, num_units)
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")
        self.name = name
        self.add_scopes(
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            dtype=dtype,
            device=device,
        )
