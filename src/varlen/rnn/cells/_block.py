"""TensorFlow's fused LSTM cells: speed variants there, the same mathematics as `LSTMCell` here."""

from typing import Any

import torch
from torch import Tensor

from varlen.rnn.cells._peephole_lstm import PeepholeLSTM


class _BlockLSTM(PeepholeLSTM):
    """An LSTM with tanh and without a projection, whose clip has the identity for its gradient."""

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        forget_bias: float,
        cell_clip: float | None,
        use_peephole: bool,
        name: str | None,
        dtype: torch.dtype | None,
        device: torch.device | str | None,
    ) -> None:
        super().__init__(
            input_size,
            num_units,
            use_peepholes=use_peephole,
            cell_clip=None if cell_clip == 0 else cell_clip,
            initializer=None,
            num_proj=None,
            proj_clip=None,
            forget_bias=forget_bias,
            state_is_tuple=True,
            activation=None,
            name=name,
            dtype=dtype,
            device=device,
        )

    def bound_memory(self, c: Tensor, weights: Any) -> Tensor:
        if self.cell_clip is None:
            return c
        # The difference is exactly 0 and has the gradient.
        return c.detach().clamp(-self.cell_clip, self.cell_clip) + (c - c.detach())


class LSTMBlockCell(_BlockLSTM):
    r"""The LSTM with peepholes of Gers and Schmidhuber (2000), as TensorFlow 1's fused kernel was.

    It was a speed variant of `LSTMCell` with tanh and without a projection, has its variables and
    its equations, and is kept for its name and for two differences that trained models have seen:
    a `cell_clip` of 0 is no clipping, and the gradient of the clipping is the identity
    (straight-through), so that it is not the true one where the memory is clipped. Unlike
    TensorFlow's, it takes float64 as well.

    Equations:
        $$i_t = \sigma(W_i x_t + U_i h_{t-1} + w_i \odot c_{t-1} + b_i)$$
        $$g_t = \tanh(W_g x_t + U_g h_{t-1} + b_g)$$
        $$f_t = \sigma(W_f x_t + U_f h_{t-1} + w_f \odot c_{t-1} + b_f + b)$$
        $$c_t = \mathrm{clip}(f_t \odot c_{t-1} + i_t \odot g_t)$$
        $$o_t = \sigma(W_o x_t + U_o h_{t-1} + w_o \odot c_t + b_o)$$
        $$h_t = o_t \odot \tanh(c_t)$$

    When to choose it: to go on with a model that was trained with it; else take `LSTMCell`.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        forget_bias: b, added to the forget gate at every step; it is not stored in `bias`.
        cell_clip: the memory is clipped to `[-cell_clip, cell_clip]`; None or 0 is no clipping.
        use_peephole: the gates see the memory: input and forget gate the old one, the output gate
            the new one.
        name: the scope of its variables in a TensorFlow checkpoint; None is `lstm_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size + num_units, 4 * num_units]` (input, candidate, forget,
    output), `bias` `[4 * num_units]`, with peepholes `w_f_diag`, `w_i_diag` and `w_o_diag`
    `[num_units]`.
    """

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(
            input_size,
            num_units,
            forget_bias=forget_bias,
            cell_clip=cell_clip,
            use_peephole=use_peephole,
            name=name,
            dtype=dtype,
            device=device,
        )


class CudnnCompatibleLSTMCell(_BlockLSTM):
    r"""The LSTM of Hochreiter and Schmidhuber (1997) with a forget gate, as cuDNN computes it.

    A `BasicLSTMCell` without a forget bias: what cuDNN had learnt was put into it, to be run on a
    CPU.

    Equations:
        $$i_t = \sigma(W_i x_t + U_i h_{t-1} + b_i)$$
        $$g_t = \tanh(W_g x_t + U_g h_{t-1} + b_g)$$
        $$f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f)$$
        $$o_t = \sigma(W_o x_t + U_o h_{t-1} + b_o)$$
        $$c_t = f_t \odot c_{t-1} + i_t \odot g_t, \quad h_t = o_t \odot \tanh(c_t)$$

    When to choose it: for the variables of a model that was trained on cuDNN in TensorFlow 1; else
    take `LSTMCell`.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        name: the scope of its variables in a TensorFlow checkpoint; None is
            `cudnn_compatible_lstm_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size + num_units, 4 * num_units]` (input, candidate, forget,
    output), `bias` `[4 * num_units]`.
    """

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(
            input_size,
            num_units,
            forget_bias=0.0,
            cell_clip=None,
            use_peephole=False,
            name=name,
            dtype=dtype,
            device=device,
        )
