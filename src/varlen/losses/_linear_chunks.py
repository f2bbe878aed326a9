"""Projection and cross-entropy, some steps at a time, as one differentiable operation."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

_SCORES_AT_ONCE = 2**22


class Labels(NamedTuple):
    """What is to be predicted, and what it weighs.

    Attributes:
        classes: `[steps]`, int64.
        class_weights: `[classes]`, or None for ones.
        smoothing: the part of a target that is spread over all classes.
    """

    classes: Int[Tensor, " steps"]
    class_weights: Float[Tensor, " classes"] | None
    smoothing: float

    def at(self, steps: slice) -> "Labels":
        return self._replace(classes=self.classes[steps])


def losses_of_steps(
    inputs: Float[Tensor, "steps features"],
    weight: Float[Tensor, "classes features"],
    bias: Float[Tensor, " classes"] | None,
    labels: Labels,
) -> Float[Tensor, " steps"]:
    """The loss of each step; backward, the scores are computed again."""

    def losses_of(inputs: Tensor, weight: Tensor, bias: Tensor | None, labels: Labels) -> Tensor:
        return F.cross_entropy(
            F.linear(inputs, weight, bias),
            labels.classes,
            weight=labels.class_weights,
            reduction="none",
            label_smoothing=labels.smoothing,
        )

    losses = [
        checkpoint(
            losses_of,
            inputs[part],
            weight,
            bias,
            labels.at(part),
            use_reentrant=False,
            preserve_rng_state=False,
        )
        for part in _parts(len(inputs), len(weight))
    ]
    return torch.cat(losses)


def weighted_sum(
    inputs: Float[Tensor, "steps features"],
    weight: Float[Tensor, "classes features"],
    bias: Float[Tensor, " classes"] | None,
    labels: Labels,
    shares: Float[Tensor, " steps"],
) -> Float[Tensor, ""]:
    """The sum of the losses, each times its share, which gets no gradient."""
    learnt = any(x is not None and x.requires_grad for x in (inputs, weight, bias))
    if not (learnt and torch.is_grad_enabled()):
        return (losses_of_steps(inputs, weight, bias, labels) * shares).sum()
    loss: Tensor = _WeightedSum.apply(inputs, weight, bias, labels, shares)  # type: ignore[no-untyped-call]
    return loss


class _WeightedSum(torch.autograd.Function):
    """Makes the gradients on the way forward, where the scores are, since the shares are known."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        labels: Labels,
        shares: Tensor,
    ) -> Tensor:
        gradients = [
            torch.zeros_like(tensor) if needed and tensor is not None else None
            for tensor, needed in zip((inputs, weight, bias), ctx.needs_input_grad, strict=False)
        ]
        of_inputs, of_weight, of_bias = gradients
        loss = inputs.new_zeros(())
        for part in _parts(len(inputs), len(weight)):
            log_p = F.log_softmax(F.linear(inputs[part], weight, bias), dim=1)
            its_labels = labels.at(part)
            loss += shares[part] @ _losses(log_p, its_labels)
            of_scores = _gradient_of_scores(log_p, its_labels, shares[part])
            if of_inputs is not None:
                torch.mm(of_scores, weight, out=of_inputs[part])
            if of_weight is not None:
                of_weight.addmm_(of_scores.T, inputs[part])
            if of_bias is not None:
                of_bias += of_scores.sum(0)
        ctx.save_for_backward(*gradients)
        return loss

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph=True: these gradients would be constants in it
            raise RuntimeError(
                "masked_linear_cross_entropy: a reduction to a scalar can be differentiated once, "
                "found create_graph=True; reduction='none' can be differentiated again"
            )
        scaled = [None if own is None else own * gradient for own in ctx.saved_tensors]
        return (*scaled, None, None)


def _losses(log_p: Float[Tensor, "steps classes"], labels: Labels) -> Float[Tensor, " steps"]:
    by_class, smoothing = labels.class_weights, labels.smoothing
    losses = -log_p.gather(1, labels.classes[:, None])[:, 0]
    if by_class is not None:
        losses = losses * by_class[labels.classes]
    if not smoothing:
        return losses
    of_all = log_p.sum(1) if by_class is None else log_p @ by_class
    return (1 - smoothing) * losses - smoothing / log_p.shape[1] * of_all


def _gradient_of_scores(
    log_p: Float[Tensor, "steps classes"], labels: Labels, shares: Float[Tensor, " steps"]
) -> Float[Tensor, "steps classes"]:
    """Of the sum of the losses times their shares; it takes the place of `log_p`.

    A loss is `-sum_c q_c log p_c`, so its gradient is `p_c sum(q) - q_c`: q has `smoothing /
    classes` everywhere and the rest at the target, each times the weight of its class.
    """
    by_class, spread = labels.class_weights, labels.smoothing / log_p.shape[1]
    at_target = (1 - labels.smoothing) * shares
    whole = shares * (labels.smoothing if by_class is None else spread * by_class.sum())
    if by_class is not None:
        at_target = at_target * by_class[labels.classes]
    of_scores = log_p.exp_().mul_((at_target + whole)[:, None])
    if spread:
        everywhere = spread * shares[:, None]
        of_scores -= everywhere if by_class is None else everywhere * by_class
    return of_scores.scatter_add_(1, labels.classes[:, None], -at_target[:, None])


def _parts(num_steps: int, num_classes: int) -> Iterator[slice]:
    """Consecutive steps whose scores are few enough; one part at least."""
    size = max(1, _SCORES_AT_ONCE // num_classes)
    for begin in range(0, max(num_steps, 1), size):
        yield slice(begin, begin + size)
