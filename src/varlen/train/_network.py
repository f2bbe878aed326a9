"""The network between inputs and head: recurrent layers of one cell, in one or both directions."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from varlen.cells import RecurrentDropoutWrapper
from varlen.rnn import RecurrentCell, RNNCell, bidirectional_dynamic_rnn, dynamic_rnn
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
        live = _live(lengths)
        final: States = []
        backward_cells = self._cells(self.backward_cells)
        for i, cell in enumerate(self._cells(self.forward_cells)):
            block = _spread(self._drop(steps), live)
            state = None if states is None else states[i]
            if backward_cells:
                both, (last, _) = bidirectional_dynamic_rnn(
                    cell, backward_cells[i], block, lengths, state
                )
                steps = torch.cat(both, dim=-1)[live]
            else:
                outputs, last = dynamic_rnn(cell, block, lengths, state)
                steps = outputs[live]
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


def _live(lengths: Tensor) -> Tensor:
    num_steps = int(lengths.max()) if len(lengths) else 0
    return torch.arange(num_steps, device=lengths.device) < lengths[:, None]


def _spread(steps: Tensor, live: Tensor) -> Tensor:
    """Puts the live steps where they belong in a padded block, and 0 elsewhere."""
    return steps.new_zeros(*live.shape, steps.shape[-1]).index_put((live,), steps)
