"""LSTMs with layer normalisation: TensorFlow's basic one, and the one with everything."""

from typing import Any

import torch
from torch import Tensor

from varlen.rnn._cell import LSTMStateTuple
from varlen.rnn._norm import add_layer_norms, layer_norm, layer_norm_gates
from varlen.rnn._parameters import (
    Activation,
    Initializer,
    as_activation,
    check_keep_prob,
    make_parameter,
)
from varlen.rnn._recurrent import Products
from varlen.rnn._sizes import set_sizes
from varlen.rnn.cells._lstm_base import LSTMBase, clip, lstm_memory, lstm_state_size
from varlen.rnn.cells._peephole_lstm import PeepholeLSTM

# The scopes of the normalised gates, in the order of the kernel's columns.
_GATES = ("input", "transform", "forget", "output")


class LayerNormBasicLSTMCell(LSTMBase):
    r"""The LSTM with layer normalisation of Ba et al. (2016, arXiv:1607.06450).

    Each gate and the memory is normalised, and the normalised memory is what is stored. The
    candidate can be dropped: recurrent dropout without memory loss, of Semeniuta et al. (2016,
    arXiv:1603.05118).

    Where all units are equal, a normalisation multiplies the gradient by one million, as
    TensorFlow's does: where a sequence begins with several steps of zeros, gradients overflow to
    infinity or NaN. `LayerNormGRUCell` has no such limit.

    Equations:
        $$(i_t, g_t, f_t, o_t) = \mathrm{LN}(W x_t + U h_{t-1})$$
        $$c_t = \mathrm{LN}(\sigma(f_t + b) \odot c_{t-1} + \sigma(i_t) \odot d(\tanh(g_t)))$$
        $$h_t = \sigma(o_t) \odot \tanh(c_t)$$
        $$d(g) = m_t \odot g / p, \quad m_t \sim \mathrm{Bernoulli}(p)$$

    When to choose it: an LSTM that should train faster and steadier, with small batches too, or
    that overfits.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        forget_bias: b, added to the forget gate at every step; it is not stored.
        activation: a function or its name; None is tanh.
        layer_norm: False leaves the normalisation out; there is a `bias` then, which begins Glorot
            uniform, not at 0, as in TensorFlow.
        norm_gain: initial `gamma` of the normalisations.
        norm_shift: initial `beta` of the normalisations.
        dropout_keep_prob: p, the probability that a unit of the candidate stays, above 0 and at
            most 1, in training mode. The mask is drawn anew for each step and each sequence, for
            real steps only.
        name: the scope of its variables in a TensorFlow checkpoint; None is
            `layer_norm_basic_lstm_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size + num_units, 4 * num_units]` (input, candidate, forget,
    output), and `gamma` and `beta` `[num_units]` under `input`, `transform`, `forget`, `output` and
    `state`; without layer normalisation `bias` `[4 * num_units]` instead of these.

    Raises:
        ValueError: a probability outside of (0, 1].
    """

    gate_names = ("input", "candidate", "forget", "output")

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        forget_bias: float = 1.0,
        activation: str | Activation | None = None,
        layer_norm: bool = True,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        dropout_keep_prob: float = 1.0,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        set_sizes(self, input_size, num_units)
        self.state_size = lstm_state_size(num_units, num_units, True)
        self.forget_bias = forget_bias
        self.activation = as_activation(activation, argument=f"{owner}: activation")
        self.layer_norm = layer_norm
        check_keep_prob(dropout_keep_prob, argument=f"{owner}: dropout_keep_prob")
        self.dropout_keep_prob = dropout_keep_prob  # not rounded to float32, as DropoutWrapper's
        self.noise_names = ("kept",) if self.dropout_keep_prob < 1 else ()
        self.name = name
        place: dict[str, Any] = {"dtype": dtype, "device": device}
        self.kernel = make_parameter(
            input_size + num_units, 4 * num_units, initializer=None, **place
        )
        self.bias = None if layer_norm else make_parameter(4 * num_units, initializer=None, **place)
        if layer_norm:
            self.vector_names = add_layer_norms(
                self, (*_GATES, "state"), num_units, gain=norm_gain, shift=norm_shift, **place
            )

    def products(self) -> Products:
        of_inputs, of_state = torch.split(self.kernel, [self.input_size, self.num_units])
        return Products(of_inputs, of_state, self.bias)

    def draw_noise(self, lengths: Tensor) -> tuple[Tensor] | None:
        """What stays of the candidate: bool, `[steps, num_units]`; None if everything does."""
        if self.dropout_keep_prob == 1 or not self.training:
            return None
        shape = (int(lengths.sum()), self.num_units)
        return (torch.rand(shape, device=lengths.device) < self.dropout_keep_prob,)

    def forward(self, inputs: Tensor, state: Any, noise: Any = None) -> tuple[Any, Any]:
        if noise is None:
            ones = torch.ones(len(inputs), dtype=torch.int64, device=inputs.device)
            noise = self.draw_noise(ones)
        return super().forward(inputs, state, noise)

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        if self.layer_norm:
            gates = layer_norm_gates(gates, _GATES, weights)
        candidate = self.activation(gates.candidate)
        if weights.noise is not None:
            candidate = candidate * weights.noise.kept / self.dropout_keep_prob
        c = lstm_memory(state.c, gates.input, candidate, gates.forget + self.forget_bias)
        if self.layer_norm:
            c = layer_norm(c, weights.state)
        h = torch.sigmoid(gates.output) * self.activation(c)
        return h, LSTMStateTuple(c, h)


