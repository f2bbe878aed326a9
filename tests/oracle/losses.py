"""Losses and masks: values and the gradients of logits and weights."""

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch

from varlen import losses

from .case import Case, assert_equal

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "tf.contrib.seq2seq.sequence_loss": losses.sequence_loss,
    "tf.contrib.legacy_seq2seq.sequence_loss": losses.legacy_sequence_loss,
    "tf.contrib.legacy_seq2seq.sequence_loss_by_example": losses.sequence_loss_by_example,
    "tf.sequence_mask": losses.sequence_mask,
}


def covers(case: Case) -> None:
    known = inspect.signature(FUNCTIONS[case.entry["api"]]).parameters
    assert not case.entry["kwargs"].keys() - known.keys()


def run_loss(case: Case) -> None:
    function = FUNCTIONS[case.entry["api"]]
    logits = torch.from_numpy(case.arrays["logits"]).requires_grad_()
    targets = torch.from_numpy(case.arrays["targets"])
    weights = torch.from_numpy(case.arrays["weights"]).requires_grad_()
    arguments: list[Any] = [logits, targets, weights]
    if case.kind == "legacy_loss":
        arguments = [list(argument.unbind(1)) for argument in arguments]
    out = function(*arguments, **_kwargs(case))
    assert_equal(out.detach(), case.arrays["out"], "out")

    (out * torch.from_numpy(case.arrays["w_out"])).sum().backward()
    for name, leaf in (("logits", logits), ("weights", weights)):
        if f"grad_{name}" in case.arrays:
            assert_equal(leaf.grad, case.arrays[f"grad_{name}"], f"gradient of {name}")


def run_mask(case: Case) -> None:
    mask = losses.sequence_mask(torch.from_numpy(case.arrays["lengths"]), **_kwargs(case))
    assert str(mask.dtype) == f"torch.{case.arrays['out'].dtype}"
    assert_equal(mask, case.arrays["out"], "out")


def run_error(case: Case) -> None:
    """What the keywords lead to, with sound tensors for everything else."""
    refused = case.entry["error"]
    with pytest.raises((ValueError, TypeError)) if refused else nullcontext():
        FUNCTIONS[case.entry["api"]](*_sound_arguments(case.entry["api"]), **_kwargs(case))


def _sound_arguments(api: str) -> list[Any]:
    if api == "tf.sequence_mask":
        return [torch.tensor([1, 2])]
    arguments = [torch.zeros(2, 3, 4), torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3)]
    return [list(a.unbind(1)) for a in arguments] if "legacy" in api else arguments


def _kwargs(case: Case) -> dict[str, Any]:
    named = {"softmax_loss_function": {"custom": _custom}}
    kwargs = dict(case.entry["kwargs"])
    for name in named.keys() & kwargs.keys():
        kwargs[name] = named[name][kwargs[name]]
    if "dtype" in kwargs:
        kwargs["dtype"] = getattr(torch, kwargs["dtype"])
    return kwargs


def _custom(*, labels: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    return (1 - logits.softmax(-1).gather(-1, labels[:, None])[:, 0]) ** 2
