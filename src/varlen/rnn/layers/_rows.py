"""Values in any layout, run by way of a padded block until the engines take each themselves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from varlen.rnn import engine
from varlen.rnn._cell import RNNCell
from varlen.sequences import live_steps


@dataclass(frozen=True)
class Rows:
    """Where the steps of each row stand among values `[values, ...]`.

    Attributes:
        lengths: `[batch]`, int64, on the CPU.
        num_steps: of the padded block.
        places: `[values]`, where each value stands in the block `[batch * num_steps]`; None if
            the values are the block.
    """

    lengths: Tensor
    num_steps: int
    places: Tensor | None = None

    @classmethod
    def padded(cls, lengths: Tensor, num_steps: int) -> "Rows":
        """Of a flattened block `[batch, num_steps]`."""
        return cls(lengths, num_steps)

    @classmethod
    def time_major(cls, lengths: Tensor, num_steps: int) -> "Rows":
        """Of a flattened block `[num_steps, batch]`."""
        places = torch.arange(lengths.shape[0] * num_steps).reshape(lengths.shape[0], num_steps)
        return cls(lengths, num_steps, places.t().flatten())

    @classmethod
    def jagged(cls, lengths: Tensor) -> "Rows":
        """Of the real steps of row after row."""
        counts = lengths.numpy()
        num_steps = int(counts.max(initial=0))
        return cls(lengths, num_steps, _places(live_steps(counts, num_steps)))

    @classmethod
    def packed(cls, batch_sizes: Tensor, order: Tensor | None) -> "Rows":
        """Of the real steps of step after step, as in a `PackedSequence`."""
        num_rows, num_steps = int(batch_sizes[0]) if len(batch_sizes) else 0, len(batch_sizes)
        running = np.arange(num_rows) < batch_sizes.numpy()[:, None]
        row_of = np.arange(num_rows) if order is None else order.cpu().numpy()
        lengths = np.empty(num_rows, np.int64)
        lengths[row_of] = running.sum(0)
        step, rank = np.nonzero(running)
        places = torch.from_numpy(row_of[rank] * num_steps + step)
        return cls(torch.from_numpy(lengths), num_steps, places)


def _places(live: npt.NDArray[np.bool_]) -> Tensor:
    return torch.from_numpy(np.flatnonzero(live))


def unroll(
    cell: RNNCell, values: Tensor, rows: Rows, state: Any, *, reverse: bool
) -> tuple[Tensor, Any]:
    """Runs a cell along `values`, and gives its outputs in the same places."""
    num_rows = rows.lengths.shape[0]
    places = None if rows.places is None else rows.places.to(values.device)
    block = values
    if places is not None:
        block = values.new_zeros(num_rows * rows.num_steps, values.shape[1])
        block = block.index_copy(0, places, values)
    outputs, final_state = engine.unroll(
        cell,
        block.reshape(num_rows, rows.num_steps, values.shape[1]),
        rows.lengths,
        state,
        None,
        reverse=reverse,
        engine="auto",
    )
    outputs = outputs.flatten(0, 1)
    return outputs if places is None else outputs.index_select(0, places), final_state
