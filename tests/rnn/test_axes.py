"""reverse_sequence and transpose_batch_time against a loop over rows."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from varlen import reverse_sequence, transpose_batch_time


def by_hand(x, lengths, seq_axis, batch_axis):
    rows = np.moveaxis(x.copy(), (batch_axis, seq_axis), (0, 1))
    for row, length in zip(rows, lengths, strict=True):
        row[:length] = row[:length][::-1].copy()
    return np.moveaxis(rows, (0, 1), (batch_axis, seq_axis))


@pytest.mark.parametrize("axes", [(1, 0), (0, 1), (2, 0), (-1, 1), (0, -1)])
@pytest.mark.parametrize("dtype", [np.float64, np.int32, bool])
def test_reverses_each_row_by_its_length(axes, dtype):
    x = np.random.default_rng(0).integers(0, 9, (3, 4, 5)).astype(dtype)
    num_rows, num_steps = x.shape[axes[1]], x.shape[axes[0]]
    lengths = np.random.default_rng(1).integers(0, num_steps + 1, num_rows)
    out = reverse_sequence(torch.from_numpy(x), lengths, *axes)
    np.testing.assert_array_equal(out, by_hand(x, lengths, *axes))
    again = reverse_sequence(out, torch.from_numpy(lengths), *axes)
    np.testing.assert_array_equal(again, x)


def test_what_stays_in_place_may_be_nan_and_the_gradient_is_the_same_operation():
    x = torch.arange(6.0).reshape(2, 3)
    x[1, 1:] = torch.nan
    x.requires_grad_()
    out = reverse_sequence(x, [3, 1], 1)
    assert_close(out, torch.tensor([[2.0, 1, 0], [3, torch.nan, torch.nan]]), equal_nan=True)
    weights = torch.arange(6.0).reshape(2, 3)
    (gradient,) = torch.autograd.grad(out, x, weights)
    assert_close(gradient, reverse_sequence(weights, [3, 1], 1), rtol=0, atol=0)


def test_nothing_to_reverse():
    assert reverse_sequence(torch.zeros(0, 4), [], 1).shape == (0, 4)
    assert reverse_sequence(torch.zeros(2, 0, 3), [0, 0], 1).shape == (2, 0, 3)


@pytest.mark.parametrize(
    ("lengths", "seq_axis", "batch_axis", "error", "message"),
    [
        ([1, 4], 1, 0, ValueError, "seq_lengths: expected a length from 0 to 3.* found 4 in row 1"),
        ([-1, 0], 1, 0, ValueError, "seq_lengths: .* found -1 in row 0"),
        ([1, 2, 3], 1, 0, ValueError, "seq_lengths: expected one length per row"),
        ([1.5, 2.0], 1, 0, TypeError, "seq_lengths: expected integers"),
        ([1, 2], 0, 0, ValueError, "seq_axis: expected another axis than batch_axis, found 0"),
        ([1, 2], -2, 0, ValueError, "seq_axis: expected another axis than batch_axis, found -2"),
        (
            [1, 2],
            2,
            0,
            ValueError,
            r"seq_axis: expected an axis of input of shape \(2, 3\), found 2",
        ),
        ([1, 2], 1, -3, ValueError, "batch_axis: expected an axis of input"),
    ],
)
def test_says_what_is_wrong(lengths, seq_axis, batch_axis, error, message):
    with pytest.raises(error, match=message):
        reverse_sequence(torch.zeros(2, 3), lengths, seq_axis, batch_axis)


def test_transpose_batch_time_swaps_the_first_two_axes():
    x = torch.arange(24).reshape(2, 3, 4)
    assert_close(transpose_batch_time(x), x.transpose(0, 1))
    for small in (torch.arange(3), torch.tensor(1)):
        assert transpose_batch_time(small) is small


@pytest.mark.wrong_types
def test_wants_tensors():
    with pytest.raises(TypeError, match="input: expected a tensor, found a list"):
        reverse_sequence([[1, 2]], [2], 1)
    with pytest.raises(TypeError, match="x: expected a tensor, found a ndarray"):
        transpose_batch_time(np.zeros((2, 3)))
