"""The simple recurrent unit."""

from typing import Any

import torch
from torch import nn

from varlen.rnn._parameters import Activation, as_activation, make_parameter
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn._sizes import set_sizes


class SRUCell(RecurrentCell):
    r"""The simple recurrent unit of Lei et al. (2017, arXiv:1709.02755).

    No product sees the state, so all of them can be made for the whole sequence at once.

    Equations:
        $$f_t = \sigma(W_f x_t + b_f), \quad r_t = \sigma(W_r x_t + b_r)$$
        $$c_t = f_t \odot c_{t-1} + (1 - f_t) \odot W x_t$$
        $$h_t = r_t \odot \tanh(c_t) + (1 - r_t) \odot W_x x_t$$

    When to choose it: many layers and long sequences where speed counts; the work is nearly that of
    a layer without time.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        activation: of the output; a function or its name; None is tanh.
        name: the scope of its variables in a TensorFlow checkpoint; None is `sru_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size, 4 * num_units]` (candidate, forget, reset, highway), `bias`
    `[2 * num_units]` (forget, reset). The state is c, the output h.
    """

    input_gate_names = ("candidate", "forget", "reset", "highway")

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
        self.kernel = make_parameter(
            input_size, 4 * num_units, initializer=None, dtype=dtype, device=device
        )
        self.bias = make_parameter(
            2 * num_units, initializer=nn.init.zeros_, dtype=dtype, device=device
        )

    def products(self) -> Products:
        none = self.bias.new_zeros(self.num_units)
        bias = torch.cat([none, self.bias, none])
        return Products(self.kernel, self.kernel.new_empty(self.num_units, 0), bias)

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        forget, reset = torch.sigmoid(gates.forget), torch.sigmoid(gates.reset)
        c = forget * state + (1 - forget) * gates.candidate
        output = reset * self.activation(c) + (1 - reset) * gates.highway
        return output, c
