import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from varlen import masked_cross_entropy, masked_linear_cross_entropy
from varlen.losses import _linear_chunks

LENGTHS = [3, 0, 5, 1]
CLASSES = 7


@pytest.fixture(params=[1, 3, 100], ids=lambda n: f"{n} steps at once")
def _chunks(request, monkeypatch):
    monkeypatch.setattr(_linear_chunks, "_SCORES_AT_ONCE", request.param * CLASSES)


def random_layer(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(4, 6, 5, generator=generator, dtype=torch.float64)
    weight = torch.randn(CLASSES, 5, generator=generator, dtype=torch.float64)
    bias = torch.randn(CLASSES, generator=generator, dtype=torch.float64)
    targets = torch.randint(CLASSES, (4, 6), generator=generator)
    for row, length in enumerate(LENGTHS):
        targets[row, length:] = 99
    layer = [t.to(dtype).requires_grad_() for t in (inputs, weight, bias)]
    return layer, targets


@pytest.mark.usefixtures("_chunks")
@pytest.mark.parametrize("reduction", ["sequence", "token", "sum", "none"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"label_smoothing": 0.1},
        {"label_smoothing": 1.0},
        {"ignore_index": 2},
        {"class_weights": torch.arange(CLASSES).double()},
        {
            "class_weights": torch.arange(CLASSES).double(),
            "label_smoothing": 0.3,
            "ignore_index": 0,
        },
    ],
    ids=str,
)
@pytest.mark.parametrize("with_bias", [True, False])
def test_value_and_gradients_are_those_of_the_plain_form(reduction, options, with_bias):
    (inputs, weight, bias), targets = random_layer()
    leaves = [inputs, weight, bias] if with_bias else [inputs, weight]
    options = {"reduction": reduction, **options}
    bias = bias if with_bias else None
    plain = masked_cross_entropy(F.linear(inputs, weight, bias), targets, LENGTHS, **options)
    ours = masked_linear_cross_entropy(inputs, weight, bias, targets, LENGTHS, **options)
    assert_close(ours, plain, rtol=1e-12, atol=1e-12)
    upstream = torch.randn_like(plain)
    assert_close(
        torch.autograd.grad(ours, leaves, upstream),
        torch.autograd.grad(plain, leaves, upstream),
        rtol=1e-11,
        atol=1e-12,
    )
    with torch.no_grad():
        again = masked_linear_cross_entropy(inputs, weight, bias, targets, LENGTHS, **options)
    assert_close(again, plain.detach(), rtol=1e-12, atol=1e-12)


def test_only_what_learns_has_a_gradient():
    (inputs, weight, bias), targets = random_layer()
    for learnt in ([inputs], [weight], [bias]):
        given = [t if any(t is x for x in learnt) else t.detach() for t in (inputs, weight, bias)]
        ours = masked_linear_cross_entropy(*given, targets, LENGTHS)
        plain = masked_cross_entropy(F.linear(*given), targets, LENGTHS)
        assert_close(torch.autograd.grad(ours, learnt), torch.autograd.grad(plain, learnt))


def test_padding_is_not_looked_at():
    (inputs, weight, bias), targets = random_layer()
    expected = masked_linear_cross_entropy(inputs, weight, bias, targets, LENGTHS)
    with torch.no_grad():
        for row, length in enumerate(LENGTHS):
            inputs[row, length:] = math.nan
    loss = masked_linear_cross_entropy(inputs, weight, bias, targets, LENGTHS)
    assert loss == expected
    loss.backward()
    assert weight.grad.isfinite().all()
    for row, length in enumerate(LENGTHS):
        assert (inputs.grad[row, length:] == 0).all()


class LargestResult(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.size = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, torch.Tensor):
                self.size = max(self.size, tensor.numel())
        return result


@pytest.mark.parametrize("reduction", ["token", "none"])
def test_the_block_of_all_scores_is_never_made(reduction, monkeypatch):
    monkeypatch.setattr(_linear_chunks, "_SCORES_AT_ONCE", 1000)
    inputs = torch.randn(20, 50, 2, requires_grad=True)
    weight = torch.randn(100, 2, requires_grad=True)
    targets = torch.randint(100, (20, 50))
    with LargestResult() as largest:
        loss = masked_linear_cross_entropy(
            inputs, weight, None, targets, [50] * 20, reduction=reduction
        )
        loss.sum().backward()
    assert largest.size == inputs.numel()  # all scores are 50 times that


