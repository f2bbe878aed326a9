"""Wrappers whose own work is done for all steps of a run at once, around the run of a cell."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, check_step_inputs
from varlen.rnn._recurrent import RecurrentCell
from varlen.rnn.engine._rows import Rows
from varlen.rnn.wrappers import AroundSteps


def within(cell: RNNCell, noise: Any) -> tuple[RNNCell, Any] | None:
    """The cell, and its noise, that is run between a wrapper's own work; None: there is none."""
    # Which rows are steps is a question of values, which a compiler does not know.
    if not isinstance(cell, AroundSteps) or torch.compiler.is_compiling():
        return None
    return cell.inner(noise)


class RealSteps:
    """The rows that are steps, taken out of arrays and put back, so that padding is not touched.

    Attributes:
        rows: where they are once they are taken out, sequence after sequence.
    """

    def __init__(self, rows: Rows) -> None:
        places = rows.places()
        self._num_rows = int(rows.num_rows)
        self._in_place = np.array_equal(places, np.arange(self._num_rows))
        self._places = torch.from_numpy(places)
        self.rows = rows if self._in_place else Rows.jagged(rows.lengths)

    def take(self, values: Any) -> Any:
        """Each leaf `[num_rows, ...]` as `[steps, ...]`."""
        return self._map(lambda leaf, places: leaf.index_select(0, places), values)

    def put(self, values: Any) -> Any:
        """The inverse; what is no step is 0."""

        def put(leaf: Tensor, places: Tensor) -> Tensor:
            zeros = leaf.new_zeros(self._num_rows, *leaf.shape[1:])
            return zeros.index_copy(0, places, leaf)

        return self._map(put, values)

    def _map(self, function: Any, values: Any) -> Any:
        if self._in_place:
            return values
        return _nest.map_structure(
            lambda leaf: function(leaf, self._places.to(leaf.device)), values
        )


def check_inner_values(cell: RNNCell, values: Any) -> None:
    """Checks what a wrapper gives to the cell within.

    Raises:
        ValueError: inputs of a width or dtype that the cell does not take.
    """
    if isinstance(cell, RecurrentCell):
        check_step_inputs(cell, values[:0], cell.dtype)
