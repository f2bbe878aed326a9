"""What is asked of a cell itself: its parameters, its engine, and how long it remembers."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from catalogue.formulas import LINEAR, QUADRATIC, formula
from catalogue.zoo import core, draw_inputs, example
from varlen import RNNCell, dynamic_rnn
from varlen.rnn import RecurrentCell, _nest, explain


@dataclass(frozen=True)
class Parameter:
    """A trained tensor: its name in a state dict, and its shape in terms of d and n."""

    name: str
    shape: str


@dataclass(frozen=True)
class Facts:
    """What an example of the cell says.

    Attributes:
        parameters: in the order of the module.
        num_weights: at the size of comparison.
        weights_formula: for any size; None if it is no polynomial.
        engine: "native", "eager" or "mixed".
        reason: why it is not the native one; None if it is.
        feeds: of a `RecurrentCell`, what feeds its gates; None of others.
        memory: by how many steps ago, the influence of an input on the output, the last one's
            being 1; None where it cannot be measured.
    """

    parameters: tuple[Parameter, ...]
    num_weights: int
    weights_formula: str | None
    engine: str
    reason: str | None
    feeds: "Feeds | None"
    memory: tuple[float, ...] | None


@dataclass(frozen=True)
class Feeds:
    """The gates of a cell by what feeds them, and what else its step consists of."""

    both: tuple[str, ...]
    state: tuple[str, ...]
    inputs: tuple[str, ...]
    second: str | None
    states: tuple[str, ...]
    product_state: str


@cache
def facts(name: str) -> Facts:
    """Those of an example.

    Raises:
        LookupError: no example can be made.
    """
    cell = example(name)
    explanation = explain(core(cell))
    return Facts(
        parameters=tuple(_parameters(name, cell)),
        num_weights=_num_weights(cell),
        weights_formula=formula(lambda d, n: _num_weights(example(name, d, n)), QUADRATIC),
        engine=explanation.engine,
        reason=getattr(explanation, "reason", None),
        feeds=_feeds(core(cell)),
        memory=memory(name),
    )


def _num_weights(cell: nn.Module) -> int:
    return sum(parameter.numel() for parameter in cell.parameters())


def _tensors(cell: nn.Module) -> dict[str, Any]:
    trained = {id(parameter) for parameter in cell.parameters()}
    stored = cell.state_dict(keep_vars=True)
    return {name: tensor for name, tensor in stored.items() if id(tensor) in trained}


def _parameters(name: str, cell: nn.Module) -> list[Parameter]:
    found = []
    for key, tensor in _tensors(cell).items():
        sizes = []
        for axis in range(tensor.ndim):

            def size(d: int, n: int, key: str = key, axis: int = axis) -> int:
                return int(_shapes(name, d, n)[key][axis])

            sizes.append(formula(size, LINEAR) or str(tensor.shape[axis]))
        found.append(Parameter(key, ", ".join(sizes)))
    return found


@cache
def _shapes(name: str, d: int, n: int) -> dict[str, Any]:
    return {key: tensor.shape for key, tensor in _tensors(example(name, d, n)).items()}


def _feeds(cell: RNNCell) -> Feeds | None:
    if not isinstance(cell, RecurrentCell):
        return None
    kind = type(cell)
    grouped = cell.group_state(cell.unpack_state(cell.zero_state(0)))
    states: tuple[str, ...] = getattr(grouped, "_fields", ("state",))
    has_product = cell.products().recurrent.shape[1] > 0
    return Feeds(
        both=kind.gate_names,
        state=kind.recurrent_gate_names,
        inputs=kind.input_gate_names,
        second=cell.second_name,
        states=states,
        product_state=states[kind.product_state] if has_product else "",
    )


@cache
def memory(name: str, num_steps: int = 40) -> tuple[float, ...] | None:
    """The norm of the gradient of a random number of the last output, by steps ago, when fresh."""
    torch.manual_seed(0)
    cell = core(example(name, 16, 32)).eval()
    inputs = draw_inputs(cell, 8, num_steps)
    outputs, _ = dynamic_rnn(cell, inputs)
    sum(
        (leaf[:, -1] * torch.randn_like(leaf[:, -1])).sum() for leaf in _nest.leaves(outputs)
    ).backward()
    squares = [_square(leaf.grad) for leaf in _nest.leaves(inputs) if leaf.grad is not None]
    if not squares:
        return None
    norms = torch.stack(squares).sum(0).sqrt().flip(0)
    relative = norms / norms[0]
    return tuple(relative.tolist()) if relative.isfinite().all() else None


def _square(gradient: Tensor) -> Tensor:
    return gradient.square().flatten(2).sum(-1).sum(0)
