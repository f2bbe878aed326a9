"""Cells of TensorFlow 1 that are another's mathematics by another name, and those for cuDNN."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from varlen import (
    BasicLSTMCell,
    CudnnCompatibleGRUCell,
    CudnnCompatibleLSTMCell,
    GRUBlockCell,
    GRUBlockCellV2,
    GRUCell,
    LSTMBlockCell,
    LSTMBlockFusedCell,
    LSTMCell,
    LSTMStateTuple,
    RNNCell,
    dynamic_rnn,
)

float64 = torch.float64


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def same_values(cell, other):
    """Gives both the same numbers, drawn at random, in the order of their parameters."""
    for mine, its in zip(cell.parameters(), other.parameters(), strict=True):
        torch.nn.init.normal_(mine, std=0.5)
        its.data.copy_(mine.data)


def assert_alike(cell, other):
    """Outputs, states and gradients over sequences of unequal length."""
    inputs = torch.randn(4, 6, cell.input_size, dtype=float64)
    found = []
    for one in (cell, other):
        outputs, state = dynamic_rnn(one, inputs, [6, 0, 3, 1])
        outputs.sin().sum().backward()
        leaves = one.unpack_state(state)
        found.append([outputs, *leaves, *(p.grad for p in one.parameters())])
    for mine, its in zip(*found, strict=True):
        assert_close(mine, its, rtol=0, atol=0)


def test_a_block_lstm_is_an_lstm():
    cell = LSTMBlockCell(3, 5, use_peephole=True, forget_bias=0.3, dtype=float64)
    other = LSTMCell(3, 5, use_peepholes=True, forget_bias=0.3, dtype=float64)
    other.load_state_dict(cell.state_dict())
    same_values(cell, other)
    assert_alike(cell, other)


def test_the_lstm_of_cudnn_is_a_basic_one_without_forget_bias():
    cell = CudnnCompatibleLSTMCell(3, 5, dtype=float64)
    other = BasicLSTMCell(3, 5, forget_bias=0.0, dtype=float64)
    same_values(cell, other)
    assert_alike(cell, other)


@pytest.mark.parametrize("make", [GRUBlockCell, GRUBlockCellV2])
def test_a_block_gru_is_a_gru(make):
    cell, other = make(3, cell_size=5, dtype=float64), GRUCell(3, 5, dtype=float64)
    same_values(cell, other)
    assert_alike(cell, other)


def test_the_gru_of_cudnn_is_that_of_torch():
    cell, gru = CudnnCompatibleGRUCell(3, 4, dtype=float64), torch.nn.GRUCell(3, 4, dtype=float64)
    w = cell.state_dict()
    kernel, candidate = w["gates.kernel"], "candidate.{}_projection.{}"
    gru.weight_ih.data = torch.cat([kernel[:3], w[candidate.format("input", "kernel")]], 1).T
    gru.weight_hh.data = torch.cat([kernel[3:], w[candidate.format("hidden", "kernel")]], 1).T
    w[candidate.format("input", "bias")].normal_()
    w[candidate.format("hidden", "bias")].normal_()
    w["gates.bias"].normal_()
    gru.bias_ih.data = torch.cat([w["gates.bias"], w[candidate.format("input", "bias")]])
    gru.bias_hh.data = torch.cat(
        [torch.zeros(8, dtype=float64), w[candidate.format("hidden", "bias")]]
    )
    x, h = torch.randn(6, 3, dtype=float64), torch.randn(6, 4, dtype=float64)
    output, _ = cell(x, h)
    assert_close(output, gru(x, h), rtol=1e-12, atol=1e-14)


def test_the_gradient_passes_the_clipping_of_a_block_lstm():
    """Q5: as if there were no clipping, where LSTMCell has the true gradient, 0."""
    zero = torch.zeros(2, 1, dtype=float64)
    gradients, memories = [], []
    for bound in (0.5, None):
        cell = LSTMBlockCell(1, 1, cell_clip=bound, dtype=float64)
        c = torch.tensor([[100.0], [-100.0]], dtype=float64, requires_grad=True)
        _, state = cell(zero, (c, zero))
        state.c.sum().backward()
        gradients.append(c.grad)
        memories.append(state.c)
    assert memories[0].tolist() == [[0.5], [-0.5]]
    assert (memories[1].abs() > 70).all()
    assert gradients[0].all()
    assert_close(*gradients, rtol=0, atol=0)


def test_a_clip_of_zero_is_none_for_a_block_lstm():
    x, c = torch.randn(2, 3, dtype=float64), torch.randn(2, 4, dtype=float64)
    cell = LSTMBlockCell(3, 4, cell_clip=0.0, dtype=float64)
    other = LSTMBlockCell(3, 4, dtype=float64)
    other.load_state_dict(cell.state_dict())
    assert_close(cell(x, (c, c)), other(x, (c, c)), rtol=0, atol=0)
    with pytest.raises(ValueError, match=r"LSTMBlockCell: cell_clip: expected above 0, .* -1"):
        LSTMBlockCell(3, 4, cell_clip=-1.0)


@pytest.mark.parametrize("make", [LSTMBlockCell, LSTMCell])
def test_a_state_has_two_parts(make):
    c = torch.zeros(2, 4)
    with pytest.raises(ValueError, match=rf"{make.__name__}: state: expected a pair .* 3 parts"):
        make(3, 4)(torch.zeros(2, 3), (c, c, c))


@pytest.mark.parametrize("make", [GRUBlockCell, GRUBlockCellV2])
@pytest.mark.parametrize("sizes", [{}, {"num_units": 4, "cell_size": 4}])
def test_a_block_gru_has_one_size(make, sizes):
    with pytest.raises(ValueError, match=f"{make.__name__}: expected one of num_units and"):
        make(3, **sizes)
    with pytest.raises(
        ValueError, match=f"{make.__name__}: cell_size: expected at least 1, found 0"
    ):
        make(3, cell_size=0)


class TestFused:
    def make(self, **kwargs):
        fused = LSTMBlockFusedCell(3, 4, dtype=float64, **kwargs)
        cell = LSTMBlockCell(3, 4, dtype=float64, **kwargs)
        cell.load_state_dict(fused.state_dict())
        return fused, cell

    @pytest.mark.parametrize("kwargs", [{}, {"use_peephole": True, "cell_clip": 0.2}])
    def test_is_a_block_lstm_along_time(self, kwargs):
        fused, cell = self.make(**kwargs)
        inputs = torch.randn(6, 4, 3, dtype=float64)
        state = LSTMStateTuple(*torch.randn(2, 4, 4, dtype=float64))
        lengths = np.array([6, 0, 3, 1])
        outputs, final = fused(inputs, state, sequence_length=lengths)
        expected, its_final = dynamic_rnn(cell, inputs, lengths, state, time_major=True)
        assert_close(outputs, expected, rtol=0, atol=0)
        assert_close(final, its_final, rtol=0, atol=0)
        assert isinstance(final, LSTMStateTuple)
        outputs, final = fused(list(inputs), tuple(state), float64, lengths)
        assert isinstance(outputs, list)
        assert_close(torch.stack(outputs), expected, rtol=0, atol=0)

    def test_is_no_cell(self):
        fused, _ = self.make()
        assert not isinstance(fused, RNNCell)
        assert not hasattr(fused, "state_size")
        assert set(fused.state_dict()) == {"kernel", "bias"}

    def test_needs_no_state_and_no_dtype(self):
        fused, _ = self.make()
        outputs, state = fused(torch.randn(5, 2, 3, dtype=float64))
        assert outputs.shape == (5, 2, 4)
        assert_close(state.h, outputs[-1])

    @pytest.mark.parametrize("lengths", [[1, 6], [-1, 2]])
    def test_refuses_lengths_out_of_range(self, lengths):
        """Q6: TensorFlow's process ended."""
        fused, _ = self.make()
        with pytest.raises(ValueError, match=r"sequence_length"):
            fused(torch.zeros(5, 2, 3, dtype=float64), sequence_length=lengths)

    def test_refuses_another_dtype_or_state(self):
        fused, _ = self.make()
        inputs, part = torch.zeros(5, 2, 3, dtype=float64), torch.zeros(2, 4, dtype=float64)
        with pytest.raises(ValueError, match=r"dtype: expected torch.float64"):
            fused(inputs, dtype=torch.float32)
        with pytest.raises((ValueError, TypeError), match="initial_state"):
            fused(inputs, (part, part, part))

    def test_a_name_is_the_scope_of_its_variables(self):
        from varlen import tf1

        assert set(tf1.variable_names(LSTMBlockFusedCell(3, 4)).values()) == {
            "lstm_fused_cell/kernel",
            "lstm_fused_cell/bias",
        }
        assert "mine/kernel" in tf1.variables_of(LSTMBlockFusedCell(3, 4, name="mine"))
