"""Time-frequency and grid LSTMs, where they do otherwise than TensorFlow; else see the oracle."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from varlen import BidirectionalGridLSTMCell, GridLSTMCell, TimeFreqLSTMCell, dynamic_rnn

BLOCKS = {
    "feature_size": 2,
    "num_frequency_blocks": [2, 1],
    "start_freqindex_list": [0, 3],
    "end_freqindex_list": [3, 5],
}
float64 = torch.float64


def test_several_frequency_steps_can_be_unrolled_from_a_state_of_zeros():
    cell = TimeFreqLSTMCell(5, 2, feature_size=3, dtype=float64)
    assert (cell.num_chunks, cell.state_size, cell.output_size) == (3, 12, 6)
    outputs, state = dynamic_rnn(cell, torch.randn(2, 4, 5, dtype=float64), [4, 2])
    assert outputs.shape == (2, 4, 6)
    assert state.shape == (2, 12)
    assert_close(state.reshape(2, 3, 2, 2)[:, :, 1].flatten(1), outputs[[0, 1], [3, 1]])


def test_each_block_has_a_state_of_its_own_in_one_tensor_too():
    cell = GridLSTMCell(5, 2, **BLOCKS, state_is_tuple=False, dtype=float64)
    named = GridLSTMCell(5, 2, **BLOCKS, dtype=float64)
    named.load_state_dict(cell.state_dict())
    inputs, joined = torch.randn(3, 4, 5, dtype=float64), torch.randn(3, 12, dtype=float64)
    outputs, state = dynamic_rnn(cell, inputs, [4, 0, 2], joined)
    expected, parts = dynamic_rnn(named, inputs, [4, 0, 2], joined.split(2, dim=1))
    assert parts._fields[:2] == ("state_f00_b00_c", "state_f00_b00_m")
    assert parts._fields[-1] == "state_f00_b01_m"
    assert_close(outputs, expected)
    assert_close(state, torch.cat(parts, dim=1))


@pytest.mark.parametrize("cell", [TimeFreqLSTMCell, GridLSTMCell, BidirectionalGridLSTMCell])
def test_a_given_initialiser_is_used(cell):
    blocks = {} if cell is TimeFreqLSTMCell else {"num_frequency_blocks": [1]}
    made = cell(3, 2, initializer=nn.init.ones_, use_peepholes=True, **blocks)
    for name, parameter in made.named_parameters():
        assert (parameter == (0 if name.split(".")[-1].startswith("B") else 1)).all(), name


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TimeFreqLSTMCell(3, 2, feature_size=4), "feature_size: expected at most 3"),
        (lambda: TimeFreqLSTMCell(3, 2, frequency_skip=0), "frequency_skip: expected at least 1"),
        (lambda: TimeFreqLSTMCell(3, 2, cell_clip=-1.0), "cell_clip: expected above 0"),
        (lambda: GridLSTMCell(3, 0, num_frequency_blocks=[1]), "num_units: expected at least 1"),
        (lambda: GridLSTMCell(3, 2), "GridLSTMCell: num_frequency_blocks: expected a list"),
        (
            lambda: BidirectionalGridLSTMCell(3, 2, num_frequency_blocks=[2]),
            "BidirectionalGridLSTMCell: num_frequency_blocks: expected 1 for columns 0 to 3",
        ),
        (
            lambda: GridLSTMCell(5, 2, **BLOCKS | {"end_freqindex_list": [3, 6]}),
            "expected columns from 0 to 5, found a block from 3 to 6",
        ),
        (
            lambda: GridLSTMCell(5, 2, **BLOCKS | {"end_freqindex_list": [3]}),
            "expected lists of one length, found 2, 2 and 1",
        ),
        (
            lambda: GridLSTMCell(3, 2, num_frequency_blocks=[1], num_unit_shards=9),
            "GridLSTMCell: num_unit_shards: expected at most 7, the number of rows, found 9",
        ),
        (
            lambda: GridLSTMCell(3, 2, num_frequency_blocks=1),
            "GridLSTMCell: num_frequency_blocks: expected a list of ints, found 1",
        ),
        (
            lambda: BidirectionalGridLSTMCell(
                3, 2, num_frequency_blocks=[1], backward_slice_offset=0.5
            ),
            "BidirectionalGridLSTMCell: backward_slice_offset: expected an int, found 0.5",
        ),
    ],
)
@pytest.mark.wrong_types
def test_misuse_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
