"""Cells that are matrix products followed by elementwise arithmetic.

Such a cell states just that, and every engine is derived from it.
"""

from abc import abstractmethod
from collections import namedtuple
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, check_step_inputs, check_step_state


class Products(NamedTuple):
    """The weights of the products that feed a cell.

    Gates stand side by side in the columns, in the order `gate_names`, `recurrent_gate_names`,
    `input_gate_names`; each matrix has the columns of those that it feeds.

    Attributes:
        input: `[input_size, units * gates fed by the inputs]`.
        recurrent: `[size of the product state, units * gates fed by the state]`.
        bias: `[units * gates]`, or None.
        second: `[units, second units]`, the weights of the second product, or None.
    """

    input: Tensor
    recurrent: Tensor
    bias: Tensor | None = None
    second: Tensor | None = None


NOT_SETTINGS = frozenset(vars(nn.Module())) - {"training"}
"""Attributes that every module has and that do not say what it computes."""


class RecurrentCell(RNNCell):
    """A cell whose step is products with the inputs and one state, then elementwise arithmetic.

    A subclass names its gates and states what becomes of them:

        class MinimalGatedCell(RecurrentCell):
            gate_names = ("forget",)
            ...
            def update(self, gates, state, weights):
                forget = torch.sigmoid(gates.forget)
                state = forget * state + (1 - forget) * torch.tanh(forget * state)
                return state, state

    Attributes:
        gate_names: gates fed by the inputs and by the state.
        recurrent_gate_names: gates fed by the state alone.
        input_gate_names: gates fed by the inputs alone.
        vector_names: parameters of one number per unit, which `update` finds in `weights`: as
            `weights.decay`, or `weights.forget.gamma` for one in a scope, named `"forget.gamma"`.
        noise_names: what is drawn for each step, a row of a number per unit, which `update` finds
            in `weights.noise` under these names, in a run that draws; else `weights.noise` is None.
            `draw_noise` returns them in this order, `[sum(lengths), units]` each.
        second_name: the name under which `update` finds the second product in `weights`; None
            if there is none.
        product_state: which leaf of the state goes into the recurrent product.
        not_settings: attributes that `update` does not read. All others, and those of modules
            within, are settings: their values are part of the program.
    """

    gate_names: ClassVar[tuple[str, ...]] = ()
    recurrent_gate_names: ClassVar[tuple[str, ...]] = ()
    input_gate_names: ClassVar[tuple[str, ...]] = ()
    vector_names: tuple[str, ...] = ()
    noise_names: tuple[str, ...] = ()
    second_name: str | None = None
    product_state: ClassVar[int] = 0
    not_settings: ClassVar[frozenset[str]] = NOT_SETTINGS
    num_units: int

    @abstractmethod
    def products(self) -> Products:
        """The weights, as they are now."""

    @abstractmethod
    def update(self, gates: Any, state: Any, weights: Any) -> tuple[Any, Any]:
        """The arithmetic of a step: elementwise, but for sums along the units (layer norm).

        It reads no parameters but those in `weights`, and is traced: what it decides must not
        depend on values.

        Args:
            gates: a named tuple, each `[batch, units]`.
            state: as `state_size` says.
            weights: the vectors by name, and the second product as a function of
                `[batch, units]`.

        Returns:
            `(output, next_state)`.
        """

    def unpack_state(self, state: Any) -> list[Tensor]:
        """The leaves of a state, for the engines.

        Raises:
            TypeError: a state of another structure.
        """
        if isinstance(self.state_size, int):
            if isinstance(state, Tensor):
                return [state]
            expected = "a tensor"
        else:
            if isinstance(state, tuple | list) and len(state) == len(self.state_size):
                return list(state)
            expected = f"{len(self.state_size)} tensors"
        found = f" of {len(state)}" if isinstance(state, tuple | list) else ""
        raise TypeError(
            f"{type(self).__name__}: state: expected {expected}, "
            f"found a {type(state).__name__}{found}"
        )

    def pack_state(self, leaves: list[Tensor]) -> Any:
        """The inverse of `unpack_state`."""
        if isinstance(self.state_size, int):
            return leaves[0]
        return type(self.state_size)(*leaves)

    def group_state(self, leaves: list[Tensor]) -> Any:
        """The leaves as `update` takes them."""
        return self.pack_state(leaves)

    def ungroup_state(self, state: Any) -> list[Tensor]:
        """The inverse of `group_state`."""
        return _nest.leaves(state)

    def forward(self, inputs: Tensor, state: Any, noise: Any = None) -> tuple[Any, Any]:
        products = self.products()
        check_step_inputs(self, inputs, products.input.dtype)
        leaves = self.unpack_state(state)
        if not torch.compiler.is_compiling() and not _PLAIN.get():
            taken = None if noise is not None else _native_step()(self, inputs, products, leaves)
            if taken is not None:
                return taken[0], self.pack_state(taken[1])
            check_step_state(self, state, len(inputs))
        return self._plain_step(inputs, products, leaves, noise)

    def _plain_step(
        self, inputs: Tensor, products: Products, leaves: list[Tensor], noise: Any
    ) -> tuple[Any, Any]:
        gates = group_gates(
            type(self),
            self.num_units,
            inputs @ products.input,
            leaves[self.product_state] @ products.recurrent,
            products.bias,
        )
        drawn = [] if noise is None else [leaf.to(inputs.dtype) for leaf in noise]
        weights = group_weights(self, self.vectors(), products.second, drawn)
        output, next_state = self.update(gates, self.group_state(leaves), weights)
        return output, self.pack_state(self.ungroup_state(next_state))

    def vectors(self) -> list[Tensor]:
        """The parameters that `update` reads, in the order of `vector_names`."""
        return [attrgetter(name)(self) for name in self.vector_names]


