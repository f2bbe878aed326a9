r"""Grid LSTMs: one LSTM along time and one along frequency, which see each other's memory."""

import copyreg
from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from varlen.rnn._cell import RNNCell, check_step_inputs, check_step_state
from varlen.rnn._parameters import (
    Initializer,
    check_list,
    check_positive,
    join_shards,
    make_parameter,
    make_shards,
)
from varlen.rnn.cells._frequencies import count_chunks, cut_chunks
from varlen.rnn.cells._lstm_base import check_clip, lstm_memory


class Block(NamedTuple):
    """Chunks of frequencies that share weights: where they begin, and how many they are."""

    first: int
    num_chunks: int


class Memories(NamedTuple):
    """What an LSTM has at one place of the grid."""

    c: Tensor
    m: Tensor


@dataclass(frozen=True)
class Grid:
    """What a grid computes, apart from its weights; the arguments of `GridLSTMCell`.

    `cell` is the name of the class that they were given to.
    """

    cell: str
    num_units: int
    use_peepholes: bool
    share_time_frequency_weights: bool
    cell_clip: float | None
    forget_bias: float
    feature_size: int
    frequency_skip: int
    couple_input_forget_gates: bool
    num_unit_shards: int
    blocks: tuple[Block, ...]

    @property
    def num_chunks(self) -> int:
        return sum(block.num_chunks for block in self.blocks)

    @property
    def gates(self) -> str:
        """Of the columns of the weights: input, candidate, forget and output."""
        return "IJO" if self.couple_input_forget_gates else "IJFO"

    @property
    def walks(self) -> tuple[str, ...]:
        """Of the LSTMs with weights of their own."""
        return ("freq",) if self.share_time_frequency_weights else ("freq", "time")

    def add_weights(
        self,
        module: nn.Module,
        *,
        initializer: Initializer | None,
        dtype: torch.dtype | None,
        device: torch.device | str | None,
    ) -> None:
        """Gives `module` the parameters of one pass over the grid, under TensorFlow's names."""
        place: dict[str, Any] = {"dtype": dtype, "device": device}
        columns = len(self.gates) * self.num_units
        for number in range(len(self.blocks)):
            for walk in self.walks:
                make_shards(
                    module,
                    f"W_{walk[0]}_{number}",
                    (self.feature_size + 2 * self.num_units, columns),
                    num_shards=self.num_unit_shards,
                    argument=f"{self.cell}: num_unit_shards",
                    initializer=initializer,
                    **place,
                )
                bias = make_parameter(columns, initializer=nn.init.zeros_, **place)
                module.register_parameter(f"B_{walk[0]}_{number}", bias)
                if self.use_peepholes:
                    for gate in self.gates.replace("J", ""):
                        for seen in "ft":
                            peephole = make_parameter(
                                self.num_units, initializer=initializer, **place
                            )
                            name = f"W_{gate}_diag_{walk}{seen}_{number}"
                            module.register_parameter(name, peephole)

    def take_step(
        self,
        module: nn.Module,
        inputs: Tensor,
        state: Sequence[Tensor],
        *,
        shift: int = 0,
        downwards: bool = False,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Takes a step of time along the chunks of all blocks.

        Args:
            module: has the weights.
            inputs: `[batch, features]`.
            state: memory and output of the LSTM along time for each chunk in turn.
            shift: how much further up every chunk begins.
            downwards: whether the chunks of a block are walked from its last to its first.

        Returns:
            What is emitted, and the next state.
        """
        states = [Memories(c, m) for c, m in zip(state[::2], state[1::2], strict=True)]
        outputs: list[Tensor] = []
        next_state: list[Tensor] = []
        for number, (first, count) in enumerate(self.blocks):
            chunks = cut_chunks(
                inputs, count, self.feature_size, self.frequency_skip, first=first + shift
            )
            its_states, states = states[:count], states[count:]
            emitted, its_states = self.walk(
                module, number, chunks[::-1] if downwards else chunks, its_states
            )
            outputs += emitted
            next_state += [leaf for memories in its_states for leaf in memories]
        return outputs, next_state

    def walk(
        self, module: nn.Module, number: int, chunks: list[Tensor], states: list[Memories]
    ) -> tuple[list[Tensor], list[Memories]]:
        """Takes a step of time along the chunks of a block.

        Args:
            module: has the weights.
            number: of the block.
            chunks: `[batch, feature_size]` each.
            states: of the LSTM along time at each chunk.

        Returns:
            What both LSTMs emit, that along time first, chunk by chunk; and the next states.
        """
        next_states: list[Memories] = []
        emitted: list[Tensor] = []
        zeros = torch.zeros_like(states[0].c)
        in_frequency = Memories(zeros, zeros)
        for chunk, in_time in zip(chunks, states, strict=True):
            seen = torch.cat([chunk, in_time.m, in_frequency.m], dim=1)
            memories = {"f": in_frequency.c, "t": in_time.c}
            gates = {walk: self._gates(module, walk, number, seen) for walk in self.walks}
            for walk in self.walks:
                for gate in "IF":
                    if gate in gates[walk]:
                        peeped = self._peep(module, walk, number, gate, memories)
                        gates[walk][gate] = gates[walk][gate] + peeped
            of_frequency, of_time = gates["freq"], gates[self.walks[-1]]
            c_frequency = self._remember(in_frequency.c, of_frequency)
            c_time = self._remember(in_time.c, of_time)
            new = {"f": c_frequency, "t": c_time}
            m_frequency, m_time = (
                torch.sigmoid(its["O"] + self._peep(module, walk, number, "O", new)) * torch.tanh(c)
                for its, walk, c in (
                    (of_frequency, "freq", c_frequency),
                    (of_time, self.walks[-1], c_time),
                )
            )
            emitted += [m_time, m_frequency]
            next_states.append(Memories(c_time, m_time))
            in_frequency = Memories(c_frequency, m_frequency)
        return emitted, next_states

    def _gates(self, module: nn.Module, walk: str, number: int, seen: Tensor) -> dict[str, Tensor]:
        kernel = join_shards(module, f"W_{walk[0]}_{number}", self.num_unit_shards)
        bias: Tensor = getattr(module, f"B_{walk[0]}_{number}")
        columns = (seen @ kernel + bias).chunk(len(self.gates), dim=1)
        return dict(zip(self.gates, columns, strict=True))

    def _peep(
        self, module: nn.Module, walk: str, number: int, gate: str, memories: dict[str, Tensor]
    ) -> Tensor | float:
        """What a gate sees of both memories."""
        if not self.use_peepholes:
            return 0.0
        seen_f, seen_t = (
            getattr(module, f"W_{gate}_diag_{walk}{seen}_{number}") * memory
            for seen, memory in memories.items()
        )
        total: Tensor = seen_f + seen_t
        return total

    def _remember(self, c: Tensor, gates: dict[str, Tensor]) -> Tensor:
        forget = gates["F"] + self.forget_bias if "F" in gates else None
        return lstm_memory(c, gates["I"], torch.tanh(gates["J"]), forget, cell_clip=self.cell_clip)


def _state_fields(prefixes: tuple[str, ...], blocks: tuple[Block, ...]) -> tuple[str, ...]:
    """TensorFlow's names of the states of all chunks."""
    return tuple(
        f"{prefix}_f{chunk:02}_b{number:02}_{part}"
        for prefix in prefixes
        for number, block in enumerate(blocks)
        for chunk in range(block.num_chunks)
        for part in "cm"
    )


@cache
def _state_type(fields: tuple[str, ...]) -> Any:
    """The named tuple of these fields, which can be pickled although it is no module's."""
    made = namedtuple("GridLSTMStateTuple", fields)  # type: ignore[misc]
    copyreg.pickle(made, lambda state: (_make_state, (fields, *state)))
    return made


def _make_state(fields: tuple[str, ...], *leaves: Any) -> Any:
    return _state_type(fields)(*leaves)


def _make_grid(
    cell: str,
    input_size: int,
    num_units: int,
    *,
    num_frequency_blocks: Sequence[int] | None,
    start_freqindex_list: Sequence[int] | None,
    end_freqindex_list: Sequence[int] | None,
    feature_size: int | None,
    frequency_skip: int | None,
    cell_clip: float | None,
    **settings: Any,
) -> Grid:
    check_positive(input_size, argument=f"{cell}: input_size")
    check_positive(num_units, argument=f"{cell}: num_units")
    feature_size = input_size if feature_size is None else feature_size
    frequency_skip = 1 if frequency_skip is None else frequency_skip
    if num_frequency_blocks is None:
        raise ValueError(
            f"{cell}: num_frequency_blocks: expected a list with the number of chunks of each "
            "block, found None"
        )
    counts, starts, ends = (
        check_list(values, argument=f"{cell}: {argument}")
        for argument, values in (
            ("num_frequency_blocks", num_frequency_blocks),
            ("start_freqindex_list", [0] if start_freqindex_list is None else start_freqindex_list),
            (
                "end_freqindex_list",
                [input_size] if end_freqindex_list is None else end_freqindex_list,
            ),
        )
    )
    if not len(starts) == len(ends) == len(counts):
        raise ValueError(
            f"{cell}: num_frequency_blocks, start_freqindex_list, end_freqindex_list: expected "
            f"lists of one length, found {len(counts)}, {len(starts)} and {len(ends)}"
            "; without the last two there is one block"
        )
    blocks = []
    for start, end, given in zip(starts, ends, counts, strict=True):
        if not 0 <= start < end <= input_size:
            raise ValueError(
                f"{cell}: start_freqindex_list, end_freqindex_list: expected columns from 0 to "
                f"{input_size}, found a block from {start} to {end}"
            )
        count = count_chunks(cell, end - start, feature_size, frequency_skip)
        if given != count:
            raise ValueError(
                f"{cell}: num_frequency_blocks: expected {count} for columns {start} to {end}, "
                f"in chunks of {feature_size} every {frequency_skip}, found {given}"
            )
        blocks.append(Block(start, count))
    return Grid(
        cell=cell,
        num_units=num_units,
        feature_size=feature_size,
        frequency_skip=frequency_skip,
        cell_clip=check_clip(cell_clip, argument=f"{cell}: cell_clip"),
        blocks=tuple(blocks),
        **settings,
    )


class GridLSTMCell(RNNCell):
    r"""The grid LSTM of Li et al. (2016, "Exploring multidimensional LSTMs"), after Kalchbrenner
    et al. (2015, arXiv:1507.01526).

    The inputs of a step are cut into overlapping chunks of frequencies. One LSTM walks along time
    for each chunk, another along the chunks within each step; both see the outputs of both, and
    with peepholes their memories.

    Equations:
        $$a = [x^k_t; m^{T,k}_{t-1}; m^{F,k-1}_t]$$
        $$c^{F,k}_t, m^{F,k}_t = \mathrm{LSTM}_F(W_f a + B_f, c^{F,k-1}_t)$$
        $$c^{T,k}_t, m^{T,k}_t = \mathrm{LSTM}_T(W_t a + B_t, c^{T,k}_{t-1})$$

    When to choose it: filter banks of speech and other spectra, where a `TimeFreqLSTMCell` is too
    small.

    Args:
        input_size: width of the inputs.
        num_units: width of each memory.
        use_peepholes: the gates see both memories: input and forget gate the old ones, the output
            gate the new ones.
        share_time_frequency_weights: both LSTMs have the weights of that along frequency.
        cell_clip: the memories are clipped to `[-cell_clip, cell_clip]`; None is no clipping.
        initializer: fills kernels and peepholes (TensorFlow ignored it); None is Glorot uniform.
        num_unit_shards: how many variables each kernel is stored in.
        forget_bias: added to the forget gates at every step; it is not stored in the biases.
        feature_size: width of a chunk; None is `input_size`.
        frequency_skip: how far a chunk begins behind the one before; None is 1.
        num_frequency_blocks: how many chunks each block has, which must be what the other
            arguments make; blocks have weights of their own.
        start_freqindex_list: the first column of each block; None is one block of all columns.
        end_freqindex_list: the column behind the last one of each block.
        couple_input_forget_gates: as much is forgotten as is written.
        state_is_tuple: False joins the state to one tensor, in the order of its fields. (With
            several blocks TensorFlow let each of them read the state of the first one.)
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    The state is a named tuple with the memory and output of the LSTM along time for each chunk,
    `state_f00_b00_c`, `state_f00_b00_m`, ..., chunk and then block, `[batch, num_units]` each. The
    output is `[batch, 2 * num_units * chunks]`, of each chunk that of time and then of frequency.

    For block b the parameters are `W_f_b_0`, `W_f_b_1`, ..., together `[feature_size +
    2 * num_units, gates * num_units]` (input, candidate, forget unless coupled, output), `B_f_b`
    `[gates * num_units]`, unless shared `W_t_b_0`, ..., `B_t_b`, and with peepholes
    `W_I_diag_freqf_b`, `W_I_diag_freqt_b`, `W_I_diag_timef_b`, ... `[num_units]`.

    Raises:
        ValueError: blocks that do not fit the inputs.
    """

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        use_peepholes: bool = False,
        share_time_frequency_weights: bool = False,
        cell_clip: float | None = None,
        initializer: Initializer | None = None,
        num_unit_shards: int = 1,
        forget_bias: float = 1.0,
        feature_size: int | None = None,
        frequency_skip: int | None = None,
        num_frequency_blocks: Sequence[int] | None = None,
        start_freqindex_list: Sequence[int] | None = None,
        end_freqindex_list: Sequence[int] | None = None,
        couple_input_forget_gates: bool = False,
        state_is_tuple: bool = True,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        self.grid = _make_grid(
            "GridLSTMCell",
            input_size,
            num_units,
            use_peepholes=use_peepholes,
            share_time_frequency_weights=share_time_frequency_weights,
            cell_clip=cell_clip,
            num_unit_shards=num_unit_shards,
            forget_bias=forget_bias,
            feature_size=feature_size,
            frequency_skip=frequency_skip,
            num_frequency_blocks=num_frequency_blocks,
            start_freqindex_list=start_freqindex_list,
            end_freqindex_list=end_freqindex_list,
            couple_input_forget_gates=couple_input_forget_gates,
        )
        self.state_is_tuple = state_is_tuple
        self.input_size = input_size
        self.output_size = 2 * num_units * self.grid.num_chunks
        fields = _state_fields(("state",), self.grid.blocks)
        sizes = _state_type(fields)(*[num_units] * len(fields))
        self.state_size = sizes if state_is_tuple else sum(sizes)
        self.grid.add_weights(self, initializer=initializer, dtype=dtype, device=device)

    def forward(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        check_step_inputs(self, inputs, self.dtype)
        check_step_state(self, state, len(inputs))
        leaves = state if self.state_is_tuple else state.split(self.grid.num_units, dim=1)
        outputs, next_state = self.grid.take_step(self, inputs, leaves)
        return torch.cat(outputs, dim=1), (
            type(self.state_size)(*next_state) if self.state_is_tuple else torch.cat(next_state, 1)
        )


class BidirectionalGridLSTMCell(RNNCell):
    r"""Two `GridLSTMCell`s in each step of time, of which one walks down the frequencies.

    The grid is that of Li et al. (2016). As in TensorFlow, the outputs of the second one come in
    the order of its walk.

    Equations:
        $$y_t = [\mathrm{Grid}_\mathrm{fwd}(x^1_t, \ldots, x^K_t);
            \mathrm{Grid}_\mathrm{bwd}(x^K_t, \ldots, x^1_t)]$$

    When to choose it: where a `GridLSTMCell` helps and a pattern may hang on the frequencies above
    it as well as on those below.

    Args:
        input_size: width of the inputs.
        num_units: width of each memory.
        use_peepholes: as in `GridLSTMCell`.
        share_time_frequency_weights: as there.
        cell_clip: as there.
        initializer: as there.
        num_unit_shards: as there.
        forget_bias: as there.
        feature_size: as there.
        frequency_skip: as there.
        num_frequency_blocks: as there.
        start_freqindex_list: as there.
        end_freqindex_list: as there.
        couple_input_forget_gates: as there.
        backward_slice_offset: how much further up the chunks of the second one begin; for those
            below 0, which begin further down, and for those above, zeros stand beside the inputs.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    The state is a named tuple: `fwd_state_f00_b00_c`, ..., as in `GridLSTMCell`, and then
    `bwd_state_f00_b00_c`, ..., where chunks are counted in the order of the walk. The output is
    `[batch, 4 * num_units * chunks]`. The parameters are those of a `GridLSTMCell` under `fwd` and
    under `bwd`.

    Raises:
        ValueError: blocks that do not fit the inputs.
    """

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        use_peepholes: bool = False,
        share_time_frequency_weights: bool = False,
        cell_clip: float | None = None,
        initializer: Initializer | None = None,
        num_unit_shards: int = 1,
        forget_bias: float = 1.0,
        feature_size: int | None = None,
        frequency_skip: int | None = None,
        num_frequency_blocks: Sequence[int] | None = None,
        start_freqindex_list: Sequence[int] | None = None,
        end_freqindex_list: Sequence[int] | None = None,
        couple_input_forget_gates: bool = False,
        backward_slice_offset: int = 0,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        self.grid = _make_grid(
            "BidirectionalGridLSTMCell",
            input_size,
            num_units,
            use_peepholes=use_peepholes,
            share_time_frequency_weights=share_time_frequency_weights,
            cell_clip=cell_clip,
            num_unit_shards=num_unit_shards,
            forget_bias=forget_bias,
            feature_size=feature_size,
            frequency_skip=frequency_skip,
            num_frequency_blocks=num_frequency_blocks,
            start_freqindex_list=start_freqindex_list,
            end_freqindex_list=end_freqindex_list,
            couple_input_forget_gates=couple_input_forget_gates,
        )
        if type(backward_slice_offset) is not int:
            raise TypeError(
                "BidirectionalGridLSTMCell: backward_slice_offset: expected an int, "
                f"found {backward_slice_offset!r}"
            )
        self.backward_slice_offset = backward_slice_offset
        self.input_size = input_size
        self.output_size = 4 * num_units * self.grid.num_chunks
        fields = _state_fields(("fwd_state", "bwd_state"), self.grid.blocks)
        self.state_size = _state_type(fields)(*[num_units] * len(fields))
        self.fwd, self.bwd = nn.Module(), nn.Module()
        for module in (self.fwd, self.bwd):
            self.grid.add_weights(module, initializer=initializer, dtype=dtype, device=device)

    def forward(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        check_step_inputs(self, inputs, self.dtype)
        check_step_state(self, state, len(inputs))
        offset, half = self.backward_slice_offset, len(state) // 2
        padded = F.pad(inputs, (max(-offset, 0), max(offset, 0)))
        upwards, next_upwards = self.grid.take_step(self.fwd, inputs, state[:half])
        downwards, next_downwards = self.grid.take_step(
            self.bwd, padded, state[half:], shift=max(offset, 0), downwards=True
        )
        outputs, next_state = upwards + downwards, next_upwards + next_downwards
        return torch.cat(outputs, dim=1), type(self.state_size)(*next_state)
