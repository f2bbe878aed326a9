"""The phased LSTM, whose units open and close with the time of the events."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn._cell import LSTMStateTuple, RNNCell, check_step_state
from varlen.rnn._parameters import KernelAndBias, check_number, check_positive, make_parameter


class PhasedLSTMCell(RNNCell):
    r"""The phased LSTM of Neil et al. (2016, arXiv:1610.09513), for events at any times.

    Each unit has a clock, of its own period and phase, and is open for a part of each period only:
    while it is closed it keeps its state, but for a leak. So long memories survive many events, and
    events need not come at equal distances: each step has a time. It runs on the plain engine,
    since its inputs are a pair, and its gates see the memory through matrices.

    Equations:
        $$i_t, f_t = \sigma(W x_t + U h_{t-1} + b)$$
        $$\tilde{c}_t = f_t \odot c_{t-1} + i_t \odot \tanh(W_c x_t + U_c h_{t-1} + b_c)$$
        $$\tilde{h}_t = \sigma(W_o x_t + U_o h_{t-1} + b_o) \odot \tanh(\tilde{c}_t)$$
        $$\phi_t = ((t - s) \bmod \tau) / \tau$$
        $$k_t = 2 \phi_t / r \ (\phi_t < r / 2), \quad 2 - 2 \phi_t / r \ (r / 2 \le \phi_t < r), \quad \alpha \phi_t \ (\text{else})$$
        $$c_t = k_t \odot \tilde{c}_t + (1 - k_t) \odot c_{t-1}, \quad h_t = k_t \odot \tilde{h}_t + (1 - k_t) \odot h_{t-1}$$

    When to choose it: events of sensors that come irregularly or at several rates, and very long
    sequences with few events that matter.

    As in TensorFlow, the gradient is not the true one for `period`: it takes
    $(t - s) \bmod \tau$ to be $t - s$, without the whole periods in between. There is no forget
    bias. The phase is computed in the finer type of time and parameters; unlike TensorFlow's, the
    cell takes float64 as well.

    Args:
        input_size: width of x. The inputs are a pair `(time, x)` of `[batch, 1]`, of any floating
            type, and `[batch, input_size]`.
        num_units: width of the state and the output.
        use_peepholes: the gates see the memory as well: input and forget gate the old one, the
            output gate the new one.
        leak: $\alpha$, how much a closed unit lets through.
        ratio_on: r, the part of its period in which a unit is open.
        trainable_ratio_on: False keeps `ratio_on` as it is, in a buffer.
        period_init_min: periods begin as the exponential of
            U(log(period_init_min), log(period_init_max)), and phases as U(0, period).
        period_init_max: see `period_init_min`.
        name: the scope of its variables in a TensorFlow checkpoint; None is `phased_lstm_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `mask_gates.kernel` `[input_size + num_units, 2 * num_units]` (input, forget),
    `new_input.kernel` and `output_gate.kernel` `[input_size + num_units, num_units]`, each with a
    `bias`, and `period`, `phase` and `ratio_on` `[num_units]`. With peepholes the kernels of
    `mask_gates` and `output_gate` have `num_units` rows more.

    Raises:
        ValueError: periods or a `ratio_on` that are not above 0; a least period above the largest.
    """  # noqa: E501 - an equation is a line

    ratio_on: Tensor

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        use_peepholes: bool = False,
        leak: float = 0.001,
        ratio_on: float = 0.1,
        trainable_ratio_on: bool = True,
        period_init_min: float = 1.0,
        period_init_max: float = 1000.0,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        self.input_size = (1, check_positive(input_size, argument=f"{owner}: input_size"))
        self.num_units = check_positive(num_units, argument=f"{owner}: num_units")
        self.state_size = LSTMStateTuple(num_units, num_units)
        self.output_size = num_units
        for argument, value in (
            ("leak", leak),
            ("ratio_on", ratio_on),
            ("period_init_min", period_init_min),
            ("period_init_max", period_init_max),
        ):
            check_number(value, argument=f"{owner}: {argument}")
        if not ratio_on > 0:
            raise ValueError(f"{owner}: ratio_on: expected above 0, found {ratio_on}")
        if not 0 < period_init_min <= period_init_max:
            raise ValueError(
                f"{owner}: period_init_min: expected above 0 and at most period_init_max, "
                f"{period_init_max}, found {period_init_min}"
            )
        self.use_peepholes = use_peepholes
        self.leak = leak
        self.name = name
        place: dict[str, Any] = {"dtype": dtype, "device": device}
        rows = input_size + num_units
        seen = rows + num_units if use_peepholes else rows
        self.mask_gates = KernelAndBias(seen, 2 * num_units, **place)
        self.new_input = KernelAndBias(rows, num_units, **place)
        self.output_gate = KernelAndBias(seen, num_units, **place)
        low, high = math.log(period_init_min), math.log(period_init_max)
        self.period = make_parameter(
            num_units, initializer=lambda tensor: nn.init.uniform_(tensor, low, high), **place
        )
        self.phase = make_parameter(num_units, initializer=nn.init.uniform_, **place)
        with torch.no_grad():
            self.period.exp_()
            self.phase.mul_(self.period)
        ratio = torch.full_like(self.phase, ratio_on, requires_grad=False)
        if trainable_ratio_on:
            self.ratio_on = nn.Parameter(ratio)
        else:
            self.register_buffer("ratio_on", ratio)

    def forward(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        time, x = self._check(inputs)
        check_step_state(self, state, len(x))
        c, h = state
        peephole = [c] if self.use_peepholes else []
        write, forget = torch.sigmoid(_linear(self.mask_gates, x, h, *peephole)).chunk(2, dim=-1)
        new_c = c * forget + write * torch.tanh(_linear(self.new_input, x, h))
        peephole = [new_c] if self.use_peepholes else []
        new_h = torch.tanh(new_c) * torch.sigmoid(_linear(self.output_gate, x, h, *peephole))
        openness = self._openness(time)
        c = openness * new_c + (1 - openness) * c
        h = openness * new_h + (1 - openness) * h
        return h, LSTMStateTuple(c, h)

    def _openness(self, time: Tensor) -> Tensor:
        """How much each unit is open at these times, `[batch, num_units]`."""
        finer = torch.promote_types(time.dtype, self.dtype)
        period = self.period.to(finer)
        # The gradient of the remainder by the period is left out, as in TensorFlow.
        passed = torch.remainder(time.to(finer) - self.phase.to(finer), period.detach())
        phase, ratio = (passed / period).to(self.dtype), self.ratio_on
        opening, closing = 2 * phase / ratio, 2 - 2 * phase / ratio
        is_open = torch.where(phase < 0.5 * ratio, opening, closing)
        return torch.where(phase < ratio, is_open, self.leak * phase)

    def _check(self, inputs: Any) -> tuple[Tensor, Tensor]:
        size = self.input_size[1]
        found = (
            [tuple(part.shape) for part in inputs]
            if isinstance(inputs, tuple | list)
            else f"a {type(inputs).__name__}"
        )
        if isinstance(found, str) or len(found) != 2 or [s[1:] for s in found] != [(1,), (size,)]:
            raise ValueError(
                f"{type(self).__name__}: inputs: expected a pair (time, x) of shapes (batch, 1) "
                f"and (batch, {size}), found {found}"
            )
        time, x = inputs
        if x.dtype != self.dtype or not time.dtype.is_floating_point:
            raise ValueError(
                f"{type(self).__name__}: inputs: expected x of {self.dtype}, as the parameters, "
                f"and a floating time, found {x.dtype} and {time.dtype}"
            )
        return time, x


def _linear(weights: KernelAndBias, *parts: Tensor) -> Tensor:
    return torch.cat(parts, dim=-1) @ weights.kernel + weights.bias
