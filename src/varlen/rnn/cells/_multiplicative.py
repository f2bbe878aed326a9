"""The multiplicative LSTM."""

from typing import Any

import torch
from torch import nn

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
from varlen.rnn.cells._lstm_base import lstm_memory


class MultiplicativeLSTMCell(RecurrentCell):
    r"""The mLSTM of Krause et al. (2016, arXiv:1609.07959).

    An LSTM in which an intermediate state m, the product of what inputs and output give, takes the
    place of the previous output: each input has transitions of its own. It runs on the plain
    engine, since its second product is four gates wide.

    Equations:
        $$m_t = (W_m x_t) \odot (U_m h_{t-1})$$
        $$i_t = \sigma(W_i x_t + U_i m_t + b_i)$$
        $$g_t = \tanh(W_g x_t + U_g m_t + b_g)$$
        $$f_t = \sigma(W_f x_t + U_f m_t + b_f + b)$$
        $$o_t = \sigma(W_o x_t + U_o m_t + b_o)$$
        $$c_t = f_t \odot c_{t-1} + i_t \odot g_t$$
        $$h_t = o_t \odot \tanh(c_t)$$

    When to choose it: language models over characters or bytes, and other inputs from a small
    alphabet, where each symbol should move the state in a way of its own.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        forget_bias: b, added to the forget gate at every step; it is not stored in `bias`.
        activation: a function or its name; None is tanh.
        kernel_initializer: fills the three kernels; None is Glorot uniform.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `input_kernel` `[input_size, num_units]` and `recurrent_kernel`
    `[num_units, num_units]`, whose products make m, `kernel`
    `[input_size + num_units, 4 * num_units]` (input, candidate, forget, output) of inputs and m,
    and `bias` `[4 * num_units]`.
    """

    recurrent_gate_names = ("intermediate_state",)
    input_gate_names = ("intermediate_input", "input", "candidate", "forget", "output")
    second_name = "gates"
    product_state = 1
    drops_candidate = True

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        forget_bias: float = 1.0,
        activation: str | Activation | None = None,
        kernel_initializer: Initializer | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, num_units)
        self.state_size = LSTMStateTuple(num_units, num_units)
        self.forget_bias = forget_bias
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")

        def weight(rows: int, columns: int) -> nn.Parameter:
            return make_parameter(
                rows, columns, initializer=kernel_initializer, dtype=dtype, device=device
            )

        self.input_kernel = weight(input_size, num_units)
        self.recurrent_kernel = weight(num_units, num_units)
        self.kernel = weight(input_size + num_units, 4 * num_units)
        self.bias = make_parameter(
            4 * num_units, initializer=nn.init.zeros_, dtype=dtype, device=device
        )

    def products(self) -> Products:
        of_inputs, of_intermediate = torch.split(self.kernel, [self.input_size, self.num_units])
        return Products(
            input=torch.cat([self.input_kernel, of_inputs], dim=1),
            recurrent=self.recurrent_kernel,
            bias=torch.cat([self.bias.new_zeros(2 * self.num_units), self.bias]),
            second=of_intermediate,
        )

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        intermediate = gates.intermediate_input * gates.intermediate_state
        of_intermediate = weights.gates(intermediate).split(self.num_units, dim=-1)
        write, candidate, forget, output = (
            of_inputs + of_m for of_inputs, of_m in zip(gates[2:], of_intermediate, strict=True)
        )
        candidate = drop_candidate(self.activation(candidate), weights)
        c = lstm_memory(state.c, write, candidate, forget + self.forget_bias)
        h = torch.sigmoid(output) * self.activation(c)
        return h, LSTMStateTuple(c, h)
