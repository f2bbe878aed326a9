"""The intersection recurrent network."""

from typing import Any

import torch
from torch import nn

from varlen.rnn._parameters import (
    Activation,
    Initializer,
    KernelAndBias,
    as_activation,
    check_positive,
    make_parameter,
)
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn._sizes import set_sizes


class IntersectionRNNCell(RecurrentCell):
    r"""The intersection network (+RNN) of Collins et al. (2017, arXiv:1611.09913).

    It has a gated way through time and another through depth: a gate mixes the old state with a
    new one, and another the input with what is made of both. So the output is not the state, and a
    deep stack keeps a short way from the first input to the last output. Where inputs are mapped,
    the map is multiplied into the kernel once per run, by torch, whose sums can differ in the last
    digit with the number of threads.

    Equations:
        $$h_t = g^h_t \odot h_{t-1} + (1 - g^h_t) \odot \tanh(W_h x_t + U_h h_{t-1} + b_h)$$
        $$y_t = g^y_t \odot x_t + (1 - g^y_t) \odot \mathrm{relu}(W_y x_t + U_y h_{t-1} + b_y)$$
        $$g^h_t = \sigma(W_{gh} x_t + U_{gh} h_{t-1} + b_{gh} + b)$$
        $$g^y_t = \sigma(W_{gy} x_t + U_{gy} h_{t-1} + b_{gy} + b)$$

    When to choose it: deep stacks; for a single layer a GRU or UGRNN does as well.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        num_in_proj: if set, to any width, inputs of another width than `num_units` are mapped to
            `num_units` first, as x in the equations.
        initializer: fills the kernels; None is Glorot uniform.
        forget_bias: b, added to both gates at every step; it is not stored in `bias`.
        y_activation: of what goes into the output; a function or its name.
        name: the scope of its variables in a TensorFlow checkpoint; None is
            `intersection_rnn_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[2 * num_units, 4 * num_units]` (gate of the state, state, gate of the
    output, output), `bias` `[4 * num_units]`, and, if the inputs are mapped,
    `in_projection.kernel` `[input_size, num_units]` and `in_projection.bias`.

    Raises:
        ValueError: `input_size` is not `num_units`, and `num_in_proj` is not set.
    """

    gate_names = ("state_gate", "state", "output_gate", "output")
    input_gate_names = ("carried",)

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        num_in_proj: int | None = None,
        initializer: Initializer | None = None,
        forget_bias: float = 1.0,
        y_activation: str | Activation = "relu",
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        set_sizes(self, input_size, num_units)
        if num_in_proj is not None:
            check_positive(num_in_proj, argument=f"{owner}: num_in_proj")
        if input_size != num_units and num_in_proj is None:
            raise ValueError(
                f"{owner}: input_size: expected {num_units}, as num_units, found {input_size}; "
                "set num_in_proj to map the inputs to num_units first"
            )
        self.forget_bias = forget_bias
        self.y_activation = as_activation(y_activation, argument=f"{owner}: y_activation")
        self.name = name
        place: dict[str, Any] = {"dtype": dtype, "device": device}
        self.in_projection = (
            None
            if input_size == num_units
            else KernelAndBias(input_size, num_units, kernel_initializer=initializer, **place)
        )
        self.kernel = make_parameter(2 * num_units, 4 * num_units, initializer=initializer, **place)
        self.bias = make_parameter(4 * num_units, initializer=nn.init.zeros_, **place)

    def products(self) -> Products:
        of_inputs, of_state = self.kernel.chunk(2)
        if self.in_projection is None:
            # The inputs themselves are one more gate, so that `update` has them.
            carried = torch.eye(self.num_units, dtype=self.kernel.dtype, device=self.kernel.device)
            bias = torch.cat([self.bias, self.bias.new_zeros(self.num_units)])
            return Products(torch.cat([of_inputs, carried], dim=1), of_state, bias)
        map_, shift = self.in_projection.kernel, self.in_projection.bias
        return Products(
            input=torch.cat([map_ @ of_inputs, map_], dim=1),
            recurrent=of_state,
            bias=torch.cat([self.bias + shift @ of_inputs, shift]),
        )

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        keep = torch.sigmoid(gates.state_gate + self.forget_bias)
        state = keep * state + (1 - keep) * torch.tanh(gates.state)
        carry = torch.sigmoid(gates.output_gate + self.forget_bias)
        output = carry * gates.carried + (1 - carry) * self.y_activation(gates.output)
        return output, state
