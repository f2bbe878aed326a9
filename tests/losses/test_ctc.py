import itertools
import math

import pytest
import torch
from torch.testing import assert_close

from varlen import masked_ctc_loss

LENGTHS, LABEL_LENGTHS = [4, 3, 0, 2], [2, 3, 0, 0]


def random_batch():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 5, 3, generator=generator, dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        logits[row, length:] = math.nan
    labels = torch.tensor([[1, 1, 0], [2, 1, 2], [9, 9, 9], [-5, -5, -5]])
    return logits, labels


def collapsed(path, blank):
    return [k for k, _ in itertools.groupby(path) if k != blank]


def enumerated(logits, labels, blank):
    """Minus the log of the sum over every path that says the labels."""
    p = logits.softmax(-1)
    paths = itertools.product(range(logits.shape[1]), repeat=len(logits))
    said = [path for path in paths if collapsed(path, blank) == labels]
    return -math.log(sum(math.prod(p[t, k].item() for t, k in enumerate(path)) for path in said))


@pytest.mark.parametrize("blank", [0, 2])
def test_losses_are_those_of_all_alignments(blank):
    logits, labels = random_batch()
    if blank == 2:  # the same problem with the classes in another order
        logits, labels = logits[..., [2, 1, 0]], torch.where(labels == 2, 0, labels)
    losses = masked_ctc_loss(logits, LENGTHS, labels, LABEL_LENGTHS, blank=blank, reduction="none")
    expected = [
        enumerated(logits[i, :n], labels[i, :m].tolist(), blank) if n else 0.0
        for i, (n, m) in enumerate(zip(LENGTHS, LABEL_LENGTHS, strict=True))
    ]
    assert_close(losses, torch.tensor(expected, dtype=torch.float64))


def test_reductions():
    logits, labels = random_batch()
    given = (logits, LENGTHS, labels, LABEL_LENGTHS)
    a, b, _, d = masked_ctc_loss(*given, reduction="none")
    assert_close(masked_ctc_loss(*given), (a / 2 + b / 3 + d) / 3)
    assert_close(masked_ctc_loss(*given, reduction="token"), (a + b + d) / 6)
    assert_close(masked_ctc_loss(*given, reduction="sum"), a + b + d)
    assert_close(masked_ctc_loss(*given, total=6), (a / 2 + b / 3 + d) / 6)


def test_the_mean_over_sequences_is_that_of_torch():
    logits, labels = random_batch()
    rows = torch.tensor([0, 1, 3])
    of_torch = torch.nn.functional.ctc_loss(
        logits[rows].nan_to_num().log_softmax(-1).transpose(0, 1),
        torch.tensor([1, 1, 2, 1, 2]),
        torch.tensor(LENGTHS)[rows],
        torch.tensor(LABEL_LENGTHS)[rows],
    )
    assert_close(masked_ctc_loss(logits, LENGTHS, labels, LABEL_LENGTHS), of_torch)


def test_gradients_are_true_and_none_reaches_the_padding():
    logits, labels = random_batch()
    whole = logits.nan_to_num().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda scores: masked_ctc_loss(scores, LENGTHS, labels, LABEL_LENGTHS), whole
    )
    logits.requires_grad_()
    masked_ctc_loss(logits, LENGTHS, labels, LABEL_LENGTHS).backward()
    for row, length in enumerate(LENGTHS):
        assert (logits.grad[row, length:] == 0).all()


def test_a_row_that_cannot_be_aligned_is_named_or_left_out():
    """Two equal labels need a blank between them: three steps, not two."""
    logits, labels = random_batch()
    logits.requires_grad_()
    with pytest.raises(
        ValueError, match=r"row 0 has 2 labels, which need 3 steps .* but its length is 2; .*'skip'"
    ):
        masked_ctc_loss(logits, [2, 3, 0, 2], labels, LABEL_LENGTHS)
    with pytest.raises(ValueError, match="row 2 has 1 labels, which need 1 steps"):
        masked_ctc_loss(logits, LENGTHS, labels.clamp(1, 2), [0, 0, 1, 0])

    loss = masked_ctc_loss(logits, [2, 3, 0, 2], labels, LABEL_LENGTHS, impossible="skip")
    rest = masked_ctc_loss(logits[1:], [3, 0, 2], labels[1:], [3, 0, 0])
    assert_close(loss, rest)
    loss.backward()
    assert (logits.grad[0] == 0).all()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (2, 3)])
def test_nothing_to_align(shape):
    logits = torch.full((*shape, 4), math.nan, requires_grad=True)
    labels = torch.full((shape[0], 2), 99)
    for labels_there in (labels, labels[:, :0]):
        zeros = [0] * shape[0]
        loss = masked_ctc_loss(logits, zeros, labels_there, zeros)
        loss.backward()
        assert loss == 0
        assert (logits.grad == 0).all()


@pytest.mark.wrong_types
def test_what_does_not_fit():
    logits, labels = random_batch()
    with pytest.raises(ValueError, match=r"labels: expected \[batch, labels\], 4 rows, found \(2,"):
        masked_ctc_loss(logits, LENGTHS, labels[:2], LABEL_LENGTHS[:2])
    with pytest.raises(TypeError, match=r"labels: expected integers, found torch.float32"):
        masked_ctc_loss(logits, LENGTHS, labels.float(), LABEL_LENGTHS)
    with pytest.raises(ValueError, match=r"label_lengths: .* found 4 in row 0"):
        masked_ctc_loss(logits, LENGTHS, labels, [4, 0, 0, 0])
    with pytest.raises(ValueError, match=r"labels: .* found -5 in row 3 at step 0; what is past"):
        masked_ctc_loss(logits, LENGTHS, labels, [2, 3, 0, 1])
    with pytest.raises(ValueError, match="other than the blank, 0, found it in row 0 at step 2"):
        masked_ctc_loss(logits, LENGTHS, labels, [3, 3, 0, 0])
    with pytest.raises(ValueError, match="blank: expected a class from 0 to 2, found 3"):
        masked_ctc_loss(logits, LENGTHS, labels, LABEL_LENGTHS, blank=3)
    with pytest.raises(ValueError, match="impossible: expected 'error' or 'skip', found 'inf'"):
        masked_ctc_loss(logits, LENGTHS, labels, LABEL_LENGTHS, impossible="inf")
