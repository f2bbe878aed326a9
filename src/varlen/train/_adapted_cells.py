"""Cells whose inputs, outputs or states are of another kind, in the form that layers need: one
width in, the units out, and a state that has rows."""

from typing import Any

import torch
from torch import Tensor

from varlen.cells import (
    BidirectionalGridLSTMCell,
    GridLSTMCell,
    LSTMCell,
    NTMCell,
    PhasedLSTMCell,
    TimeFreqLSTMCell,
)
from varlen.rnn import RNNCell

_CHUNKS = 4
_MEMORY_SIZE, _MEMORY_WIDTH = 128, 20  # as in the experiments of Graves et al. (2014)


class PhasedBySteps(RNNCell):
    """A phased LSTM to which a step happens at the time of its number, from 0.

    Units are open for half of their period, not for a tenth: whole numbers would fall beside the
    openings of short periods. (JapaneseVowels, 15 epochs: 91 % of validation instead of 79 %.)

    The state is that of the cell, and the time, `[batch, 1]`, which goes on from where a chunk of a
    sequence ended.
    """

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__()
        self.cell = PhasedLSTMCell(input_size, units, ratio_on=0.5)
        self.input_size, self.output_size = input_size, units
        self.state_size = (self.cell.state_size, 1)

    def forward(self, inputs: Tensor, state: Any) -> tuple[Any, Any]:
        own, time = state
        outputs, own = self.cell((time, inputs), own)
        return outputs, (own, time + 1)


class NTMOfRows(RNNCell):
    """A neural Turing machine with an LSTM, and 128 places of 20 numbers, for one head to read and
    one to write.

    Its state is without the time, which would have no rows: rows that begin are known by their
    weights, which are zeros.
    """

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__()
        controller = LSTMCell(input_size + _MEMORY_WIDTH, units)
        self.cell = NTMCell(controller, _MEMORY_SIZE, _MEMORY_WIDTH, 1, 1, output_dim=units)
        self.input_size, self.output_size = input_size, units
        self.state_size = tuple(self.cell.state_size[:-1])

    def forward(self, inputs: Tensor, state: Any) -> tuple[Any, Any]:
        is_later = torch.ones((), dtype=torch.int32, device=inputs.device)
        outputs, state = self.cell(inputs, (*state, is_later))
        return outputs, tuple(state[:-1])


def time_freq_lstm(input_size: int, units: int) -> RNNCell:
    """An LSTM along the inputs, too, cut into four chunks that overlap, or fewer."""
    chunks, width, skip = _cut(input_size, units, outputs=1)
    return TimeFreqLSTMCell(input_size, units // chunks, feature_size=width, frequency_skip=skip)


def grid_lstm(input_size: int, units: int) -> RNNCell:
    """A grid of such chunks, each with two outputs."""
    chunks, width, skip = _cut(input_size, units, outputs=2)
    return GridLSTMCell(
        input_size,
        units // (2 * chunks),
        feature_size=width,
        frequency_skip=skip,
        num_frequency_blocks=[chunks],
    )


def bidirectional_grid_lstm(input_size: int, units: int) -> RNNCell:
    """Two grids of such chunks."""
    chunks, width, skip = _cut(input_size, units, outputs=4)
    return BidirectionalGridLSTMCell(
        input_size,
        units // (4 * chunks),
        feature_size=width,
        frequency_skip=skip,
        num_frequency_blocks=[chunks],
    )


def _cut(input_size: int, units: int, *, outputs: int) -> tuple[int, int, int]:
    """How many chunks there are, how wide and how far apart, so that all outputs are the units.

    Raises:
        ValueError: not even one chunk has a whole number of units.
    """
    if units % outputs:
        raise ValueError(f"units: expected a multiple of {outputs}, found {units}")
    chunks = next(
        n for n in range(_CHUNKS, 0, -1) if n <= input_size and units % (n * outputs) == 0
    )
    skip = max(1, input_size // (chunks + 1))
    return chunks, input_size - (chunks - 1) * skip, skip
