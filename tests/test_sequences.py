import numpy as np
import pytest
import torch

from varlen import JaggedSequence, PaddedSequence
from varlen.sequences import check_lengths, pad, unpad


@pytest.mark.parametrize(
    "lengths",
    [
        [3, 0, 5],
        (3, 0, 5),
        np.array([3, 0, 5], np.uint8),
        torch.tensor([3, 0, 5], dtype=torch.int32),
    ],
)
def test_lengths_come_in_any_form(lengths):
    checked = check_lengths(lengths, 3, 5)
    assert checked.dtype == np.int64
    np.testing.assert_array_equal(checked, [3, 0, 5])


def test_no_rows_need_no_lengths():
    assert check_lengths([], 0, 5).shape == (0,)


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        ([3, -1, 5], ValueError, "lengths: expected a length from 0 to 5, .* found -1 in row 1"),
        ([3, 0, 6], ValueError, "found 6 in row 2"),
        ([3, 0], ValueError, r"expected one length per row, shape \(3,\), found shape \(2,\)"),
        (3, ValueError, r"found shape \(\)"),
        ([3.0, 0.0, 5.0], TypeError, "expected integers, found float64"),
        ([True, False, True], TypeError, "expected integers, found bool"),
    ],
)
def test_lengths_that_cannot_be(lengths, error, message):
    with pytest.raises(error, match=message):
        check_lengths(lengths, 3, 5)


def test_pad_and_unpad_are_inverse():
    jagged = JaggedSequence(np.arange(8.0).reshape(4, 2), np.array([1, 0, 3]))
    padded = pad(jagged, padding_value=np.nan)
    assert padded.data.shape == (3, 3, 2)
    assert np.isnan(padded.data[1]).all()
    back = unpad(padded)
    np.testing.assert_array_equal(back.values, jagged.values)
    np.testing.assert_array_equal(back.lengths, jagged.lengths)


def test_pad_keeps_the_dtype_and_takes_strings():
    words = np.array([b"a", b"bc"], object)
    padded = pad(JaggedSequence(words, np.array([2, 0])), padding_value=b"")
    assert padded.data.tolist() == [[b"a", b"bc"], [b"", b""]]
    assert pad(JaggedSequence(np.arange(3, dtype=np.int32), np.array([3]))).data.dtype == np.int32


def test_unpad_checks_the_lengths():
    with pytest.raises(ValueError, match="found 4 in row 0"):
        unpad(PaddedSequence(np.zeros((1, 3)), [4]))


def test_lengths_may_be_made_within_a_function_transform():
    def loss(values):
        lengths = check_lengths(torch.tensor([2, 1]), 2, 3)
        return (values * torch.from_numpy(lengths)).sum()

    found = torch.func.grad(loss)(torch.zeros(2))
    np.testing.assert_array_equal(found, [2, 1])
