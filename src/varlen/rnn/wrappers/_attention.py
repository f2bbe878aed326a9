"""Attention of a cell to its own last outputs."""

from typing import Any

import torch
from torch import Tensor, nn

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, as_cell, check_step_inputs, take_step
from varlen.rnn._parameters import Initializer, KernelAndBias, check_positive, make_parameter
from varlen.rnn.wrappers._around import check_width


class AttentionCellWrapper(RNNCell):
    r"""A cell that attends to its own last outputs.

    As in TensorFlow 1, with the scores of Bahdanau et al. (2015, arXiv:1409.0473). L is
    `attn_length`, and the memory holds the last L outputs, the oldest first.

    Equations:
        $$y_t, s_t = \mathrm{cell}(W [x_t; a_{t-1}] + b, s_{t-1})$$
        $$e_{tj} = v^\top \tanh(W_m m_{t-1,j} + W_s s_t + b_s), \quad j = 1, \ldots, L$$
        $$a_t = \sum_j \mathrm{softmax}(e_t)_j \, m_{t-1,j}$$
        $$\mathrm{output}_t = W_o [y_t; a_t] + b_o$$
        $$m_t = (m_{t-1,2}, \ldots, m_{t-1,L}, \mathrm{output}_t)$$

    When to choose it: code or variables of a model that has it, and sequences in which what comes
    next copies what came a few steps ago.

    Args:
        input_size: width of the inputs, D.
        cell: what to wrap. TensorFlow's argument `input_size` is its `cell.input_size`, I.
        attn_length: L, how many outputs are remembered.
        attn_size: width of the outputs, S; None is that of the cell's.
        attn_vec_size: width in which the scores are made, V; None is `attn_size`.
        state_is_tuple: the state is `(state of the cell, attention [S], memory [S * L])`; False
            joins them to one tensor.

    With q the width of all states of `cell` together, the parameters are `kernel` `[D + S, I]`,
    `bias` `[I]`; `attention.attn_w` `[1, 1, S, V]`, `attention.attn_v` `[V]`, `attention.kernel`
    `[q, V]`, `attention.bias` `[V]`; `attn_output_projection.kernel` `[n + S, S]`,
    `attn_output_projection.bias` `[S]`, and those of `cell` under `cell`.

    Raises:
        TypeError: not a cell.
        ValueError: a size below 1; a cell whose inputs, outputs or states are no `[batch, n]`;
            `state_is_tuple=False` around a cell whose state is a tuple.
    """

    def __init__(
        self,
        input_size: int,
        cell: RNNCell,
        attn_length: int,
        attn_size: int | None = None,
        attn_vec_size: int | None = None,
        *,
        state_is_tuple: bool = True,
    ) -> None:
        super().__init__()
        self.cell = as_cell(cell)
        owner = type(self).__name__
        self.input_size = check_positive(input_size, argument=f"{owner}: input_size")
        self.attn_length = check_positive(attn_length, argument=f"{owner}: attn_length")
        inner_size = check_width(self, cell.input_size, argument="inputs")
        width = check_width(self, cell.output_size, argument="outputs")
        size = width if attn_size is None else attn_size
        vec_size = size if attn_vec_size is None else attn_vec_size
        self.attn_size = check_positive(size, argument=f"{owner}: attn_size")
        self.attn_vec_size = check_positive(vec_size, argument=f"{owner}: attn_vec_size")
        if not state_is_tuple and not isinstance(cell.state_size, int):
            raise ValueError(
                f"{owner}: state_is_tuple=False: expected a cell whose state is one tensor, found "
                f"the state size {cell.state_size}"
            )
        self.state_is_tuple = state_is_tuple
        sizes = (cell.state_size, size, size * attn_length)
        self.state_size = sizes if state_is_tuple else sum(sizes)
        self.output_size = size
        state_width = sum(
            check_width(self, leaf, argument="states") for leaf in _leaves_of(cell.state_size)
        )
        dtype, device = cell.dtype, cell.device
        mixing = KernelAndBias(input_size + size, inner_size, dtype=dtype, device=device)
        self.kernel, self.bias = mixing.kernel, mixing.bias
        self.attention = _Attention(state_width, size, vec_size, dtype=dtype, device=device)
        self.attn_output_projection = KernelAndBias(width + size, size, dtype=dtype, device=device)

    def zero_state(self, batch_size: int, dtype: torch.dtype | None = None) -> Any:
        state = self.cell.zero_state(batch_size, dtype)
        like = _nest.leaves(state)[0]
        attention = like.new_zeros(batch_size, self.attn_size)
        memory = like.new_zeros(batch_size, self.attn_size * self.attn_length)
        return self._join((state, attention, memory))

    def draw_noise(self, lengths: Tensor) -> Any:
        return self.cell.draw_noise(lengths)

    def forward(self, inputs: Tensor, state: Any, noise: Any = None) -> tuple[Any, Any]:
        check_step_inputs(self, inputs, self.kernel.dtype)
        inner_state, attended, memory = self._split(state)
        slots = memory.reshape(-1, self.attn_length, self.attn_size)
        mixed = torch.cat([inputs, attended], -1) @ self.kernel + self.bias
        output, inner_state = take_step(self.cell, mixed, inner_state, noise)
        attended = self.attention(slots, torch.cat(_nest.leaves(inner_state), -1))
        projection = self.attn_output_projection
        output = torch.cat([output, attended], -1) @ projection.kernel + projection.bias
        memory = torch.cat([slots[:, 1:], output[:, None]], 1).flatten(1)
        return output, self._join((inner_state, attended, memory))

    def _split(self, state: Any) -> Any:
        if not self.state_is_tuple:
            sizes = [self.cell.state_size, self.attn_size, self.attn_size * self.attn_length]
            return torch.split(state, sizes, dim=-1)
        if not isinstance(state, tuple | list) or len(state) != 3:
            raise TypeError(
                "AttentionCellWrapper: state: expected a tuple (state of the cell, attention, "
                f"memory), found a {type(state).__name__}"
            )
        return state

    def _join(self, parts: tuple[Any, Tensor, Tensor]) -> Any:
        return parts if self.state_is_tuple else torch.cat(parts, -1)


def _leaves_of(size: Any) -> list[Any]:
    """The sizes in a nested size; that of a picture, which is a tuple to torch, is one."""
    if isinstance(size, tuple) and not isinstance(size, torch.Size):
        return [leaf for part in size for leaf in _leaves_of(part)]
    return [size]


class _Attention(nn.Module):
    """How well each slot fits a state, and the mean of the slots by that."""

    def __init__(
        self,
        state_width: int,
        size: int,
        vec_size: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        super().__init__()

        def make(*shape: int, initializer: Initializer | None = None) -> nn.Parameter:
            return make_parameter(*shape, initializer=initializer, dtype=dtype, device=device)

        self.attn_w = make(1, 1, size, vec_size)
        self.attn_v = make(vec_size)
        self.kernel = make(state_width, vec_size)
        self.bias = make(vec_size, initializer=nn.init.zeros_)

    def forward(self, slots: Tensor, state: Tensor) -> Tensor:
        """The mean `[batch, size]` of the slots `[batch, length, size]`."""
        query = state @ self.kernel + self.bias
        keys = slots @ self.attn_w[0, 0]
        scores = torch.tanh(keys + query[:, None]) @ self.attn_v
        return (torch.softmax(scores, 1)[:, :, None] * slots).sum(1)
