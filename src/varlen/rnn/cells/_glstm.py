"""The LSTM whose products are made group by group."""

from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn._cell import LSTMStateTuple
from varlen.rnn._parameters import (
    Activation,
    Initializer,
    Kernel,
    as_activation,
    check_positive,
    make_parameter,
)
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn._sizes import set_sizes
from varlen.rnn.cells._lstm_base import lstm_memory


class GLSTMCell(RecurrentCell):
    r"""The group LSTM of Kuchaiev and Ginsburg (2017, arXiv:1703.10722).

    Inputs, output and gates are cut into groups, and each group of the gates sees its own group of
    inputs and output only, so that there are fewer weights.

    Equations:
        $$z^g_t = W^g [x^g_t; h^g_{t-1}], \quad i, j, f, o = \mathrm{join}_g(z^g_t) + b$$
        $$c_t = \sigma(f + b_f) \odot c_{t-1} + \sigma(i) \odot \tanh(j)$$
        $$h_t = P (\sigma(o) \odot \mathrm{act}(c_t))$$

    When to choose it: wide LSTMs whose number of weights matters more than their accuracy. The
    engines make its products with zeros between the groups, so it is as fast as an LSTM of its
    width, not faster.

    Args:
        input_size: width of the inputs, a multiple of `number_of_groups`.
        num_units: width of the memory `c`, a multiple of `number_of_groups`.
        initializer: fills kernels and projection; None is Glorot uniform, by the shape of each.
        num_proj: width that the output is projected to, a multiple of `number_of_groups`; None is
            no projection.
        number_of_groups: how many.
        forget_bias: added to the forget gate at every step; it is not stored in `bias_f`.
        activation: of the memory on its way out, a function or its name; None is tanh. What is
            written goes through tanh always, as in TensorFlow.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    With P the width of the output and G groups, the parameters are `group0.kernel`,
    `group1.kernel`, ... `[(input_size + P) / G, 4 * num_units / G]` (input, candidate, forget,
    output), `bias_i`, `bias_j`, `bias_f`, `bias_o` `[num_units]`, and with a projection
    `projection.kernel` `[num_units, num_proj]`.

    Raises:
        ValueError: a width that the groups do not divide.
    """

    gate_names = ("input", "candidate", "forget", "output")
    product_state = 1

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        initializer: Initializer | None = None,
        num_proj: int | None = None,
        number_of_groups: int = 1,
        forget_bias: float = 1.0,
        activation: str | Activation | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, num_units)
        if num_proj is not None:
            self.output_size = check_positive(num_proj, argument="GLSTMCell: num_proj")
        self.number_of_groups = check_positive(
            number_of_groups, argument="GLSTMCell: number_of_groups"
        )
        for argument, width in (
            ("input_size", input_size),
            ("num_units", num_units),
            ("num_proj", self.output_size),
        ):
            if width % number_of_groups:
                raise ValueError(
                    f"GLSTMCell: {argument}: expected a multiple of number_of_groups, "
                    f"{number_of_groups}, found {width}"
                )
        self.state_size = LSTMStateTuple(num_units, self.output_size)
        self.forget_bias = forget_bias
        self.activation = as_activation(activation, argument="GLSTMCell: activation")
        place: dict[str, Any] = {"dtype": dtype, "device": device}
        rows, columns = input_size + self.output_size, 4 * num_units
        shape = rows // number_of_groups, columns // number_of_groups
        for group in range(number_of_groups):
            self.add_module(f"group{group}", Kernel(*shape, initializer=initializer, **place))
        for gate in "ijfo":
            bias = make_parameter(num_units, initializer=nn.init.zeros_, **place)
            self.register_parameter(f"bias_{gate}", bias)
        self.second_name = None if num_proj is None else "projection"
        self.projection = None
        if num_proj is not None:
            self.projection = Kernel(num_units, num_proj, initializer=initializer, **place)

    def products(self) -> Products:
        rows = self.input_size // self.number_of_groups
        kernels: list[Tensor] = [
            getattr(self, f"group{group}").kernel for group in range(self.number_of_groups)
        ]
        # By gate, each with the blocks of its groups.
        gates = list(zip(*(torch.chunk(kernel, 4, dim=1) for kernel in kernels), strict=True))
        return Products(
            input=_join([[block[:rows] for block in blocks] for blocks in gates]),
            recurrent=_join([[block[rows:] for block in blocks] for blocks in gates]),
            bias=torch.cat([getattr(self, f"bias_{gate}") for gate in "ijfo"]),
            second=None if self.projection is None else self.projection.kernel,
        )

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        candidate = torch.tanh(gates.candidate)
        c = lstm_memory(state.c, gates.input, candidate, gates.forget + self.forget_bias)
        h = torch.sigmoid(gates.output) * self.activation(c)
        if self.second_name is not None:
            h = weights.projection(h)
        return h, LSTMStateTuple(c, h)


def _join(gates: list[list[Tensor]]) -> Tensor:
    """Each gate's blocks along a diagonal, and the gates side by side."""
    return torch.cat([torch.block_diag(*blocks) for blocks in gates], dim=1)  # type: ignore[no-untyped-call]
