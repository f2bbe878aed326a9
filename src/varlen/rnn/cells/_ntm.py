r"""The neural Turing machine: a cell with a memory that it reads and writes by attention."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from varlen.rnn._cell import (
    RNNCell,
    as_cell,
    check_step_inputs,
    check_step_state,
    take_step,
    zeros_of,
)
from varlen.rnn._parameters import Initializer, check_number, check_positive, make_parameter


class NTMControllerState(NamedTuple):
    """The state of an `NTMCell`, under TensorFlow's name.

    Attributes:
        controller_state: of the controller.
        read_vector_list: what each read head has read, `[batch, memory_vector_dim]` each.
        w_list: where each head looks, read heads first, `[batch, memory_size]` each.
        M: the memory, `[batch, memory_size, memory_vector_dim]`.
        time: int32, without axes, how many steps were taken.
    """

    controller_state: Any
    read_vector_list: Any
    w_list: Any
    M: Any
    time: Any


class _Head(NamedTuple):
    """What a head is told: `[batch, ...]` each."""

    key: Tensor
    strength: Tensor
    gate: Tensor
    shift: Tensor
    sharpness: Tensor


class NTMCell(RNNCell):
    r"""The neural Turing machine of Graves et al. (2014, arXiv:1410.5401).

    A controller, any cell, sees the inputs and what was read before, and tells each head where to
    look: by likeness to a key, then blended with where it looked before, shifted and sharpened.
    Read heads read from the memory as it was; then write heads erase and add.

    Equations:
        $$w^c_j = \mathrm{softmax}_j(\beta \cos(k, M_j))$$
        $$w^g = g \, w^c + (1 - g) \, w_{t-1}$$
        $$\tilde{w}_i = \textstyle\sum_j w^g_j \, s_{i - j \,\mathrm{mod}\, N}, \quad
            w = \tilde{w}^\gamma / \textstyle\sum_i \tilde{w}^\gamma_i$$
        $$r_t = \textstyle\sum_j w_j M_j, \quad
            M \leftarrow M \odot (1 - w e^\top) + w a^\top$$

    When to choose it: tasks with an algorithm in them, such as copying or sorting, at lengths that
    a fixed state cannot hold. It is hard to train; expect to try several seeds.

    Args:
        controller: any cell; its `input_size` is that of the inputs and of all that is read,
            `read_head_num * memory_vector_dim`, together.
        memory_size: N, how many places the memory has.
        memory_vector_dim: width of a place.
        read_head_num: how many heads read.
        write_head_num: how many heads write.
        shift_range: how far a head may shift in one step to either side.
        output_dim: width of the output; None is that of the inputs.
        clip_value: outputs and what heads are told are clipped to `[-clip_value, clip_value]`.
        name: the scope of its variables in a TensorFlow checkpoint; None is `ntm_cell`.

    The parameters are the controller's and, of the same dtype and device, `parameters_kernel` and
    `parameters_bias` (from the controller's output to what the heads are told), `output_kernel`
    `[controller's output + what is read, output_dim]`, `output_bias`, and what a run begins with:
    `initial_read_vector_0`, ... `[1, memory_vector_dim]`, `initial_address_weights_0`, ...
    `[1, memory_size]` and `memory` `[memory_size, memory_vector_dim]`.

    At `time` 0, and in a row that has not taken a step, the rest of the state but the controller's
    is not looked at. `time` has no rows: it is the number of steps of the longest row. Runs on the
    eager engine.

    Raises:
        TypeError: a controller that is no cell or has no single width of inputs and outputs.
        ValueError: sizes below 1, or a controller that is too narrow.
    """

    def __init__(
        self,
        controller: RNNCell,
        memory_size: int,
        memory_vector_dim: int,
        read_head_num: int,
        write_head_num: int,
        shift_range: int = 1,
        output_dim: int | None = None,
        clip_value: float = 20.0,
        name: str | None = None,
    ) -> None:
        super().__init__()
        self.controller = as_cell(controller, argument="NTMCell: controller")
        for argument, value in (
            ("memory_size", memory_size),
            ("memory_vector_dim", memory_vector_dim),
            ("read_head_num", read_head_num),
            ("write_head_num", write_head_num),
            ("shift_range", shift_range),
        ):
            check_positive(value, argument=f"NTMCell: {argument}")
        if shift_range >= memory_size:
            raise ValueError(
                f"NTMCell: shift_range: expected below memory_size, {memory_size}, "
                f"found {shift_range}"
            )
        if not check_number(clip_value, argument="NTMCell: clip_value") > 0:
            raise ValueError(f"NTMCell: clip_value: expected above 0, found {clip_value}")
        sizes = controller.input_size, controller.output_size
        if not all(isinstance(size, int) for size in sizes):
            raise TypeError(
                "NTMCell: controller: expected one of single sizes, found input_size="
                f"{controller.input_size} and output_size={controller.output_size}"
            )
        read_size = read_head_num * memory_vector_dim
        if controller.input_size <= read_size:
            raise ValueError(
                f"NTMCell: controller: expected an input_size above {read_size}, the width of what "
                f"is read and comes with the inputs, found {controller.input_size}"
            )
        self.memory_size, self.memory_vector_dim = memory_size, memory_vector_dim
        self.read_head_num, self.write_head_num = read_head_num, write_head_num
        self.shift_range, self.clip_value, self.name = shift_range, clip_value, name
        self.input_size = controller.input_size - read_size
        output_dim = self.input_size if output_dim is None else output_dim
        self.output_size = check_positive(output_dim, argument="NTMCell: output_dim")
        num_heads = read_head_num + write_head_num
        self.state_size = NTMControllerState(
            controller.state_size,
            (memory_vector_dim,) * read_head_num,
            (memory_size,) * num_heads,
            torch.Size([memory_size, memory_vector_dim]),
            torch.Size(),
        )

        def weight(*shape: int, initializer: Initializer | None = None) -> nn.Parameter:
            return make_parameter(
                *shape, initializer=initializer, dtype=controller.dtype, device=controller.device
            )

        self._head_size = memory_vector_dim + 2 * shift_range + 4
        told = num_heads * self._head_size + 2 * write_head_num * memory_vector_dim
        width = controller.output_size
        self.parameters_kernel = weight(width, told, initializer=_truncated_normal)
        self.parameters_bias = weight(told, initializer=nn.init.zeros_)
        width += read_size
        self.output_kernel = weight(width, output_dim, initializer=_truncated_normal)
        self.output_bias = weight(output_dim, initializer=nn.init.zeros_)
        for head in range(read_head_num):
            vector = weight(1, memory_vector_dim)
            self.register_parameter(f"initial_read_vector_{head}", vector)
        for head in range(num_heads):
            self.register_parameter(f"initial_address_weights_{head}", weight(1, memory_size))
        self.memory = weight(
            memory_size,
            memory_vector_dim,
            initializer=lambda tensor: nn.init.constant_(tensor, 1e-6),
        )

    def zero_state(self, batch_size: int, dtype: torch.dtype | None = None) -> NTMControllerState:
        """Zeros, which the first step replaces, and the controller's own state."""
        like = torch.zeros(batch_size, 0, dtype=dtype or self.dtype, device=self.device)
        state: NTMControllerState = zeros_of(self.state_size, like)
        return state._replace(
            controller_state=self.controller.zero_state(batch_size, dtype),
            time=torch.zeros((), dtype=torch.int32, device=self.device),
        )

    def draw_noise(self, lengths: Tensor) -> Any:
        """The controller's."""
        return self.controller.draw_noise(lengths)

    def forward(
        self, inputs: Tensor, state: Any, noise: Any = None
    ) -> tuple[Tensor, NTMControllerState]:
        check_step_inputs(self, inputs, self.memory.dtype)
        check_step_state(self, state, len(inputs))
        state = NTMControllerState(*state)
        # Where a head looks sums to 1 after the first step. A row may begin later than others: it
        # had no steps in the chunks before.
        is_new = (state.time == 0) | (state.w_list[0].sum(dim=1) == 0)
        if is_new.any():
            state = self._begin(state, is_new)
        seen = torch.cat([inputs, *state.read_vector_list], dim=1)
        output, controller_state = take_step(self.controller, seen, state.controller_state, noise)
        told = self._clip(output @ self.parameters_kernel + self.parameters_bias)
        heads, edits = self._tell(told)
        w_list = tuple(
            self._address(head, w, state.M) for head, w in zip(heads, state.w_list, strict=True)
        )
        readers, writers = w_list[: self.read_head_num], w_list[self.read_head_num :]
        reads = tuple((w[:, None] @ state.M)[:, 0] for w in readers)
        memory = state.M
        for w, erase, add in zip(writers, edits[::2], edits[1::2], strict=True):
            kept = 1 - w[:, :, None] * torch.sigmoid(erase)[:, None]
            memory = memory * kept + w[:, :, None] * torch.tanh(add)[:, None]
        outputs = torch.cat([output, *reads], dim=1) @ self.output_kernel + self.output_bias
        next_state = NTMControllerState(controller_state, reads, w_list, memory, state.time + 1)
        return self._clip(outputs), next_state

    def _begin(self, state: NTMControllerState, is_new: Tensor) -> NTMControllerState:
        """The state with what a run begins with, which is learned, in the rows that are new."""
        rows = is_new[:, None]
        reads = tuple(
            torch.where(rows, torch.tanh(getattr(self, f"initial_read_vector_{number}")), given)
            for number, given in enumerate(state.read_vector_list)
        )
        w_list = tuple(
            torch.where(
                rows, torch.softmax(getattr(self, f"initial_address_weights_{number}"), 1), given
            )
            for number, given in enumerate(state.w_list)
        )
        memory = torch.where(rows[:, None], self.memory, state.M)
        return state._replace(read_vector_list=reads, w_list=w_list, M=memory)

    def _tell(self, told: Tensor) -> tuple[list[_Head], list[Tensor]]:
        """What each head is told, and what is erased and added by each write head in turn."""
        num_heads, width = self.read_head_num + self.write_head_num, self.memory_vector_dim
        sizes = [width, 1, 1, 2 * self.shift_range + 1, 1]
        blocks = told[:, : num_heads * self._head_size].chunk(num_heads, dim=1)
        heads = []
        for block in blocks:
            key, strength, gate, shift, sharpness = torch.split(block, sizes, dim=1)
            heads.append(
                _Head(
                    torch.tanh(key),
                    F.softplus(strength),
                    torch.sigmoid(gate),
                    torch.softmax(shift, dim=1),
                    F.softplus(sharpness) + 1,
                )
            )
        return heads, list(torch.split(told[:, num_heads * self._head_size :], width, dim=1))

    def _address(self, head: _Head, before: Tensor, memory: Tensor) -> Tensor:
        """Where a head looks, `[batch, memory_size]`."""
        likeness = (memory @ head.key[:, :, None])[:, :, 0]
        sizes = memory.norm(dim=2) * head.key.norm(dim=1, keepdim=True)
        by_content = torch.softmax(head.strength * likeness / (sizes + 1e-8), dim=1)
        blended = head.gate * by_content + (1 - head.gate) * before
        sharp = self._shift(blended, head.shift) ** head.sharpness
        return sharp / sharp.sum(dim=1, keepdim=True)

    def _shift(self, weights: Tensor, shift: Tensor) -> Tensor:
        """The circular convolution; `shift` has distances 0, 1, ..., s and then -s, ..., -1."""
        distances = [*range(self.shift_range + 1), *range(-self.shift_range, 0)]
        moved = [weights.roll(distance, dims=1) for distance in distances]
        return torch.stack([s * m for s, m in zip(shift.T[:, :, None], moved, strict=True)]).sum(0)

    def _clip(self, values: Tensor) -> Tensor:
        return values.clamp(-self.clip_value, self.clip_value)


def _truncated_normal(kernel: Tensor) -> Tensor:
    """Of a deviation of 1 / sqrt(rows) before it is cut at two of them."""
    deviation = len(kernel) ** -0.5
    return nn.init.trunc_normal_(kernel, 0, deviation, -2 * deviation, 2 * deviation)