class LayerNormLSTMCell(PeepholeLSTM):
    r"""The LSTM of Sak et al. (2014, arXiv:1402.1128) with the normalisation of Ba et al. (2016,
    arXiv:1607.06450).

    An `LSTMCell` that can normalise its gates, before the peepholes, and its memory, before the
    clipping. Where all units are equal, a normalisation multiplies the gradient by one million, as
    TensorFlow's does: where a sequence begins with several steps of zeros, gradients overflow to
    infinity or NaN. `LayerNormGRUCell` has no such limit.

    Equations:
        $$(i_t, g_t, f_t, o_t) = \mathrm{LN}(W x_t + U h_{t-1})$$
        $$\tilde{c}_t = \sigma(f_t + w_f \odot c_{t-1} + b) \odot c_{t-1} + \sigma(i_t + w_i \odot c_{t-1}) \odot \tanh(g_t)$$
        $$c_t = \mathrm{clip}(\mathrm{LN}(\tilde{c}_t))$$
        $$h_t = \mathrm{clip}(P (\sigma(o_t + w_o \odot c_t) \odot \tanh(c_t)))$$

    When to choose it: an `LSTMCell` with projection or peepholes that should train steadier.

    Args:
        input_size: width of the inputs.
        num_units: width of the memory `c`.
        use_peepholes: the gates see the memory: input and forget gate the old one, the output
            gate the new one.
        cell_clip: the memory is clipped to `[-cell_clip, cell_clip]`; None is no clipping.
        initializer: fills kernel, peepholes and projection; None is Glorot uniform.
        num_proj: width that the output is projected to; None is no projection.
        proj_clip: the projected output is clipped to `[-proj_clip, proj_clip]`; without a
            projection it does nothing.
        forget_bias: b, added to the forget gate at every step; it is not stored in `bias`.
        activation: a function or its name; None is tanh.
        layer_norm: True normalises; `bias` is there then and not used.
        norm_gain: initial `gamma` of the normalisations.
        norm_shift: initial `beta` of the normalisations.
        name: the scope of its variables in a TensorFlow checkpoint; None is
            `layer_norm_lstm_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    With P the width of the output (`num_proj` or `num_units`), the parameters are `kernel`
    `[input_size + P, 4 * num_units]` (input, candidate, forget, output), `bias` `[4 * num_units]`,
    with peepholes `w_f_diag`, `w_i_diag` and `w_o_diag` `[num_units]`, with a projection
    `projection.kernel` `[num_units, num_proj]`, and with layer norm `gamma` and `beta`
    `[num_units]` under `input`, `transform`, `forget`, `output` and `state`.
    """  # noqa: E501 - an equation is a line

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
        activation: str | Activation | None = None,
        layer_norm: bool = False,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
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
            state_is_tuple=True,
            activation=activation,
            name=name,
            dtype=dtype,
            device=device,
        )
        self.layer_norm = layer_norm
        if layer_norm:
            self.vector_names += add_layer_norms(
                self,
                (*_GATES, "state"),
                num_units,
                gain=norm_gain,
                shift=norm_shift,
                dtype=dtype,
                device=device,
            )

    def products(self) -> Products:
        products = super().products()
        return products._replace(bias=None) if self.layer_norm else products

    def bound_memory(self, c: Tensor, weights: Any) -> Tensor:
        return clip(layer_norm(c, weights.state) if self.layer_norm else c, self.cell_clip)

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        if self.layer_norm:
            gates = layer_norm_gates(gates, _GATES, weights)
        return super().update(gates, state, weights)
