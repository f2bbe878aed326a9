"""Which engine runs a cell, and why: the fastest one that can."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from varlen import _native
from varlen.rnn._cell import RNNCell
from varlen.rnn._recurrent import RecurrentCell
from varlen.rnn.engine._cell_program import cell_program
from varlen.rnn.engine._checks import DTYPES
from varlen.rnn.engine._trace import Untraceable

_PLAIN_TYPES = (Tensor, nn.Parameter)

Engine = Literal["auto", "eager", "native"]
ENGINES = ("auto", "eager", "native")


def why_not_native(cell: RNNCell, inputs: Any, noise: Any) -> str | None:
    """The reason why the native engine cannot do an unroll; None if it can."""
    if not _native.NATIVE:
        return "the native core is left out (VARLEN_NATIVE=0, or it was not built)"
    if not isinstance(cell, RecurrentCell):
        if noise is not None:
            return f"{type(cell).__name__} draws noise in every step"
        return (
            f"{type(cell).__name__} is no RecurrentCell: it does not say what its step consists of"
        )
    if noise is not None and any(leaf.requires_grad for leaf in noise):
        return "its noise has a gradient, which the native engine does not compute"
    if noise is not None and torch.compiler.is_compiling():
        return f"{type(cell).__name__} draws noise, as many numbers as there are steps"
    if not isinstance(inputs, Tensor) or inputs.dtype != cell.dtype or cell.dtype not in DTYPES:
        return "the native engine computes in torch.float32 and torch.float64"
    if inputs.device.type != "cpu" or cell.device.type != "cpu":
        return "the native engine computes on the CPU"
    if torch._C._are_functorch_transforms_active():
        return "it runs under a function transform (vmap, grad, ...)"
    if torch.autograd.forward_ad._current_level >= 0:
        return "it runs under forward-mode differentiation"
    try:
        cell_program(cell, noisy=noise is not None)
    except Untraceable as reason:
        return f"{type(cell).__name__}.update is no program: {reason}"
    return None


def is_watched(*tensors: Tensor) -> bool:
    """Whether somebody traces or transforms what happens to them, and must see operators."""
    return (
        any(type(tensor) not in _PLAIN_TYPES for tensor in tensors)
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._are_functorch_transforms_active()
        or torch.autograd.forward_ad._current_level >= 0
    )
