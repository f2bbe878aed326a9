import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from loss_batches import FILLS, batches_of_lengths, losses_by_row, random_batch
from varlen import masked_cross_entropy, sequence_mask


@settings(deadline=None)
@given(lengths=batches_of_lengths, fill=st.sampled_from(FILLS), extra=st.integers(0, 2))
def test_reductions_are_those_of_a_plain_loop(lengths, fill, extra):
    logits, targets = random_batch(lengths, extra=extra, fill=fill)
    by_row = losses_by_row(logits, targets, lengths)
    steps = [loss for row in by_row for loss in row]
    means = [np.mean(row) for row in by_row if row]
    expected = {
        "sequence": np.mean(means) if means else 0.0,
        "token": np.mean(steps) if steps else 0.0,
        "sum": np.sum(steps),
    }
    for reduction, value in expected.items():
        loss = masked_cross_entropy(logits, targets, lengths, reduction=reduction)
        assert_close(loss.item(), float(value), rtol=1e-12, atol=1e-12)

    losses = masked_cross_entropy(logits, targets, lengths, reduction="none")
    block = np.zeros(targets.shape)
    for row, values in enumerate(by_row):
        block[row, : len(values)] = values
    assert_close(losses.detach(), torch.from_numpy(block), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("reduction", ["sequence", "token", "sum", "none"])
@settings(deadline=None)
@given(lengths=batches_of_lengths, fill=st.sampled_from(FILLS), bad_class=st.sampled_from([-1, 99]))
def test_padding_is_invisible(reduction, lengths, fill, bad_class):
    tight, targets = random_batch(lengths, bad_class=0)
    loss = masked_cross_entropy(tight, targets, lengths, reduction=reduction)
    loss.sum().backward()

    loose, targets = random_batch(lengths, extra=3, fill=fill, bad_class=bad_class)
    other = masked_cross_entropy(loose, targets, lengths, reduction=reduction)
    other.sum().backward()

    live = sequence_mask(lengths, loose.shape[1])
    if reduction == "none":
        assert (other[~live] == 0).all()
        other = other[:, : tight.shape[1]]
    assert (other == loss).all()
    assert (loose.grad[~live] == 0).all()
    assert (loose.grad[live] == tight.grad[sequence_mask(lengths, tight.shape[1])]).all()


@pytest.mark.parametrize("reduction", ["sequence", "token", "sum", "none"])
def test_gradients_are_true(reduction):
    logits, targets = random_batch([2, 0, 3], extra=1)
    assert torch.autograd.gradcheck(
        lambda scores: masked_cross_entropy(scores, targets, [2, 0, 3], reduction=reduction), logits
    )


@pytest.mark.parametrize("reduction", ["sequence", "token", "sum"])
@pytest.mark.parametrize("shape", [(3, 2), (2, 0), (0, 4)])
def test_a_batch_of_only_empty_sequences_has_no_loss(reduction, shape):
    logits = torch.full((*shape, 5), math.nan, requires_grad=True)
    targets = torch.full(shape, 7)
    loss = masked_cross_entropy(logits, targets, [0] * shape[0], reduction=reduction)
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


def test_class_0_is_a_class_like_any_other():
    logits, targets = random_batch([3, 1])
    shifted = logits.detach().roll(1, dims=-1)
    zeros = torch.zeros_like(targets)
    assert_close(
        masked_cross_entropy(logits, zeros, [3, 1]),
        masked_cross_entropy(shifted, zeros + 1, [3, 1]),
    )
    assert masked_cross_entropy(logits, zeros, [3, 1]) > 0


def test_every_sequence_counts_alike_by_default():
    """The mean of the rows' means, as a loop has it, also with real zeros among the targets."""
    lengths = [1, 2, 3, 8]
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 8, 10, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, 3, (4, 8), generator=generator)
    assert (targets[3] == 0).any()
    means = [np.mean(row) for row in losses_by_row(logits, targets, lengths)]
    assert_close(masked_cross_entropy(logits, targets, lengths).item(), float(np.mean(means)))


@pytest.mark.parametrize("lengths", [[2, 3], np.array([2, 3], np.uint8), torch.tensor([2, 3])])
@pytest.mark.parametrize("integers", [torch.int64, torch.int32, torch.uint8])
def test_lengths_and_targets_of_any_integer_type(lengths, integers):
    logits, targets = random_batch([2, 3], bad_class=0)
    expected = masked_cross_entropy(logits, targets, [2, 3])
    assert masked_cross_entropy(logits, targets.to(integers), lengths) == expected


def test_float32_stays_float32_and_large_scores_are_no_trouble():
    logits, targets = random_batch([2, 3], dtype=torch.float32)
    loss = masked_cross_entropy(1e4 * logits, targets, [2, 3])
    assert loss.dtype == torch.float32
    expected = [np.mean(r) for r in losses_by_row(1e4 * logits.double(), targets, [2, 3])]
    assert_close(loss.item(), float(np.mean(expected)), rtol=1e-6, atol=0)


@pytest.mark.parametrize("bad", [-1, 4, -100])
def test_a_real_target_that_is_no_class_is_named(bad):
    logits, targets = random_batch([2, 3])
    targets[1, 2] = bad
    with pytest.raises(
        ValueError, match=f"class from 0 to 3, found {bad} in row 1 at step 2; steps past a row's"
    ):
        masked_cross_entropy(logits, targets, [2, 3])
    masked_cross_entropy(logits, targets, [2, 2])


