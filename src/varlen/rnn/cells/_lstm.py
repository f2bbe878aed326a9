"""Long short-term memory: the basic one, and the one with peepholes, clipping and projection.

The columns of the kernel are the gates in TensorFlow's order: input, candidate, forget, output.
"""

from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn._cell import LSTMStateTuple
from varlen.rnn._dropped import drop_candidate
from varlen.rnn._parameters import Activation, Initializer, as_activation, make_parameter
from varlen.rnn._recurrent import Products
from varlen.rnn._sizes import set_sizes
from varlen.rnn.cells._lstm_base import LSTMBase, clip, lstm_memory, lstm_state_size
from varlen.rnn.cells._peephole_lstm import PeepholeLSTM


class BasicLSTMCell(LSTMBase):
    r"""The LSTM of Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000).

    Equations:
        $$i_t = \sigma(W_i x_t + U_i h_{t-1} + b_i)$$
        $$g_t = \tanh(W_g x_t + U_g h_{t-1} + b_g)$$
        $$f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f + b)$$
        $$o_t = \sigma(W_o x_t + U_o h_{t-1} + b_o)$$
        $$c_t = f_t \odot c_{t-1} + i_t \odot g_t$$
        $$h_t = o_t \odot \tanh(c_t)$$

    When to choose it: the plain LSTM, for models that were trained with TensorFlow's cell of this
    name; `LSTMCell` computes the same and has more settings.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        forget_bias: b, added to the forget gate at every step; it is not stored in `bias`.
        state_is_tuple: False joins the state to one tensor `[batch, 2 * num_units]`, `c` then `h`.
        activation: a function or its name; None is tanh.
        name: the scope of its variables in a TensorFlow checkpoint; None is `basic_lstm_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size + num_units, 4 * num_units]`, `bias` `[4 * num_units]`.
    """

    gate_names = ("input", "candidate", "forget", "output")
    drops_candidate = True

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: str | Activation | None = None,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, num_units)
        self.state_size = lstm_state_size(num_units, num_units, state_is_tuple)
        self.state_is_tuple = state_is_tuple
        self.forget_bias = forget_bias
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")
        self.name = name
        self.kernel = make_parameter(
            input_size + num_units, 4 * num_units, initializer=None, dtype=dtype, device=device
        )
        self.bias = make_parameter(
            4 * num_units, initializer=nn.init.zeros_, dtype=dtype, device=device
        )

    def products(self) -> Products:
        kernel, size = self.kernel, self.input_size
        return Products(kernel[:size], kernel[size:], self.bias)

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        candidate = drop_candidate(self.activation(gates.candidate), weights)
        c = lstm_memory(state.c, gates.input, candidate, gates.forget + self.forget_bias)
        h = torch.sigmoid(gates.output) * self.activation(c)
        return h, LSTMStateTuple(c, h)


class LSTMCell(PeepholeLSTM):
    r"""The LSTM with peepholes, clipping and projection of Sak et al. (2014, arXiv:1402.1128).

    Peepholes p and the projection P are there when they are asked for, and clipping comes before
    the output gate and after the projection.

    Equations:
        $$i_t = \sigma(W_i x_t + U_i h_{t-1} + p_i \odot c_{t-1} + b_i)$$
        $$g_t = \tanh(W_g x_t + U_g h_{t-1} + b_g)$$
        $$f_t = \sigma(W_f x_t + U_f h_{t-1} + p_f \odot c_{t-1} + b_f + b)$$
        $$c_t = f_t \odot c_{t-1} + i_t \odot g_t$$
        $$o_t = \sigma(W_o x_t + U_o h_{t-1} + p_o \odot c_t + b_o)$$
        $$h_t = P (o_t \odot \tanh(c_t))$$

    When to choose it: the safe first choice for long and noisy sequences; peepholes where timing
    matters, a projection where the output should be narrower than the memory.

    Args:
        input_size: width of the inputs.
        num_units: width of the memory `c`.
        use_peepholes: the gates see the memory: input and forget gate the old one, the output
            gate the new one (Gers and Schmidhuber 2000).
        cell_clip: the memory is clipped to `[-cell_clip, cell_clip]`; None is no clipping.
        initializer: fills kernel, peepholes and projection; None is Glorot uniform.
        num_proj: width that the output is projected to; None is no projection.
        proj_clip: the projected output is clipped to `[-proj_clip, proj_clip]`; without a
            projection it does nothing.
        forget_bias: b, added to the forget gate at every step; it is not stored in `bias`.
        state_is_tuple: False joins the state to one tensor, `c` then `h`.
        activation: a function or its name; None is tanh.
        name: the scope of its variables in a TensorFlow checkpoint; None is `lstm_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    With P the width of the output (`num_proj` or `num_units`), the parameters are `kernel`
    `[input_size + P, 4 * num_units]`, `bias` `[4 * num_units]`, with peepholes `w_f_diag`,
    `w_i_diag` and `w_o_diag` `[num_units]`, and with a projection `projection.kernel`
    `[num_units, num_proj]`.
    """

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Initializer | None = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: str | Activation | None = None,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(
            input_size,
            num_units,
            use_peepholes=use_peepholes,
            cell_clip=cell_clip,
            initializer=initializer,
            num_proj=num_proj,
            proj_clip=proj_clip,
            forget_bias=forget_bias,
            state_is_tuple=state_is_tuple,
            activation=activation,
            name=name,
            dtype=dtype,
            device=device,
        )

    def bound_memory(self, c: Tensor, weights: Any) -> Tensor:
        return clip(c, self.cell_clip)
