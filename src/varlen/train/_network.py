"""The network between inputs and head: recurrent layers of one cell, in one or both directions."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from varlen.cells import RecurrentDropoutWrapper
from varlen.rnn import RecurrentCell, RNNCell, bidirectional_dynamic_rnn, dynamic_rnn
from varlen.sequences import JaggedSequence
from varlen.train._cells import make_cell
from varlen.train._dropout import dropout
from varlen.train._settings import ModelSettings

States = list[Any]
"""The state of the forward cell of each layer."""


class RecurrentNetwork(nn.Module):
    """Layers of a cell over the live steps of a batch.

    Takes and gives the steps of all rows one after the other, without padding. Dropout draws for
    live steps only: of the inputs, between layers, of the outputs, and of candidates within the
    cells that have one (Semeniuta et al. 2016).

    Args:
        input_size: features of a step.
        settings: cell, units, layers, directions and dropout.

    Attributes:
        size: features of an output, both directions together.

    Raises:
        ConfigError: the cell cannot be made of this size.
    """

    def __init__(self, input_size: int, settings: ModelSettings) -> None:
        super().__init__()
        self.dropout = settings.dropout
        self.forward_cells = nn.ModuleList()
        self.backward_cells = nn.ModuleList()
        size = input_size
        for _ in range(settings.layers):
            self.forward_cells.append(_cell(size, settings))
            if settings.bidirectional:
                self.backward_cells.append(_cell(size, settings))
            size = settings.units * (1 + settings.bidirectional)
        self.size = size

    def forward(
        self,
        steps: Float[Tensor, "steps features"],
        lengths: Int[Tensor, " batch"],
        states: Sequence[Any] | None = None,
    ) -> tuple[Float[Tensor, "steps outputs"], States]:
        """Runs all layers.

        Args:
            steps: the features of all live steps, row after row.
            lengths: of the rows.
            states: what the forward cells begin with; None for their initial states.

        Returns:
            The outputs of all live steps, and the last state of the forward cell of each layer.
        """
        final: States = []
        backward_cells = self._cells(self.backward_cells)
        for i, cell in enumerate(self._cells(self.forward_cells)):
            rows = JaggedSequence(self._drop(steps), lengths)
            state = None if states is None else states[i]
            if backward_cells:
                both, (last, _) = bidirectional_dynamic_rnn(
                    cell, backward_cells[i], rows, initial_state_fw=state
                )
                steps = torch.cat([outputs.values for outputs in both], dim=-1)
            else:
                outputs, last = dynamic_rnn(cell, rows, initial_state=state)
                steps = outputs.values
            final.append(last)
        return self._drop(steps), final

    @staticmethod
    def _cells(modules: nn.ModuleList) -> list[RNNCell]:
        return cast(list[RNNCell], list(modules))

    def _drop(self, steps: Tensor) -> Tensor:
        return dropout(steps, self.dropout) if self.dropout and self.training else steps


def _cell(size: int, settings: ModelSettings) -> RNNCell:
    cell = make_cell(settings.cell, size, settings.units)
    if not settings.recurrent_dropout or not getattr(cell, "drops_candidate", False):
        return cell
    return RecurrentDropoutWrapper(cast(RecurrentCell, cell), 1 - settings.recurrent_dropout)