def test_masked_cross_entropy_says_what_does_not_fit():
    logits, targets = random_batch([2, 3])
    with pytest.raises(ValueError, match=r"lengths: expected a length from 0 to 3, .* 4 in row 1"):
        masked_cross_entropy(logits, targets, [2, 4])
    with pytest.raises(ValueError, match="one length per row"):
        masked_cross_entropy(logits, targets, [2])


@pytest.mark.wrong_types
def test_masked_cross_entropy_refuses_other_kinds():
    logits, targets = random_batch([2, 3])
    with pytest.raises(ValueError, match=r"reduction: found 'tokens'; .* Did you mean 'token'"):
        masked_cross_entropy(logits, targets, [2, 3], reduction="tokens")
    with pytest.raises(ValueError, match=r"logits: expected \[batch, time, classes\], .*\(2, 3\)"):
        masked_cross_entropy(logits[..., 0], targets, [2, 3])
    with pytest.raises(ValueError, match=r"targets: .* shape \(2, 3\), found \(2, 2\)"):
        masked_cross_entropy(logits, targets[:, :2], [2, 3])
    with pytest.raises(TypeError, match=r"targets: expected integers, found torch.float32"):
        masked_cross_entropy(logits, targets.float(), [2, 3])


WEIGHTS = torch.tensor([0.5, 2.0, 0.0, 1.0], dtype=torch.float64)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("class_weights", [None, WEIGHTS])
@pytest.mark.parametrize("ignore_index", [None, 1, -100])
def test_options_are_those_of_torch_on_real_steps(label_smoothing, class_weights, ignore_index):
    lengths = [2, 0, 5]
    logits, targets = random_batch(lengths, extra=1, fill=math.nan, bad_class=99)
    if ignore_index is not None:
        targets[2, 3] = ignore_index
    live = sequence_mask(lengths, 6)
    options = {
        "label_smoothing": label_smoothing,
        "class_weights": class_weights,
        "ignore_index": ignore_index,
    }
    for reduction, of_torch in (("token", "mean"), ("sum", "sum")):
        expected = torch.nn.functional.cross_entropy(
            logits[live],
            targets[live],
            weight=class_weights,
            label_smoothing=label_smoothing,
            ignore_index=-7 if ignore_index is None else ignore_index,
            reduction=of_torch,
        )
        assert_close(
            masked_cross_entropy(logits, targets, lengths, reduction=reduction, **options), expected
        )
    rows = [
        masked_cross_entropy(
            logits[i : i + 1], targets[i : i + 1], [lengths[i]], reduction="token", **options
        )
        for i in (0, 2)
    ]
    assert_close(masked_cross_entropy(logits, targets, lengths, **options), sum(rows) / 2)


def test_ignored_steps_are_left_out_besides_the_padding():
    """Padding is still told by lengths: a row that is ignored throughout is as if empty."""
    logits, targets = random_batch([2, 3], extra=1, bad_class=2)
    targets[0, :2] = -100
    loss = masked_cross_entropy(logits, targets, [2, 3], ignore_index=-100)
    assert_close(loss, masked_cross_entropy(logits[1:], targets[1:], [3]))
    loss.backward()
    assert (logits.grad[0] == 0).all()
    with pytest.raises(ValueError, match="found -100 in row 0 at step 0"):
        masked_cross_entropy(logits, targets, [2, 3], ignore_index=-1)


def test_rows_whose_classes_weigh_nothing_do_not_count():
    logits, targets = random_batch([2, 3])
    targets[0] = 2
    loss = masked_cross_entropy(logits, targets, [2, 3], class_weights=WEIGHTS)
    alone = masked_cross_entropy(logits[1:], targets[1:], [3], class_weights=WEIGHTS)
    assert_close(loss, alone)
    for reduction in ("sequence", "token"):
        nothing = masked_cross_entropy(
            logits[:1], targets[:1], [2], reduction=reduction, class_weights=WEIGHTS
        )
        assert nothing == 0


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"label_smoothing": 1.5}, ValueError, "label_smoothing: .* from 0 to 1, found 1.5"),
        ({"label_smoothing": math.nan}, ValueError, "label_smoothing: .* found nan"),
        ({"class_weights": WEIGHTS[:3]}, ValueError, r"class_weights: .* \(4,\), found \(3,\)"),
        ({"class_weights": -WEIGHTS}, ValueError, "found -0.5 for class 0"),
        ({"class_weights": WEIGHTS.long()}, TypeError, "class_weights: .* found torch.int64"),
        ({"class_weights": [1.0] * 4}, TypeError, "class_weights: expected a tensor, found list"),
        ({"ignore_index": 1.0}, TypeError, "ignore_index: expected an integer or None, found 1.0"),
        ({"total": -1}, ValueError, r"total: .* this one's 2 included, found -1.0; loss_total"),
        ({"total": "9"}, TypeError, "total: expected a number, found '9'"),
        ({"total": 0}, ValueError, "total: .* found 0.0"),
        ({"total": math.nan}, ValueError, "total: .* found nan"),
        ({"total": torch.ones(2)}, ValueError, r"total: expected one number, found shape \(2,\)"),
        ({"total": 3, "reduction": "sum"}, ValueError, "'sum' divides by nothing"),
    ],
)
def test_options_that_cannot_be(options, error, message):
    logits, targets = random_batch([2, 3], bad_class=0)
    with pytest.raises(error, match=message):
        masked_cross_entropy(logits, targets, [2, 3], **options)
