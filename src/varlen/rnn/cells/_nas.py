"""The cell that architecture search found."""

from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn._cell import LSTMStateTuple
from varlen.rnn._parameters import check_positive, make_parameter
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn._sizes import set_sizes

_PRODUCT_LEAF = 3


class NASCell(RecurrentCell):
    r"""The cell of Zoph and Le (2017, arXiv:1611.01578), found by neural architecture search.

    A tree of eight leaves, each of which joins the inputs to the state: seven by a sum, and
    leaf 3 by a product, which is why its two sides are gates of their own.

    Equations:
        $$a_i = W_i x_t + U_i h_{t-1} + b_i, \quad i \neq 3$$
        $$a_3 = (W_3 x_t) \odot (U_3 h_{t-1} + b_3)$$
        $$l_1 = \tanh(\sigma(a_0) \odot \mathrm{relu}(a_1))$$
        $$l_2 = \tanh(\sigma(a_2) + \mathrm{relu}(a_3))$$
        $$l_3 = \tanh(\tanh(a_4) \odot \sigma(a_5))$$
        $$l_4 = \sigma(\tanh(a_6) + \sigma(a_7))$$
        $$c_t = \tanh(l_1 + c_{t-1}) \odot l_2$$
        $$h_t = \tanh(c_t \odot \tanh(l_3 + l_4))$$

    When to choose it: language models like those that it was searched for, if twice the weights of
    an LSTM can be afforded.

    Args:
        input_size: width of the inputs.
        num_units: width of the memory `c`.
        num_proj: width that the output is projected to; None is no projection.
        use_bias: adds a bias to what comes from the state.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    With P the width of the output (`num_proj` or `num_units`), the parameters are
    `recurrent_kernel` `[P, 8 * num_units]` and `kernel` `[input_size, 8 * num_units]`, leaf by
    leaf, with `use_bias` `bias` `[8 * num_units]`, and with a projection `projection_weights`
    `[num_units, num_proj]`.
    """

    gate_names = ("leaf_0", "leaf_1", "leaf_2", "leaf_4", "leaf_5", "leaf_6", "leaf_7")
    recurrent_gate_names = ("leaf_3_state",)
    input_gate_names = ("leaf_3_input",)
    product_state = 1

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        num_proj: int | None = None,
        use_bias: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        set_sizes(self, input_size, num_units)
        if num_proj is not None:
            self.output_size = check_positive(num_proj, argument=f"{owner}: num_proj")
        self.state_size = LSTMStateTuple(num_units, self.output_size)

        def weight(*shape: int) -> nn.Parameter:
            return make_parameter(*shape, initializer=None, dtype=dtype, device=device)

        self.recurrent_kernel = weight(self.output_size, 8 * num_units)
        self.kernel = weight(input_size, 8 * num_units)
        self.bias = (
            make_parameter(8 * num_units, initializer=nn.init.zeros_, dtype=dtype, device=device)
            if use_bias
            else None
        )
        self.second_name = None if num_proj is None else "projection"
        self.projection_weights = None if num_proj is None else weight(num_units, num_proj)

    def products(self) -> Products:
        bias = None
        if self.bias is not None:
            bias = torch.cat(
                [self._product_leaf_last(self.bias), self.bias.new_zeros(self.num_units)]
            )
        return Products(
            input=self._product_leaf_last(self.kernel),
            recurrent=self._product_leaf_last(self.recurrent_kernel),
            bias=bias,
            second=self.projection_weights,
        )

    def _product_leaf_last(self, columns: Tensor) -> Tensor:
        """The columns of all leaves with those of leaf 3 behind the others."""
        leaves = list(torch.split(columns, self.num_units, dim=-1))
        leaves.append(leaves.pop(_PRODUCT_LEAF))
        return torch.cat(leaves, dim=-1)

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        sigmoid, tanh, relu = torch.sigmoid, torch.tanh, torch.relu
        gated = tanh(sigmoid(gates.leaf_0) * relu(gates.leaf_1))
        scale = tanh(sigmoid(gates.leaf_2) + relu(gates.leaf_3_input * gates.leaf_3_state))
        mixed = tanh(tanh(gates.leaf_4) * sigmoid(gates.leaf_5))
        added = sigmoid(tanh(gates.leaf_6) + sigmoid(gates.leaf_7))
        c = tanh(gated + state.c) * scale
        m = tanh(c * tanh(mixed + added))
        if self.projection_weights is not None:
            m = weights.projection(m)
        return m, LSTMStateTuple(c, m)
