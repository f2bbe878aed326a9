import math

import pytest
import torch
from torch.testing import assert_close

from varlen import masked_binary_cross_entropy, masked_mean_squared_error

LENGTHS = [3, 0, 1]


def random_pair(*shape):
    generator = torch.Generator().manual_seed(0)
    pair = torch.rand(2, 3, 4, *shape, generator=generator, dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        pair[:, row, length:] = math.nan
    return 3 * pair[0], pair[1]


def squared(output, target):
    return (output - target) ** 2


def bernoulli(logit, target):
    p = 1 / (1 + math.exp(-logit))
    return -(target * math.log(p) + (1 - target) * math.log(1 - p))


@pytest.mark.parametrize(
    ("loss", "of_element"),
    [(masked_mean_squared_error, squared), (masked_binary_cross_entropy, bernoulli)],
)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_reductions_are_those_of_a_plain_loop(loss, of_element, shape):
    scores, targets = random_pair(*shape)
    steps = torch.zeros(3, 4, dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        for t in range(length):
            pairs = zip(scores[row, t].flatten(), targets[row, t].flatten(), strict=True)
            each = [of_element(a.item(), b.item()) for a, b in pairs]
            steps[row, t] = sum(each) / len(each)
    assert_close(loss(scores, targets, LENGTHS, reduction="none"), steps)
    assert_close(loss(scores, targets, LENGTHS, reduction="sum"), steps.sum())
    assert_close(loss(scores, targets, LENGTHS, reduction="token"), steps.sum() / 4)
    means = (steps[0].sum() / 3 + steps[2].sum()) / 2
    assert_close(loss(scores, targets, LENGTHS), means)
    assert_close(loss(scores, targets, LENGTHS, total=5), means * 2 / 5)


def test_targets_of_any_type():
    scores = torch.randn(1, 2, 3)
    targets = torch.tensor([[[1, 0, 1], [0, 0, 1]]])
    for loss in (masked_mean_squared_error, masked_binary_cross_entropy):
        expected = loss(scores, targets.float(), [2])
        assert expected.dtype == torch.float32
        assert loss(scores, targets, [2]) == expected
    assert masked_binary_cross_entropy(scores, targets.bool(), [2]) == expected


def test_large_scores_are_no_trouble():
    scores = torch.tensor([[[1e4, -1e4]]])
    assert masked_binary_cross_entropy(scores, torch.tensor([[[1, 0]]]), [1]) == 0
    assert masked_binary_cross_entropy(scores, torch.tensor([[[0, 0]]]), [1]) == 5e3


def test_a_real_target_that_is_no_probability_is_named():
    scores, targets = random_pair(2)
    for bad in (1.5, -0.1, math.nan):
        targets[2, 0, 1] = bad
        with pytest.raises(ValueError, match=f"from 0 to 1, found {bad:g} in row 2 at step 0"):
            masked_binary_cross_entropy(scores, targets, LENGTHS)


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("loss", "argument"),
    [(masked_mean_squared_error, "outputs"), (masked_binary_cross_entropy, "logits")],
)
def test_what_does_not_fit(loss, argument):
    scores, targets = random_pair(2)
    for other in (scores[0], targets[:, :, :1]):
        with pytest.raises(ValueError, match=rf"targets: expected the shape of {argument}, \(3, 4"):
            loss(scores, other, LENGTHS)
    with pytest.raises(ValueError, match=rf"{argument}: expected \[batch, time, ...\], found \(3,"):
        loss(scores[:, 0, 0], targets[:, 0, 0], LENGTHS)
    with pytest.raises(ValueError, match=f"{argument}: expected at least one number per step"):
        loss(scores[..., :0], targets[..., :0], LENGTHS)
    with pytest.raises(TypeError, match=f"{argument}: expected floating numbers, found torch.int"):
        loss(scores.long(), targets, LENGTHS)
    with pytest.raises(ValueError, match="found 5 in row 0"):
        loss(scores, targets, [5, 0, 0])
    with pytest.raises(ValueError, match=r"'tokens'; .* Did you mean 'token'"):
        loss(scores, targets, LENGTHS, reduction="tokens")
