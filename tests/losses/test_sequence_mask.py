import numpy as np
import pytest
import torch

from varlen import sequence_mask


@pytest.mark.parametrize(
    "lengths", [[1, 3, 0], (1, 3, 0), np.array([1, 3, 0], np.uint8), torch.tensor([1, 3, 0])]
)
def test_a_mask_is_true_on_real_steps(lengths):
    expected = [[True, False, False], [True, True, True], [False, False, False]]
    assert sequence_mask(lengths).tolist() == expected
    assert sequence_mask(lengths, 1).tolist() == [[True], [True], [False]]
    assert sequence_mask(lengths, torch.tensor(4)).shape == (3, 4)


@pytest.mark.parametrize("lengths", [[], np.zeros((0, 2), np.int64), torch.zeros(0).int()])
def test_a_mask_of_no_lengths(lengths):
    assert sequence_mask(lengths, 3).shape == (*np.shape(lengths), 3)
    assert sequence_mask(lengths).shape == (*np.shape(lengths), 0)


def test_a_mask_of_another_dtype():
    mask = sequence_mask([[1], [2]], dtype=torch.float64)
    assert mask.dtype == torch.float64
    assert mask.tolist() == [[[1.0, 0.0]], [[1.0, 1.0]]]


@pytest.mark.parametrize(
    ("lengths", "maxlen", "error", "message"),
    [
        ([1, 2], [3], ValueError, r"maxlen: expected a single number, found shape \(1,\)"),
        ([1, 2], -1, ValueError, "maxlen: expected at least 0, found -1"),
        ([1, 2], 2.0, TypeError, "maxlen: expected an integer, found 2.0"),
        ([1.0, 2.0], None, TypeError, "lengths: expected integers, found torch.float32"),
        ([True], None, TypeError, "lengths: expected integers, found torch.bool"),
    ],
)
def test_masks_that_cannot_be(lengths, maxlen, error, message):
    with pytest.raises(error, match=message):
        sequence_mask(lengths, maxlen)
