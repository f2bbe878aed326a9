"""The LSTM whose input gate is what the forget gate leaves."""

from typing import Any

import torch
from torch import nn

from varlen.rnn._cell import LSTMStateTuple
from varlen.rnn._dropped import drop_candidate
from varlen.rnn._norm import add_layer_norms, layer_norm, layer_norm_gates
from varlen.rnn._parameters import (
    Activation,
    Initializer,
    as_activation,
    check_positive,
    join_shards,
    make_parameter,
    make_shards,
)
from varlen.rnn._recurrent import Products
from varlen.rnn._sizes import set_sizes
from varlen.rnn.cells._lstm_base import LSTMBase, check_clip, clip, lstm_state_size

_NORMALISED = ("transform", "forget", "output", "state")


class CoupledInputForgetGateLSTMCell(LSTMBase):
    r"""The LSTM with coupled gates (CIFG) of Greff et al. (2015, arXiv:1503.04069).

    What is written is what was forgotten: the input gate is 1 less the forget gate. Peepholes p and
    the projection P are there when they are asked for.

    Equations:
        $$g_t = \tanh(W_g x_t + U_g h_{t-1} + b_g)$$
        $$f_t = \sigma(W_f x_t + U_f h_{t-1} + p_f \odot c_{t-1} + b_f + b)$$
        $$c_t = f_t \odot c_{t-1} + (1 - f_t) \odot g_t$$
        $$o_t = \sigma(W_o x_t + U_o h_{t-1} + p_o \odot c_t + b_o)$$
        $$h_t = P (o_t \odot \tanh(c_t))$$

    When to choose it: an LSTM with a quarter fewer weights whose memory cannot grow, since it is
    an average; in the paper's comparison it lost nothing.

    Args:
        input_size: width of the inputs.
        num_units: width of the memory `c`.
        use_peepholes: the forget gate sees the old memory, the output gate the new one.
        initializer: fills kernel, peepholes and projection (TensorFlow ignored it); None is Glorot
            uniform, for each shard with its own shape.
        num_proj: width that the output is projected to; None is no projection.
        proj_clip: the projected output is clipped to `[-proj_clip, proj_clip]`; without a
            projection it does nothing.
        num_unit_shards: how many variables the kernel is stored in.
        num_proj_shards: the same for the projection.
        forget_bias: b, added to the forget gate at every step; it is not stored in `B`.
        state_is_tuple: False joins the state to one tensor, `c` then `h`.
        activation: a function or its name; None is tanh.
        layer_norm: normalises the three gates and the memory. `B` is there then and not used. For
            its gradient at steps of zeros, see `LayerNormLSTMCell`.
        norm_gain: initial `gamma` of the normalisations.
        norm_shift: initial `beta` of the normalisations.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    With P the width of the output (`num_proj` or `num_units`), the parameters are `W_0`, `W_1`,
    ..., together `[input_size + P, 3 * num_units]` (candidate, forget, output), `B`
    `[3 * num_units]`, with peepholes `W_F_diag` and `W_O_diag` `[num_units]`, with a projection
    `W_P_0`, `W_P_1`, ..., together `[num_units, num_proj]`, and with layer norm `gamma` and `beta`
    `[num_units]` under `transform`, `forget`, `output` and `state`.
    """

    gate_names = ("transform", "forget", "output")
    drops_candidate = True

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        use_peepholes: bool = False,
        initializer: Initializer | None = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int = 1,
        num_proj_shards: int = 1,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: str | Activation | None = None,
        layer_norm: bool = False,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        set_sizes(self, input_size, num_units)
        if num_proj is not None:
            self.output_size = check_positive(num_proj, argument=f"{owner}: num_proj")
        self.state_size = lstm_state_size(num_units, self.output_size, state_is_tuple)
        self.state_is_tuple = state_is_tuple
        self.use_peepholes = use_peepholes
        self.proj_clip = check_clip(proj_clip, argument=f"{owner}: proj_clip")
        self.forget_bias = forget_bias
        self.activation = as_activation(activation, argument=f"{type(self).__name__}: activation")
        self.layer_norm = layer_norm

        self.num_unit_shards = num_unit_shards
        self.num_proj_shards = None if num_proj is None else num_proj_shards
        self.second_name = None if num_proj is None else "projection"
        place: dict[str, Any] = {"dtype": dtype, "device": device}
        make_shards(
            self,
            "W",
            (input_size + self.output_size, 3 * num_units),
            num_shards=num_unit_shards,
            argument=f"{owner}: num_unit_shards",
            initializer=initializer,
            **place,
        )
        self.B = make_parameter(3 * num_units, initializer=nn.init.zeros_, **place)
        if use_peepholes:
            self.vector_names += ("W_F_diag", "W_O_diag")
            self.W_F_diag = make_parameter(num_units, initializer=initializer, **place)
            self.W_O_diag = make_parameter(num_units, initializer=initializer, **place)
        if num_proj is not None:
            make_shards(
                self,
                "W_P",
                (num_units, num_proj),
                num_shards=num_proj_shards,
                argument=f"{owner}: num_proj_shards",
                initializer=initializer,
                **place,
            )
        if layer_norm:
            self.vector_names += add_layer_norms(
                self, _NORMALISED, num_units, gain=norm_gain, shift=norm_shift, **place
            )

    def products(self) -> Products:
        kernel = join_shards(self, "W", self.num_unit_shards)
        second = None
        if self.num_proj_shards is not None:
            second = join_shards(self, "W_P", self.num_proj_shards)
        return Products(
            input=kernel[: self.input_size],
            recurrent=kernel[self.input_size :],
            bias=None if self.layer_norm else self.B,
            second=second,
        )

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        if self.layer_norm:
            gates = layer_norm_gates(gates, self.gate_names, weights)
        transform, forget, output = gates
        if self.use_peepholes:
            forget = forget + weights.W_F_diag * state.c
        forget = torch.sigmoid(forget + self.forget_bias)
        candidate = drop_candidate(self.activation(transform), weights)
        c = forget * state.c + (1 - forget) * candidate
        if self.layer_norm:
            c = layer_norm(c, weights.state)
        if self.use_peepholes:
            output = output + weights.W_O_diag * c
        m = torch.sigmoid(output) * self.activation(c)
        if self.second_name is not None:
            m = clip(weights.projection(m), self.proj_clip)
        return m, LSTMStateTuple(c, m)
