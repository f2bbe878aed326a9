"""The LSTM with exponential gates."""

from typing import Any, NamedTuple

import torch
from torch import nn

from varlen.rnn._parameters import Initializer
from varlen.rnn.cells._one_kernel import OneKernelCell


class SLSTMStateTuple(NamedTuple):
    """The state of an sLSTM: memory, normaliser, stabiliser, output."""

    c: Any
    n: Any
    m: Any
    h: Any


# Far below any gate, and near enough to be told from its neighbours in double precision.
_UNSTARTED = -1e4


class SLSTMCell(OneKernelCell):
    r"""The sLSTM of Beck et al. (2024, arXiv:2405.04517), of one head.

    The input gate is an exponential, so that a step can outweigh everything before it; the
    normaliser n keeps the memory an average, and the stabiliser m keeps the exponentials small:
    it changes no output. The states begin at zero, but for m, which begins far below every gate:
    so the first step sets the scale, n is at least 1 from then on, and nothing is divided by zero.

    Equations:
        $$z_t = \tanh(W_z x_t + U_z h_{t-1} + b_z)$$
        $$\tilde{i}_t = W_i x_t + U_i h_{t-1} + b_i$$
        $$\tilde{f}_t = W_f x_t + U_f h_{t-1} + b_f$$
        $$o_t = \sigma(W_o x_t + U_o h_{t-1} + b_o)$$
        $$m_t = \max(\log f_t + m_{t-1}, \tilde{i}_t), \quad f_t = \sigma(\tilde{f}_t)$$
        $$i'_t = \exp(\tilde{i}_t - m_t), \quad f'_t = \exp(\log f_t + m_{t-1} - m_t)$$
        $$c_t = f'_t \odot c_{t-1} + i'_t \odot z_t$$
        $$n_t = f'_t \odot n_{t-1} + i'_t$$
        $$h_t = o_t \odot c_t / n_t$$

    When to choose it: where one step may have to overrule a long past, and states must be tracked,
    which attention and parallel recurrences cannot do.

    Args:
        input_size: width of the inputs.
        num_units: width of each state and of the output.
        exponential_forget: the forget gate is an exponential too, not a sigmoid; the paper has
            both.
        kernel_initializer: fills the kernel; None is Glorot uniform.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `kernel` `[input_size + num_units, 4 * num_units]` (candidate z, input, forget,
    output), `bias` `[4 * num_units]`, which begins at 0, for the forget gate at 1.
    """

    gate_names = ("candidate", "input", "forget", "output")
    product_state = 3

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        exponential_forget: bool = False,
        kernel_initializer: Initializer | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(
            input_size,
            num_units,
            kernel_initializer=kernel_initializer,
            dtype=dtype,
            device=device,
        )
        self.state_size = SLSTMStateTuple(num_units, num_units, num_units, num_units)
        self.exponential_forget = exponential_forget
        with torch.no_grad():
            self.bias[2 * num_units : 3 * num_units].fill_(1)

    def zero_state(self, batch_size: int, dtype: torch.dtype | None = None) -> SLSTMStateTuple:
        """Zeros, and for the stabiliser m what lies far below every gate."""
        state: SLSTMStateTuple = super().zero_state(batch_size, dtype)
        return state._replace(m=state.m + _UNSTARTED)

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        forget = gates.forget
        log_forget = forget if self.exponential_forget else nn.functional.logsigmoid(forget)
        kept = log_forget + state.m
        m = torch.maximum(kept, gates.input)
        write, keep = torch.exp(gates.input - m), torch.exp(kept - m)
        c = keep * state.c + write * torch.tanh(gates.candidate)
        n = keep * state.n + write
        h = torch.sigmoid(gates.output) * c / n
        return h, SLSTMStateTuple(c, n, m, h)
