"""Cells on top of each other."""

import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor

from varlen.rnn._cell import RNNCell, as_cell, take_step


class MultiRNNCell(RNNCell):
    r"""A stack of cells: the output of each is the input of the next.

    Equations:
        $$y^0_t = x_t$$
        $$y^k_t, s^k_t = \mathrm{cell}_k(y^{k-1}_t, s^k_{t-1}), \quad k = 1, \ldots, K$$

    When to choose it: whenever one layer is not enough.

    Args:
        cells: from the bottom up; a list or tuple. The same object twice shares its weights, as
            in TensorFlow 1, and warns.
        state_is_tuple: the state is a tuple with one entry per cell; False joins the entries to
            one tensor, which every cell must allow by a state that is one tensor.

    The parameters are those of the cells, under `cell_0`, `cell_1`, ...

    Raises:
        TypeError: not a list or tuple of cells.
        ValueError: no cells, widths that do not fit, or a state that cannot be joined.
    """

    def __init__(self, cells: Sequence[RNNCell], *, state_is_tuple: bool = True) -> None:
        super().__init__()
        if not isinstance(cells, list | tuple):
            raise TypeError(f"cells: expected a list of cells, found a {type(cells).__name__}")
        if not cells:
            raise ValueError("cells: expected at least one, found none")
        for i, cell in enumerate(cells):
            self.add_module(f"cell_{i}", as_cell(cell, argument=f"cells[{i}]"))
        _check_widths(cells)
        _warn_of_shared(cells)
        sizes = tuple(cell.state_size for cell in cells)
        if not state_is_tuple and not all(isinstance(size, int) for size in sizes):
            raise ValueError(
                "state_is_tuple=False: expected cells whose state is one tensor, found the state "
                f"sizes {sizes}"
            )
        self.num_cells = len(cells)
        self.state_is_tuple = state_is_tuple
        self.input_size = cells[0].input_size
        self.output_size = cells[-1].output_size
        self.state_size = sizes if state_is_tuple else sum(sizes)

    @property
    def cells(self) -> tuple[RNNCell, ...]:
        """The cells, from the bottom up."""
        return tuple(
            cast("RNNCell", self.get_submodule(f"cell_{i}")) for i in range(self.num_cells)
        )

    def zero_state(self, batch_size: int, dtype: torch.dtype | None = None) -> Any:
        return self.join_states([cell.zero_state(batch_size, dtype) for cell in self.cells])

    def draw_noise(self, lengths: Tensor) -> tuple[Any, ...] | None:
        noise = tuple(cell.draw_noise(lengths) for cell in self.cells)
        return None if all(part is None for part in noise) else noise

    def forward(
        self, inputs: Any, state: Any, noise: tuple[Any, ...] | None = None
    ) -> tuple[Any, Any]:
        next_states = []
        parts = noise or (None,) * self.num_cells
        for cell, part, cell_noise in zip(self.cells, self.split_state(state), parts, strict=True):
            inputs, next_state = take_step(cell, inputs, part, cell_noise)
            next_states.append(next_state)
        return inputs, self.join_states(next_states)

    def join_states(self, states: Sequence[Any]) -> Any:
        """The inverse of `split_state`."""
        return tuple(states) if self.state_is_tuple else torch.cat(list(states), dim=-1)

    def split_state(self, state: Any) -> Sequence[Any]:
        """The state of each cell.

        Raises:
            ValueError: not one entry per cell.
        """
        if not self.state_is_tuple:
            return torch.split(state, [cell.state_size for cell in self.cells], dim=-1)
        if not isinstance(state, tuple | list) or len(state) != self.num_cells:
            raise ValueError(
                f"state: expected a tuple of {self.num_cells}, one entry per cell, "
                f"found a {type(state).__name__}"
            )
        return state


def _check_widths(cells: Sequence[RNNCell]) -> None:
    for i, (below, above) in enumerate(pairwise(cells)):
        if below.output_size != above.input_size:
            raise ValueError(
                f"MultiRNNCell: cell {i + 1} takes inputs of size {above.input_size}, but cell "
                f"{i} gives outputs of size {below.output_size}"
            )


def _warn_of_shared(cells: Sequence[RNNCell]) -> None:
    first_at: dict[RNNCell, int] = {}
    for i, cell in enumerate(cells):
        first = first_at.setdefault(cell, i)
        if first != i:
            warnings.warn(
                f"MultiRNNCell: cells {first} and {i} are the same module, so they share "
                "weights\n  if that is not meant, build one per layer: "
                "MultiRNNCell([LSTMCell(8, 8) for _ in range(2)])",
                stacklevel=3,
            )
