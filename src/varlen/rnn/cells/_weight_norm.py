"""The LSTM with weight normalisation."""

from typing import Any

import torch
from torch import Tensor

from varlen.rnn._parameters import Activation, Initializer, make_parameter
from varlen.rnn._recurrent import Products
from varlen.rnn.cells._lstm_base import clip
from varlen.rnn.cells._peephole_lstm import PeepholeLSTM


class WeightNormLSTMCell(PeepholeLSTM):
    r"""The LSTM with the weight normalisation of Salimans and Kingma (2016, arXiv:1602.07868).

    An `LSTMCell` whose weights are directions, of length 1 in each column, times gains that are
    learnt apart: of the rows for the inputs, of those for the output, and of the projection.

    Equations:
        $$\hat{W} = \gamma_0 \odot W / \lVert W \rVert, \quad \hat{U} = \gamma_1 \odot U / \lVert U \rVert$$
        $$(i_t, g_t, f_t, o_t) = \hat{W} x_t + \hat{U} h_{t-1} + b$$
        $$c_t = \mathrm{clip}(\sigma(f_t + b_f) \odot c_{t-1} + \sigma(i_t) \odot \tanh(g_t))$$
        $$h_t = \mathrm{clip}(\hat{P} (\sigma(o_t) \odot \tanh(c_t)))$$

    When to choose it: an LSTM that should train faster without depending on the batch, at hardly
    any cost: the native engine normalises the weights once per run, not per step.

    Args:
        input_size: width of the inputs.
        num_units: width of the memory `c`.
        norm: False leaves the normalisation, and its gains, out.
        use_peepholes: the gates see the memory: input and forget gate the old one, the output
            gate the new one.
        cell_clip: the memory is clipped to `[-cell_clip, cell_clip]`; None is no clipping.
        initializer: fills kernel, gains, peepholes and projection; None is Glorot uniform.
        num_proj: width that the output is projected to; None is no projection.
        proj_clip: the projected output is clipped to `[-proj_clip, proj_clip]`; without a
            projection it does nothing.
        forget_bias: added to the forget gate at every step; it is not stored in `bias`.
        activation: a function or its name; None is tanh.
        name: the scope of its variables in a TensorFlow checkpoint; None is
            `wn_lstm_cell/wn_lstm_cell`, the same name twice.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    With P the width of the output (`num_proj` or `num_units`), the parameters are `kernel`
    `[input_size + P, 4 * num_units]` (input, candidate, forget, output), `bias` `[4 * num_units]`,
    with `norm` `norm_0` and `norm_1` `[4 * num_units]`, with peepholes `w_f_diag`, `w_i_diag` and
    `w_o_diag` `[num_units]`, and with a projection `projection.kernel` `[num_units, num_proj]` and
    with `norm` `projection.norm_0` `[num_proj]`.
    """  # noqa: E501 - an equation is a line

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        norm: bool = True,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Initializer | None = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        forget_bias: float | int = 1,
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
            forget_bias=float(forget_bias),
            state_is_tuple=True,
            activation=activation,
            name=name,
            dtype=dtype,
            device=device,
        )
        self.norm = norm
        if norm:
            gain: dict[str, Any] = {"initializer": initializer, "dtype": dtype, "device": device}
            self.norm_0 = make_parameter(4 * num_units, **gain)
            self.norm_1 = make_parameter(4 * num_units, **gain)
            if self.projection is not None:
                self.projection.norm_0 = make_parameter(self.output_size, **gain)

    def products(self) -> Products:
        products = super().products()
        if not self.norm:
            return products
        second = products.second
        if self.projection is not None and second is not None:
            second = _normalise(second, self.projection.norm_0)
        return products._replace(
            input=_normalise(products.input, self.norm_0),
            recurrent=_normalise(products.recurrent, self.norm_1),
            second=second,
        )

    def bound_memory(self, c: Tensor, weights: Any) -> Tensor:
        return clip(c, self.cell_clip)


def _normalise(kernel: Tensor, gain: Any) -> Tensor:
    """Each column with the length that `gain` says."""
    scale: Tensor = gain * torch.rsqrt(kernel.square().sum(0).clamp(min=1e-12))
    return kernel * scale