# Whether steps are plain torch, as the eager engine's are, which defines what the others do.
_PLAIN: ContextVar[bool] = ContextVar("varlen_plain_steps", default=False)


@contextmanager
def plain_steps() -> Iterator[None]:
    """Within it, cells that are called take their steps in plain torch."""
    before = _PLAIN.set(True)
    try:
        yield
    finally:
        _PLAIN.reset(before)


@cache
def _native_step() -> Any:
    from varlen.rnn.engine import native_step  # not at import: the engines are made of cells

    return native_step


def all_gate_names(cell: type[RecurrentCell]) -> tuple[str, ...]:
    """Every gate, in the order of the columns of the bias."""
    return cell.gate_names + cell.recurrent_gate_names + cell.input_gate_names


@cache
def gates_type(names: tuple[str, ...]) -> Any:
    """The named tuple of gates of these names."""
    return namedtuple("Gates", names)


def group_gates(
    cell: type[RecurrentCell],
    num_units: int,
    projected: Tensor,
    recurrent: Tensor,
    bias: Tensor | None,
) -> Any:
    """The gates of a step from what the inputs and the state gave."""
    both = num_units * len(cell.gate_names)
    joined = torch.cat(
        [
            projected[:, :both] + recurrent[:, :both],
            recurrent[:, both:],
            projected[:, both:],
        ],
        dim=-1,
    )
    if bias is not None:
        joined = joined + bias
    return gates_type(all_gate_names(cell))(*torch.split(joined, num_units, dim=-1))


def group_weights(
    cell: RecurrentCell, vectors: Sequence[Tensor], second: Any, noises: Sequence[Tensor]
) -> SimpleNamespace:
    """What `update` finds in `weights`; `second` is a matrix or a function."""
    drawn = zip(cell.noise_names, noises, strict=True) if noises else None
    weights = SimpleNamespace(noise=drawn and SimpleNamespace(**dict(drawn)))
    for name, vector in zip(cell.vector_names, vectors, strict=True):
        *scopes, own = name.split(".")
        place = weights
        for scope in scopes:
            place = vars(place).setdefault(scope, SimpleNamespace())
        setattr(place, own, vector)
    if cell.second_name is not None:
        product = second if callable(second) else lambda operand: operand @ second
        setattr(weights, cell.second_name, product)
    return weights
