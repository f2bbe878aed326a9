"""Convolutional LSTMs, where they do otherwise than TensorFlow; else see the oracle."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from varlen import Conv1DLSTMCell, Conv2DLSTMCell, ConvLSTMCell, LSTMStateTuple, dynamic_rnn


def test_a_skip_connection_leaves_the_state_as_it_is():
    torch.manual_seed(0)
    cell = ConvLSTMCell(2, [3, 4, 2], 5, [3, 3], skip_connection=True)
    plain = Conv2DLSTMCell([3, 4, 2], 5, [3, 3])
    plain.load_state_dict(cell.state_dict())
    inputs = torch.randn(2, 6, 3, 4, 2)
    outputs, state = dynamic_rnn(cell, inputs, [6, 3])
    expected, expected_state = dynamic_rnn(plain, inputs, [6, 3])
    assert outputs.shape == (2, 6, 3, 4, 7)
    assert_close(state, expected_state)
    assert_close(outputs[..., :5], expected)
    assert_close(outputs[0, :, ..., 5:], inputs[0])
    assert not outputs[1, 3:].any()


def test_a_kernel_of_one_place_is_an_lstm_at_each_place():
    torch.manual_seed(0)
    cell = Conv1DLSTMCell([4, 2], 3, [1], dtype=torch.float64)
    nn.init.normal_(cell.biases)
    x, c, h = (torch.randn(2, 4, n, dtype=torch.float64) for n in (2, 3, 3))
    output, state = cell(x, LSTMStateTuple(c, h))
    gates = torch.cat([x, h], dim=-1) @ cell.kernel[0] + cell.biases
    i, j, f, o = gates.chunk(4, dim=-1)
    memory = torch.sigmoid(f + 1) * c + torch.sigmoid(i) * torch.tanh(j)
    assert_close(state.c, memory)
    assert_close(output, torch.sigmoid(o) * torch.tanh(memory))


def test_a_given_initialiser_is_used():
    cell = Conv1DLSTMCell([4, 2], 3, [3], initializers=nn.init.ones_)
    assert (cell.kernel == 1).all()
    assert Conv1DLSTMCell([4, 2], 3, [3], use_bias=False).biases is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ConvLSTMCell(4, [3, 1], 2, [3]), "conv_ndims: expected 1, 2 or 3, found 4"),
        (lambda: Conv2DLSTMCell([3, 1], 2, [3, 3]), "Conv2DLSTMCell: input_shape: expected 3"),
        (lambda: Conv1DLSTMCell([3, 1], 2, [3, 3]), "Conv1DLSTMCell: kernel_shape: expected 1"),
        (lambda: Conv1DLSTMCell([3, 0], 2, [3]), "input_shape: expected at least 1, found 0"),
        (lambda: Conv1DLSTMCell([3, 1], 0, [3]), "output_channels: expected at least 1, found 0"),
        (
            lambda: dynamic_rnn(Conv1DLSTMCell([3, 1], 2, [3]), torch.zeros(2, 4, 5, 1)),
            r"Conv1DLSTMCell: expected inputs|expected inputs",
        ),
    ],
)
def test_misuse_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
