"""Wrappers whose own work needs no state: it is done once for all steps, around the cell's run."""

from typing import Any

import torch
from torch import Tensor

from varlen.rnn._cell import RNNCell, take_step


class AroundSteps(RNNCell):
    """A wrapper that changes what goes into each step of a cell and what comes out of it.

    Since it looks at no state, an unroll may do its work for all real steps at once, and run the
    cell within on the fastest engine that can; step by step, `forward` says what it is.

    Attributes:
        cell: the cell within. The wrapper's state is its state.
    """

    cell: RNNCell

    def before(self, inputs: Any, noise: Any) -> Any:
        """What the cell within gets.

        Args:
            inputs: of the wrapper, each leaf `[rows, ...]`, of whatever steps.
            noise: the wrapper's, a row for each of `inputs`, or None.
        """
        return inputs

    def after(self, inputs: Any, outputs: Any, noise: Any) -> Any:
        """What the wrapper gives, from its own inputs and the outputs of the cell within."""
        return outputs

    def inner(self, noise: Any) -> tuple[RNNCell, Any] | None:
        """What is run between `before` and `after`: a cell and its noise.

        None if this wrapper has to be run step by step with this noise.
        """
        return self.cell, noise

    def zero_state(self, batch_size: int, dtype: torch.dtype | None = None) -> Any:
        return self.cell.zero_state(batch_size, dtype)

    def draw_noise(self, lengths: Tensor) -> Any:
        return self.cell.draw_noise(lengths)

    def forward(self, inputs: Any, state: Any, noise: Any = None) -> tuple[Any, Any]:
        outputs, next_state = take_step(self.cell, self.before(inputs, noise), state, noise)
        return self.after(inputs, outputs, noise), next_state


def fit_around(wrapper: AroundSteps, cell: RNNCell) -> None:
    """Gives `wrapper` its cell and that cell's sizes, for those that it does not change."""
    wrapper.cell = cell
    wrapper.input_size = cell.input_size
    wrapper.state_size = cell.state_size
    wrapper.output_size = cell.output_size


def check_width(wrapper: RNNCell, size: Any, *, argument: str) -> int:
    """`size`, if it is a number.

    Raises:
        ValueError: it is a nested one, or that of a picture.
    """
    if not isinstance(size, int):
        raise ValueError(
            f"{type(wrapper).__name__}: cell: expected one tensor [batch, n] as {argument}, "
            f"found the size {size}"
        )
    return size