@pytest.mark.parametrize("reduction", ["sequence", "none"])
def test_16_bits_are_added_up_in_float32(reduction):
    (inputs, weight, bias), targets = random_layer(torch.bfloat16)
    leaves = [inputs, weight, bias]
    exact = [t.detach().float().requires_grad_() for t in leaves]
    expected = masked_linear_cross_entropy(*exact, targets, LENGTHS, reduction=reduction)
    loss = masked_linear_cross_entropy(*leaves, targets, LENGTHS, reduction=reduction)
    assert loss.dtype == torch.bfloat16
    assert_close(loss, expected.bfloat16())
    loss.sum().backward()
    expected.sum().backward()
    for tensor, other in zip(leaves, exact, strict=True):
        assert_close(tensor.grad, other.grad.bfloat16())


@pytest.mark.parametrize("reduction", ["sequence", "none"])
def test_autocast_changes_nothing(reduction):
    (inputs, weight, bias), targets = random_layer(torch.float32)
    expected = masked_linear_cross_entropy(
        inputs, weight, bias, targets, LENGTHS, reduction=reduction
    )
    with torch.autocast("cpu", torch.bfloat16):
        loss = masked_linear_cross_entropy(
            inputs, weight, bias, targets, LENGTHS, reduction=reduction
        )
    loss.sum().backward()
    assert (loss == expected).all()
    gradient, weight.grad = weight.grad, None
    expected.sum().backward()
    assert (weight.grad == gradient).all()


def test_gradients_twice_is_an_error_and_not_a_wrong_number():
    (inputs, weight, bias), targets = random_layer()
    loss = masked_linear_cross_entropy(inputs, weight, bias, targets, LENGTHS)
    with pytest.raises(RuntimeError, match="can be differentiated once, found create_graph=True"):
        torch.autograd.grad(loss, weight, create_graph=True)


def test_unreduced_losses_can_be_differentiated_again():
    (inputs, weight, bias), targets = random_layer()
    results = []
    for losses in (
        masked_linear_cross_entropy(inputs, weight, bias, targets, LENGTHS, reduction="none"),
        masked_cross_entropy(F.linear(inputs, weight, bias), targets, LENGTHS, reduction="none"),
    ):
        (gradient,) = torch.autograd.grad(losses.sum(), weight, create_graph=True)
        results.append(torch.autograd.grad(gradient.square().sum(), [inputs, weight, bias]))
    assert_close(*results)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (2, 3)])
def test_a_batch_of_only_empty_sequences_has_no_loss(shape):
    inputs = torch.full((*shape, 5), math.nan, requires_grad=True)
    weight = torch.randn(CLASSES, 5, requires_grad=True)
    loss = masked_linear_cross_entropy(inputs, weight, None, torch.full(shape, 9), [0] * shape[0])
    loss.backward()
    assert loss == 0
    assert (inputs.grad == 0).all()
    assert (weight.grad == 0).all()


@pytest.mark.wrong_types
def test_what_does_not_fit():
    (inputs, weight, bias), targets = random_layer()
    for other in (weight.T, weight[0], weight[:0]):
        with pytest.raises(ValueError, match=r"weight: .* \(at least 1, 5\), found"):
            masked_linear_cross_entropy(inputs, other, None, targets, LENGTHS)
    with pytest.raises(ValueError, match=r"bias: .* shape \(7,\), found \(6,\)"):
        masked_linear_cross_entropy(inputs, weight, bias[:6], targets, LENGTHS)
    with pytest.raises(ValueError, match=r"inputs: expected \[batch, time, features\]"):
        masked_linear_cross_entropy(inputs[0], weight, bias, targets[0], LENGTHS)
    with pytest.raises(ValueError, match=r"targets: .* shape \(4, 6\), found \(4, 5\)"):
        masked_linear_cross_entropy(inputs, weight, bias, targets[:, :5], LENGTHS)
    targets[3, 0] = CLASSES
    with pytest.raises(ValueError, match="from 0 to 6, found 7 in row 3 at step 0"):
        masked_linear_cross_entropy(inputs, weight, bias, targets, LENGTHS)
