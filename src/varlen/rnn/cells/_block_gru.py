"""TensorFlow's other GRUs: fused ones, which were speed variants, and the one of cuDNN."""

from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn._dropped import drop_candidate
from varlen.rnn._parameters import Initializer, KernelAndBias, check_positive, make_parameter
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn._sizes import set_sizes
from varlen.rnn.cells._gru_base import GRUBase, ScopedGRU


class GRUBlockCell(GRUBase):
    r"""The gated recurrent unit of Cho et al. (2014, arXiv:1406.1078), with older variable names.

    TensorFlow's first fused kernel, a speed variant of `GRUCell` with tanh. It is the same
    mathematics, here on the same definition, and takes float64 as well.

    Equations:
        $$r_t = \sigma(W_r x_t + U_r h_{t-1} + b_r), \quad u_t = \sigma(W_u x_t + U_u h_{t-1} + b_u)$$
        $$\tilde{h}_t = \tanh(W_c x_t + U_c (r_t \odot h_{t-1}) + b_c)$$
        $$h_t = u_t \odot h_{t-1} + (1 - u_t) \odot \tilde{h}_t$$

    When to choose it: for the variables of a model that was trained with it; else take `GRUCell`.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        cell_size: the old name of `num_units`; exactly one of them is given.
        name: the scope of its variables in a TensorFlow checkpoint; None is `gru_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `w_ru` `[input_size + num_units, 2 * num_units]` (reset, update), `b_ru`, `w_c`
    `[input_size + num_units, num_units]`, `b_c`.

    Raises:
        ValueError: both `num_units` and `cell_size`, or neither.
    """  # noqa: E501 - an equation is a line

    def __init__(
        self,
        input_size: int,
        num_units: int | None = None,
        *,
        cell_size: int | None = None,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        units = _either(type(self).__name__, num_units, cell_size)
        set_sizes(self, input_size, units)
        self.activation = torch.tanh
        self.name = name
        rows = input_size + units
        place: dict[str, Any] = {"dtype": dtype, "device": device}
        self.w_ru = make_parameter(rows, 2 * units, initializer=None, **place)
        self.b_ru = make_parameter(2 * units, initializer=nn.init.ones_, **place)
        self.w_c = make_parameter(rows, units, initializer=None, **place)
        self.b_c = make_parameter(units, initializer=nn.init.zeros_, **place)

    def matrices(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.w_ru, self.b_ru, self.w_c, self.b_c


class GRUBlockCellV2(ScopedGRU):
    r"""The gated recurrent unit of Cho et al. (2014, arXiv:1406.1078), as `GRUCell` is.

    TensorFlow's fused kernel with the variables of `GRUCell`, a speed variant. It is the same
    mathematics, here on the same definition, and takes float64 as well.

    Equations:
        $$r_t = \sigma(W_r x_t + U_r h_{t-1} + b_r), \quad u_t = \sigma(W_u x_t + U_u h_{t-1} + b_u)$$
        $$\tilde{h}_t = \tanh(W_c x_t + U_c (r_t \odot h_{t-1}) + b_c)$$
        $$h_t = u_t \odot h_{t-1} + (1 - u_t) \odot \tilde{h}_t$$

    When to choose it: for the code of a model that was trained with it; else take `GRUCell`.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        cell_size: the old name of `num_units`; exactly one of them is given.
        name: the scope of its variables in a TensorFlow checkpoint; None is `gru_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: as of `GRUCell`.

    Raises:
        ValueError: both `num_units` and `cell_size`, or neither.
    """  # noqa: E501 - an equation is a line

    def __init__(
        self,
        input_size: int,
        num_units: int | None = None,
        *,
        cell_size: int | None = None,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, _either(type(self).__name__, num_units, cell_size))
        self.activation = torch.tanh
        self.name = name
        self.add_scopes(dtype=dtype, device=device)


def _either(owner: str, num_units: int | None, cell_size: int | None) -> int:
    if num_units is not None and cell_size is None:
        return num_units
    if cell_size is not None and num_units is None:
        return check_positive(cell_size, argument=f"{owner}: cell_size")
    raise ValueError(
        f"{owner}: expected one of num_units and cell_size, found "
        f"num_units={num_units}, cell_size={cell_size}"
    )


class _Projections(nn.Module):
    """The candidate's scope: one matrix and bias for the inputs, one for the state."""

    def __init__(self, input_size: int, num_units: int, **kwargs: Any) -> None:
        super().__init__()
        self.input_projection = KernelAndBias(input_size, num_units, **kwargs)
        self.hidden_projection = KernelAndBias(num_units, num_units, **kwargs)


class CudnnCompatibleGRUCell(RecurrentCell):
    r"""The GRU that cuDNN computes: Cho et al. (2014, arXiv:1406.1078), second version.

    The reset gate multiplies what the product makes of the state, *after* it, as in
    `torch.nn.GRUCell`; `GRUCell` multiplies the state before.

    Equations:
        $$r_t = \sigma(W_r x_t + U_r h_{t-1} + b_r), \quad u_t = \sigma(W_u x_t + U_u h_{t-1} + b_u)$$
        $$\tilde{h}_t = \tanh(W_c x_t + b_1 + r_t \odot (U_c h_{t-1} + b_2))$$
        $$h_t = u_t \odot h_{t-1} + (1 - u_t) \odot \tilde{h}_t$$

    When to choose it: for the variables of a model that was trained on cuDNN in TensorFlow 1; for
    those of torch take `varlen.GRU`.

    Args:
        input_size: width of the inputs.
        num_units: width of the state and the output.
        kernel_initializer: fills the kernels; None is Glorot uniform.
        name: the scope of its variables in a TensorFlow checkpoint; None is
            `cudnn_compatible_gru_cell`.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    Parameters: `gates.kernel` `[input_size + num_units, 2 * num_units]` (reset, update),
    `gates.bias`, `candidate.input_projection.kernel` `[input_size, num_units]` and `.bias`,
    `candidate.hidden_projection.kernel` `[num_units, num_units]` and `.bias`.
    """  # noqa: E501 - an equation is a line

    gate_names = ("reset", "update")
    recurrent_gate_names = ("candidate_h",)
    input_gate_names = ("candidate_x",)
    drops_candidate = True

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        kernel_initializer: Initializer | None = None,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        set_sizes(self, input_size, num_units)
        self.name = name
        making: dict[str, Any] = {
            "kernel_initializer": kernel_initializer,
            "dtype": dtype,
            "device": device,
        }
        self.gates = KernelAndBias(
            input_size + num_units, 2 * num_units, bias_initializer=nn.init.ones_, **making
        )
        self.candidate = _Projections(input_size, num_units, **making)

    def products(self) -> Products:
        of_inputs, of_state = torch.split(self.gates.kernel, [self.input_size, self.num_units])
        x, h = self.candidate.input_projection, self.candidate.hidden_projection
        return Products(
            input=torch.cat([of_inputs, x.kernel], dim=1),
            recurrent=torch.cat([of_state, h.kernel], dim=1),
            bias=torch.cat([self.gates.bias, h.bias, x.bias]),
        )

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        reset, update = torch.sigmoid(gates.reset), torch.sigmoid(gates.update)
        candidate = torch.tanh(gates.candidate_x + reset * gates.candidate_h)
        state = update * state + (1 - update) * drop_candidate(candidate, weights)
        return state, state
