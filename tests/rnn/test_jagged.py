"""Unrolls over sequences without padding give what they give over a padded block."""

import pytest
import torch
from torch.testing import assert_close

from varlen import (
    GRUCell,
    JaggedSequence,
    LSTMCell,
    MultiRNNCell,
    bidirectional_dynamic_rnn,
    dynamic_rnn,
    stack_bidirectional_dynamic_rnn,
)
from varlen.rnn import NTMCell, PhasedLSTMCell

float64 = torch.float64
LENGTHS = torch.tensor([3, 0, 5, 1])
LIVE = torch.arange(5) < LENGTHS[:, None]


@pytest.fixture
def block():
    padded = torch.randn(4, 5, 3, dtype=float64, generator=torch.Generator().manual_seed(1))
    padded[~LIVE] = float("nan")
    return padded.requires_grad_()


def gradients(outputs, state, cells, inputs):
    leaves = [leaf for leaf in torch.utils._pytree.tree_leaves(state) if leaf.is_floating_point()]
    total = (outputs**2).sum() + sum((leaf**2).sum() for leaf in leaves)
    return torch.autograd.grad(total, [inputs, *(p for cell in cells for p in cell.parameters())])


@pytest.mark.parametrize("engine", ["auto", "eager"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: LSTMCell(3, 4, num_proj=2, dtype=float64),
        lambda: MultiRNNCell([GRUCell(3, 4, dtype=float64), LSTMCell(4, 5, dtype=float64)]),
        lambda: NTMCell(GRUCell(3 + 2, 4, dtype=float64), 4, 2, 1, 1),
    ],
)
def test_one_direction(make, engine, block):
    cell = make()
    values = block[LIVE].detach().requires_grad_()
    expected, its_state = dynamic_rnn(cell, block, LENGTHS, engine=engine)
    found, state = dynamic_rnn(cell, JaggedSequence(values, LENGTHS), engine=engine)
    assert_close(found.values, expected[LIVE])
    assert found.lengths.tolist() == LENGTHS.tolist()
    assert_close(state, its_state)
    of_block, *of_weights = gradients(expected, its_state, [cell], block)
    of_values, *others = gradients(found.values, state, [cell], values)
    assert_close(of_values, of_block[LIVE])
    assert_close(others, of_weights)


@pytest.mark.parametrize("layers", [1, 2])
def test_two_directions(layers, block):
    cells_fw = [GRUCell(3 if i == 0 else 9, 4, dtype=float64) for i in range(layers)]
    cells_bw = [LSTMCell(3 if i == 0 else 9, 5, dtype=float64) for i in range(layers)]
    values = block[LIVE].detach()
    jagged = JaggedSequence(values, LENGTHS)
    if layers == 1:
        expected, states = bidirectional_dynamic_rnn(*cells_fw, *cells_bw, block, LENGTHS)
        found, its_states = bidirectional_dynamic_rnn(*cells_fw, *cells_bw, jagged)
        assert_close([way.values for way in found], [way[LIVE] for way in expected])
    else:
        run = stack_bidirectional_dynamic_rnn
        expected, *states = run(cells_fw, cells_bw, block, sequence_length=LENGTHS)
        found, *its_states = run(cells_fw, cells_bw, jagged)
        assert_close(found.values, expected[LIVE])
    assert_close(its_states, type(its_states)(states))


def test_a_tuple_of_inputs():
    cell = PhasedLSTMCell(3, 4)
    times, features = torch.rand(9, 1), torch.randn(9, 3)
    found, _ = dynamic_rnn(cell, JaggedSequence((times, features), [3, 0, 5, 1]))
    alone, _ = dynamic_rnn(cell, (times[None, 3:8], features[None, 3:8]))
    assert_close(found.values[3:8], alone[0])


def test_no_rows_and_no_steps():
    outputs, state = dynamic_rnn(GRUCell(3, 4), JaggedSequence(torch.zeros(0, 3), []))
    assert outputs.values.shape == state.shape == (0, 4)
    outputs, state = dynamic_rnn(GRUCell(3, 4), JaggedSequence(torch.zeros(0, 3), [0, 0]))
    assert outputs.values.shape == (0, 4)
    assert not state.any()


@pytest.mark.parametrize(
    ("values", "lengths", "settings", "message"),
    [
        ((5, 3), [2, 2], {}, r"inputs: expected values of 4 steps, the sum .* shape \(5, 3\)"),
        ((5, 3), [6, -1], {}, "inputs: lengths: expected a length at least 0, found -1 in row 1"),
        ((5, 2), [2, 3], {}, r"GRUCell: expected inputs of shape \(steps, 3\), found \(5, 2\)"),
        ((5, 3), [2, 3], {"sequence_length": [2, 3]}, "a JaggedSequence has its own"),
        ((5, 3), [2, 3], {"time_major": True}, "time_major: expected False, a JaggedSequence"),
    ],
)
def test_what_is_refused(values, lengths, settings, message):
    inputs = JaggedSequence(torch.zeros(values), lengths)
    with pytest.raises(ValueError, match=message):
        dynamic_rnn(GRUCell(3, 4), inputs, **settings)
