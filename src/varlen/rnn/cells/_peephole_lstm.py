"""What LSTMs with peepholes, clipping and projection share: their parameters and their step."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn._cell import LSTMStateTuple
from varlen.rnn._dropped import drop_candidate
from varlen.rnn._parameters import (
    Activation,
    Initializer,
    Kernel,
    as_activation,
    check_positive,
    make_parameter,
)
from varlen.rnn._recurrent import Products
from varlen.rnn._sizes import set_sizes
from varlen.rnn.cells._lstm_base import LSTMBase, check_clip, clip, lstm_memory, lstm_state_size


class PeepholeLSTM(LSTMBase):
    """The LSTM of Sak et al. (2014, arXiv:1402.1128), but for what bounds its memory.

    With P the width of the output, the parameters are `kernel` `[input_size + P, 4 * num_units]`,
    `bias` `[4 * num_units]`, with peepholes `w_f_diag`, `w_i_diag` and `w_o_diag` `[num_units]`,
    and with a projection `projection.kernel` `[num_units, num_proj]`.
    """

    gate_names = ("input", "candidate", "forget", "output")
    drops_candidate = True

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        use_peepholes: bool,
        cell_clip: float | None,
        initializer: Initializer | None,
        num_proj: int | None,
        proj_clip: float | None,
        forget_bias: float,
        state_is_tuple: bool,
        activation: str | Activation | None,
        name: str | None,
        dtype: torch.dtype | None,
        device: torch.device | str | None,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        set_sizes(self, input_size, num_units)
        if num_proj is not None:
            self.output_size = check_positive(num_proj, argument=f"{owner}: num_proj")
        self.state_size = lstm_state_size(num_units, self.output_size, state_is_tuple)
        self.state_is_tuple = state_is_tuple
        self.use_peepholes = use_peepholes
        self.cell_clip = check_clip(cell_clip, argument=f"{owner}: cell_clip")
        self.proj_clip = check_clip(proj_clip, argument=f"{owner}: proj_clip")
        self.forget_bias = forget_bias
        self.activation = as_activation(activation, argument=f"{owner}: activation")
        self.name = name

        def weight(*shape: int) -> nn.Parameter:
            return make_parameter(*shape, initializer=initializer, dtype=dtype, device=device)

        self.kernel = weight(input_size + self.output_size, 4 * num_units)
        self.bias = make_parameter(
            4 * num_units, initializer=nn.init.zeros_, dtype=dtype, device=device
        )
        if use_peepholes:
            self.vector_names = ("w_f_diag", "w_i_diag", "w_o_diag")
            self.w_f_diag = weight(num_units)
            self.w_i_diag = weight(num_units)
            self.w_o_diag = weight(num_units)
        self.second_name = None if num_proj is None else "projection"
        self.projection = (
            None
            if num_proj is None
            else Kernel(num_units, num_proj, initializer=initializer, dtype=dtype, device=device)
        )

    @abstractmethod
    def bound_memory(self, c: Tensor, weights: Any) -> Tensor:
        """What is kept of the new memory, `[batch, num_units]`."""

    def products(self) -> Products:
        second = None if self.projection is None else self.projection.kernel
        kernel, size = self.kernel, self.input_size
        return Products(kernel[:size], kernel[size:], self.bias, second)

    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        write, candidate, forget, output = gates
        if self.use_peepholes:
            write = write + weights.w_i_diag * state.c
            forget = forget + weights.w_f_diag * state.c
        candidate = drop_candidate(self.activation(candidate), weights)
        c = lstm_memory(state.c, write, candidate, forget + self.forget_bias)
        c = self.bound_memory(c, weights)
        if self.use_peepholes:
            output = output + weights.w_o_diag * c
        h = torch.sigmoid(output) * self.activation(c)
        if self.projection is not None:
            h = clip(weights.projection(h), self.proj_clip)
        return h, LSTMStateTuple(c, h)
