"""The group LSTM and the neural Turing machine, beyond what the oracle has."""

import pytest
import torch
from torch.testing import assert_close

from varlen import ConvLSTMCell, GLSTMCell, GRUCell, LSTMCell, NTMCell, _native, dynamic_rnn

float64 = torch.float64


def test_one_group_is_an_lstm():
    torch.manual_seed(0)
    cell = GLSTMCell(3, 4, num_proj=2, dtype=float64)
    plain = LSTMCell(3, 4, num_proj=2, dtype=float64)
    plain.kernel.data = cell.group0.kernel.data
    plain.projection.kernel.data = cell.projection.kernel.data
    inputs = torch.randn(2, 5, 3, dtype=float64)
    assert_close(dynamic_rnn(cell, inputs, [5, 2]), dynamic_rnn(plain, inputs, [5, 2]))


def test_groups_do_not_see_each_other():
    cell = GLSTMCell(4, 6, number_of_groups=2, dtype=float64)
    inputs = torch.randn(1, 3, 4, dtype=float64, requires_grad=True)
    outputs, _ = dynamic_rnn(cell, inputs)
    outputs[..., :3].sum().backward()
    assert inputs.grad[..., :2].all()
    assert not inputs.grad[..., 2:].any()


@pytest.mark.skipif(not _native.NATIVE, reason="the native core is left out")
def test_groups_run_natively():
    cell, inputs = GLSTMCell(4, 6, num_proj=2, number_of_groups=2), torch.randn(3, 5, 4)
    found = []
    for engine in ("native", "eager"):
        outputs, state = dynamic_rnn(cell, inputs, [5, 0, 2], engine=engine)
        gradients = torch.autograd.grad(outputs.sin().sum(), list(cell.parameters()))
        found.append((outputs, state, gradients))
    assert_close(*found)


def test_a_turing_machine_gives_what_it_takes_if_nothing_else_is_said():
    cell = NTMCell(LSTMCell(7, 5), 6, 2, 2, 1)
    assert (cell.input_size, cell.output_size) == (3, 3)
    outputs, state = dynamic_rnn(cell, torch.randn(2, 4, 3), [4, 2])
    assert outputs.shape == (2, 4, 3)
    assert state.time == 4
    assert all(w.sum(1).allclose(torch.ones(2)) for w in state.w_list)


def test_a_head_shifts_around_the_end():
    cell = NTMCell(GRUCell(3, 2), 4, 1, 1, 1)
    weights, shift = torch.tensor([[0.0, 0.0, 0.0, 1.0]]), torch.tensor([[0.1, 0.7, 0.2]])
    # Distances 0, 1 and -1.
    assert_close(cell._shift(weights, shift), torch.tensor([[0.7, 0.0, 0.2, 0.1]]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GLSTMCell(3, 4, number_of_groups=2), "GLSTMCell: input_size: expected a multiple"),
        (lambda: GLSTMCell(4, 5, number_of_groups=2), "GLSTMCell: num_units: expected a multiple"),
        (
            lambda: GLSTMCell(4, 4, num_proj=3, number_of_groups=2),
            "GLSTMCell: num_proj: expected a multiple of number_of_groups, 2, found 3",
        ),
        (lambda: NTMCell(GRUCell(3, 2), 0, 1, 1, 1), "NTMCell: memory_size: expected at least 1"),
        (lambda: NTMCell(GRUCell(3, 2), 4, 3, 1, 1), "controller: expected an input_size above 3"),
        (lambda: NTMCell(GRUCell(3, 2), 4, 1, 1, 1, shift_range=4), "shift_range: expected below"),
        (
            lambda: NTMCell(GRUCell(3, 2), 4, 1, 1, 1, clip_value=0.0),
            "clip_value: expected above 0",
        ),
    ],
)
def test_misuse_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.wrong_types
def test_a_controller_must_be_a_cell_of_single_sizes():
    with pytest.raises(TypeError, match="NTMCell: controller: expected an RNNCell, found a Linear"):
        NTMCell(torch.nn.Linear(3, 4), 4, 1, 1, 1)
    with pytest.raises(TypeError, match="NTMCell: controller: expected one of single sizes"):
        NTMCell(ConvLSTMCell(1, [3, 1], 2, [3]), 4, 1, 1, 1)


def test_a_row_of_a_turing_machine_begins_with_its_first_step():
    torch.manual_seed(0)
    cell = NTMCell(LSTMCell(5, 3, dtype=float64), 4, 2, 1, 1)
    torch.nn.init.normal_(cell.memory)
    inputs = torch.randn(2, 5, 3, dtype=float64)
    whole, final = dynamic_rnn(cell, inputs, [5, 3])

    nothing, state = dynamic_rnn(cell, inputs[:, :0])
    assert nothing.shape == (2, 0, 3)
    assert state.time == 0
    first, state = dynamic_rnn(cell, inputs[:1, :2].repeat(2, 1, 1), [2, 0], state)
    assert state.time == 2
    chunk = torch.stack([inputs[0, 2:], inputs[1, :3]])
    second, state = dynamic_rnn(cell, chunk, [3, 3], state)
    assert_close(torch.cat([first[0], second[0]]), whole[0])
    assert_close(second[1], whole[1, :3])
    assert_close(state, final)
