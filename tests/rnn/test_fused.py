"""The fused interface: whole sequences, time first, tensors or lists; backwards too."""

import pytest
import torch
from torch.testing import assert_close

from varlen import (
    FusedRNNCellAdaptor,
    GRUCell,
    LSTMBlockFusedCell,
    LSTMCell,
    TimeReversedFusedRNN,
    bidirectional_dynamic_rnn,
    dynamic_rnn,
)

LENGTHS = [4, 0, 2]


def inputs_with_garbage():
    torch.manual_seed(0)
    x = torch.randn(4, 3, 3)
    x[:, 1], x[2:, 2] = float("nan"), float("nan")
    return x


@pytest.mark.parametrize("use_dynamic_rnn", [True, False])
def test_a_cell_is_run_along_time(use_dynamic_rnn):
    cell, x, state = LSTMCell(3, 4), inputs_with_garbage(), LSTMCell(3, 4).zero_state(3)
    expected = dynamic_rnn(cell, x, LENGTHS, time_major=True)
    fused = FusedRNNCellAdaptor(cell, use_dynamic_rnn)
    assert_close(fused(x, sequence_length=LENGTHS), expected)
    assert_close(fused(x, state, sequence_length=LENGTHS), expected)
    steps, final = fused(list(x), sequence_length=LENGTHS)
    assert isinstance(steps, list)
    assert_close((torch.stack(steps), final), expected)
    assert set(fused.state_dict()) == set(cell.state_dict())


@pytest.mark.parametrize("lengths", [LENGTHS, None])
@pytest.mark.parametrize("in_steps", [False, True])
def test_backwards_is_the_backward_half(lengths, in_steps):
    """By the lengths also for a list, which TensorFlow reverses as a whole (Q27)."""
    cell = GRUCell(3, 4)
    x = inputs_with_garbage() if lengths else torch.randn(4, 3, 3)
    reverse = TimeReversedFusedRNN(FusedRNNCellAdaptor(cell))
    outputs, state = reverse(list(x) if in_steps else x, sequence_length=lengths)
    outputs = torch.stack(outputs) if in_steps else outputs
    (_, expected), (_, expected_state) = bidirectional_dynamic_rnn(
        GRUCell(3, 4), cell, x, lengths, time_major=True
    )
    assert_close((outputs, state), (expected, expected_state))
    assert set(reverse.state_dict()) == set(cell.state_dict())


def test_twice_backwards_is_forward():
    fused, x = LSTMBlockFusedCell(3, 4), inputs_with_garbage()
    twice = TimeReversedFusedRNN(TimeReversedFusedRNN(fused))
    assert_close(twice(x, sequence_length=LENGTHS), fused(x, sequence_length=LENGTHS))


def test_no_gradient_comes_from_padding():
    cell, x = GRUCell(3, 4), inputs_with_garbage().requires_grad_()
    outputs, _ = TimeReversedFusedRNN(FusedRNNCellAdaptor(cell))(x, sequence_length=LENGTHS)
    outputs.sum().backward()
    assert not x.grad[:, 1].any()
    assert not x.grad[2:, 2].any()
    assert x.grad[:2, 2].all()
    assert all(p.grad.isfinite().all() for p in cell.parameters())


@pytest.mark.wrong_types
def test_refuse_what_does_not_fit():
    with pytest.raises(TypeError, match="cell: expected an RNNCell, found a LSTMBlockFusedCell"):
        FusedRNNCellAdaptor(LSTMBlockFusedCell(3, 4))
    for wrong in (GRUCell(3, 4), torch.nn.Linear(3, 4), None):
        with pytest.raises(TypeError, match="TimeReversedFusedRNN: cell: expected a module around"):
            TimeReversedFusedRNN(wrong)
    reverse = TimeReversedFusedRNN(FusedRNNCellAdaptor(GRUCell(3, 4)))
    with pytest.raises(ValueError, match="seq_lengths"):
        reverse(torch.zeros(4, 2, 3), sequence_length=[5, 1])
    with pytest.raises(ValueError, match="expected at least one step"):
        reverse([])
