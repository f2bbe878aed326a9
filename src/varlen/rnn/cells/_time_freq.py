"""The LSTM that walks along frequencies within each step of time."""

import torch
from torch import Tensor, nn

from varlen.rnn._cell import RNNCell, check_step_inputs, check_step_state
from varlen.rnn._parameters import (
    Initializer,
    check_positive,
    join_shards,
    make_parameter,
    make_shards,
)
from varlen.rnn.cells._frequencies import count_chunks, cut_chunks
from varlen.rnn.cells._lstm_base import check_clip, lstm_memory


class TimeFreqLSTMCell(RNNCell):
    r"""The time-frequency LSTM of Li et al. (2015, "LSTM time and frequency recurrence").

    The inputs of a step are cut into overlapping chunks of frequencies. One LSTM walks along the
    chunks: for each it has a state in time, and it sees its own output for the chunk before.

    Equations:
        $$[i, j, f, o] = W [x^k_t; m^k_{t-1}; m^{k-1}_t] + B$$
        $$c^k_t = \sigma(f + b_f) \odot c^k_{t-1} + \sigma(i) \odot \tanh(j)$$
        $$m^k_t = \sigma(o) \odot \tanh(c^k_t)$$

    When to choose it: filter banks of speech and other spectra, whose patterns may be shifted
    along the frequencies; it has the weights of one small LSTM.

    Args:
        input_size: width of the inputs.
        num_units: width of the memory for each chunk.
        use_peepholes: the gates see the memory: input and forget gate the old one, the output
            gate the new one.
        cell_clip: the memory is clipped to `[-cell_clip, cell_clip]`; None is no clipping.
        initializer: fills kernel and peepholes (TensorFlow ignored it); None is Glorot uniform.
        num_unit_shards: how many variables the kernel is stored in.
        forget_bias: added to the forget gate at every step; it is not stored in `B`.
        feature_size: width of a chunk; None is `input_size`, which makes one chunk.
        frequency_skip: how far a chunk begins behind the one before.
        dtype: of the parameters; None is torch's default.
        device: of the parameters.

    With F chunks, the state is one tensor `[batch, 2 * num_units * F]`, memory and output of each
    chunk in turn, and the output is `[batch, num_units * F]`. (TensorFlow's cell says that they are
    those of one chunk, so that it cannot be unrolled with more.)

    The parameters are `W_0`, `W_1`, ..., together `[feature_size + 2 * num_units, 4 * num_units]`
    (input, candidate, forget, output), `B` `[4 * num_units]`, and with peepholes `W_F_diag`,
    `W_I_diag` and `W_O_diag` `[num_units]`.

    Raises:
        ValueError: a chunk that is wider than the inputs.
    """

    W_F_diag: Tensor
    W_I_diag: Tensor
    W_O_diag: Tensor

    def __init__(
        self,
        input_size: int,
        num_units: int,
        *,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Initializer | None = None,
        num_unit_shards: int = 1,
        forget_bias: float = 1.0,
        feature_size: int | None = None,
        frequency_skip: int = 1,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        self.input_size = check_positive(input_size, argument="TimeFreqLSTMCell: input_size")
        self.num_units = check_positive(num_units, argument="TimeFreqLSTMCell: num_units")
        self.feature_size = input_size if feature_size is None else feature_size
        self.frequency_skip = frequency_skip
        self.num_chunks = count_chunks(
            "TimeFreqLSTMCell", input_size, self.feature_size, frequency_skip
        )
        self.state_size = 2 * num_units * self.num_chunks
        self.output_size = num_units * self.num_chunks
        self.use_peepholes = use_peepholes
        self.cell_clip = check_clip(cell_clip, argument="TimeFreqLSTMCell: cell_clip")
        self.forget_bias = forget_bias
        self.num_unit_shards = num_unit_shards
        make_shards(
            self,
            "W",
            (self.feature_size + 2 * num_units, 4 * num_units),
            num_shards=num_unit_shards,
            argument="TimeFreqLSTMCell: num_unit_shards",
            initializer=initializer,
            dtype=dtype,
            device=device,
        )
        self.B = make_parameter(
            4 * num_units, initializer=nn.init.zeros_, dtype=dtype, device=device
        )
        if use_peepholes:
            for gate in "FIO":
                peephole = make_parameter(
                    num_units, initializer=initializer, dtype=dtype, device=device
                )
                self.register_parameter(f"W_{gate}_diag", peephole)

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        check_step_inputs(self, inputs, self.B.dtype)
        check_step_state(self, state, len(inputs))
        kernel = join_shards(self, "W", self.num_unit_shards)
        chunks = cut_chunks(inputs, self.num_chunks, self.feature_size, self.frequency_skip)
        leaves = iter(torch.split(state, self.num_units, dim=1))
        output = inputs.new_zeros(len(inputs), self.num_units)
        outputs, next_state = [], []
        for chunk, c, m in zip(chunks, leaves, leaves, strict=True):
            gates = torch.cat([chunk, m, output], dim=1) @ kernel + self.B
            c, output = self._update(gates, c)
            outputs.append(output)
            next_state += [c, output]
        return torch.cat(outputs, dim=1), torch.cat(next_state, dim=1)

    def _update(self, gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        write, candidate, forget, output = gates.chunk(4, dim=1)
        if self.use_peepholes:
            write = write + self.W_I_diag * c
            forget = forget + self.W_F_diag * c
        c = lstm_memory(
            c, write, torch.tanh(candidate), forget + self.forget_bias, cell_clip=self.cell_clip
        )
        if self.use_peepholes:
            output = output + self.W_O_diag * c
        return c, torch.sigmoid(output) * torch.tanh(c)
