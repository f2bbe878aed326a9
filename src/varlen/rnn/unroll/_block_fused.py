"""TensorFlow's fused LSTM, which is called on a whole sequence."""

from typing import Any

import torch
from torch import nn

from varlen.rnn.cells import LSTMBlockCell
from varlen.rnn.unroll._fused import run_fused
from varlen.rnn.wrappers._place import keep_place_of_inner


class LSTMBlockFusedCell(nn.Module):
    r"""The LSTM with peepholes of Gers and Schmidhuber (2000), called on whole sequences.

    It is no cell: time comes first in what it takes and gives. It was a speed variant in
    TensorFlow; here it is an `LSTMBlockCell` in `dynamic_rnn`, on the fastest engine there is.

    Equations:
        $$i_t = \sigma(W_i x_t + U_i h_{t-1} + w_i \odot c_{t-1} + b_i)$$
        $$g_t = \tanh(W_g x_t + U_g h_{t-1} + b_g)$$
        $$f_t = \sigma(W_f x_t + U_f h_{t-1} + w_f \odot c_{t-1} + b_f + b)$$
        $$c_t = \mathrm{clip}(f_t \odot c_{t-1} + i_t \odot g_t)$$
        $$o_t = \sigma(W_o x_t + U_o h_{t-1} + w_o \odot c_t + b_o)$$
        $$h_t = o_t \odot \tanh(c_t)$$

    When to choose it: for the code or variables of a model that was trained with it; else take
    `varlen.LSTM`, or `LSTMCell` in `dynamic_rnn`.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        forget_bias: b, added to the forget gate at every step; it is not stored in `bias`.
        cell_clip: the memory is clipped to `[-cell_clip, cell_clip]`, with the identity for the
            gradient of it; None or 0 is no clipping.
        use_peephole: the gates see the memory: input and forget gate the old one, the output gate
            the new one.
        name: the scope of its variables in a TensorFlow checkpoint; None is `lstm_fused_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: as of `LSTMBlockCell`.
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
        super().__init__()
        self.name = name
        self.cell = LSTMBlockCell(
            input_size,
            num_units,
            forget_bias=forget_bias,
            cell_clip=cell_clip,
            use_peephole=use_peephole,
            name="",  # its variables are in the scope of this module
            dtype=dtype,
            device=device,
        )
        keep_place_of_inner(self)

    def forward(
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: torch.dtype | None = None,
        sequence_length: Any = None,
    ) -> tuple[Any, Any]:
        """Runs it along time, each row to its own length.

        Args:
            inputs: `[time, batch, input_size]`, or a list of `time` steps `[batch, input_size]`.
            initial_state: a pair `(c, h)` of `[batch, num_units]`; None is zeros.
            dtype: not needed, the parameters have one; checked if given.
            sequence_length: `[batch]`, the real steps of each row; None means that all are real.

        Returns:
            `(outputs, LSTMStateTuple)`, the outputs `[time, batch, num_units]`, or a list as the
            inputs are; they are 0 past the length of a row.

        Raises:
            TypeError: lengths that are not integers; a state that is no pair.
            ValueError: shapes or dtypes that do not fit; a length out of range.
        """
        return run_fused(self.cell, inputs, initial_state, dtype, sequence_length)
