"""Integers of every type, and scores of 16 bits."""

import pytest
import torch
from torch.testing import assert_close

from varlen import metrics
from varlen.losses import (
    LinearChainCRF,
    legacy_sequence_loss,
    loss_total,
    masked_cross_entropy,
    masked_ctc_loss,
    masked_linear_cross_entropy,
    sequence_loss,
    sequence_loss_by_example,
    sequence_mask,
)

INTEGERS = [
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.uint16,
    torch.uint32,
    torch.uint64,
]
CLASSES = 300
LENGTHS = [3, 4]


@pytest.mark.parametrize(
    "function",
    [
        masked_cross_entropy,
        lambda *batch: masked_cross_entropy(*batch, ignore_index=-100),
        lambda *batch: masked_cross_entropy(*batch, class_weights=torch.arange(300.0)),
        lambda x, *batch: masked_linear_cross_entropy(x, torch.eye(CLASSES), None, *batch),
        lambda x, y, lengths: masked_ctc_loss(x, lengths, y, [2, 1], blank=CLASSES - 1),
        lambda *batch: LinearChainCRF(CLASSES)(*batch),
        lambda x, y, lengths: sequence_loss(x, y, sequence_mask(lengths, 4, dtype=torch.float32)),
        lambda x, y, lengths: loss_total(lengths, targets=y, ignore_index=-100),
        metrics.accuracy,
        metrics.perplexity,
        lambda x, y, lengths: metrics.class_f1(y, y, lengths, num_classes=CLASSES),
        lambda x, y, lengths: metrics.edit_distance(y, lengths, y, [2, 2]),
    ],
)
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_targets_of_every_integer_type(function, dtype):
    """With more classes than 8 bits can hold: 300 is 44 there, and -100 is 156."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(2, 4, CLASSES, generator=generator)
    last = 156 if dtype.itemsize > 1 or dtype == torch.uint8 else 44
    targets = torch.tensor([[1, 2, 3, 0], [5, 43, 7, last]])
    expected = function(scores, targets, LENGTHS)
    assert function(scores, targets.to(dtype), LENGTHS) == expected


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_masks_of_every_integer_type(dtype):
    lengths = torch.tensor([3, 0, 2])
    assert torch.equal(sequence_mask(lengths.to(dtype)), sequence_mask(lengths))


HALVES = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)


def long_batch(dtype):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(40, 2000, 4, generator=generator).to(dtype)
    targets = torch.randint(1, 4, (40, 2000), generator=generator)
    return logits, targets, torch.full((40,), 2000)


def assert_rounded(found, expected, dtype):
    """Equal but for the roundings of the scores' losses and of the result."""
    assert found.dtype == dtype
    assert_close(found.double(), expected, rtol=2 * torch.finfo(dtype).eps, atol=0)


@HALVES
@pytest.mark.parametrize("reduction", ["sequence", "token"])
def test_a_mean_over_many_steps_of_16_bits(dtype, reduction):
    logits, *batch = long_batch(dtype)
    found = masked_cross_entropy(logits, *batch, reduction=reduction)
    expected = masked_cross_entropy(logits.double(), *batch, reduction=reduction)
    assert_rounded(found, expected, dtype)


@HALVES
def test_a_long_chain_of_16_bits(dtype):
    logits, *batch = long_batch(dtype)
    crf = LinearChainCRF(4, dtype=dtype)
    assert_rounded(crf(logits, *batch), crf.double()(logits.double(), *batch), dtype)
    scores = crf.to(dtype).decode(logits, batch[1])[1]
    assert_rounded(scores, crf.double().decode(logits.double(), batch[1])[1], dtype)


@HALVES
def test_alignments_of_16_bits(dtype):
    logits, targets, _ = long_batch(dtype)
    args = [20] * 40, targets[:, :5], [5] * 40
    logits = logits[:, :20].requires_grad_()
    loss = masked_ctc_loss(logits, *args)
    assert_rounded(loss, masked_ctc_loss(logits.double(), *args), dtype)
    loss.backward()
    assert logits.grad.isfinite().all()
    assert masked_ctc_loss(logits, [0] * 40, targets[:, :0], [0] * 40).dtype == dtype


@HALVES
def test_losses_by_weights_of_16_bits(dtype):
    logits, targets, _ = long_batch(dtype)
    weights = torch.ones(40, 2000, dtype=dtype)
    weights[0] = 0
    double = logits.double(), targets, weights.double()
    assert_rounded(sequence_loss(logits, targets, weights), sequence_loss(*double), dtype)
    lists = [block.unbind(1) for block in (logits, targets, weights)]
    doubles = [block.unbind(1) for block in double]
    for loss in (sequence_loss_by_example, legacy_sequence_loss):
        assert_rounded(loss(*lists), loss(*doubles), dtype)
