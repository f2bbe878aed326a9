"""Where the real steps of a batch lie, in padded, time-major, packed and jagged layouts alike."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from varlen.sequences import check_lengths


@dataclass(frozen=True)
class Rows:
    """Real steps among the rows of arrays `[num_rows, ...]`.

    Step t of sequence b is row `bases[b] + time_offsets[t]`; rows that are no step are padding.

    Attributes:
        lengths: `[batch]`, int64, on the CPU.
        bases: `[batch]`, int64, on the CPU.
        time_offsets: `[time]`, int64, on the CPU.
        num_rows: of the arrays.
    """

    lengths: Tensor
    bases: Tensor
    time_offsets: Tensor
    num_rows: int | torch.SymInt

    @classmethod
    def padded(cls, lengths: Tensor, num_steps: int) -> "Rows":
        """Of a block `[batch, num_steps, ...]`, with its first two axes made one."""
        batch_size = lengths.shape[0]
        bases, time_offsets = _multiples(batch_size, num_steps), _multiples(num_steps, 1)
        return cls(lengths, bases, time_offsets, batch_size * num_steps)

    @classmethod
    def time_major(cls, lengths: Tensor, num_steps: int) -> "Rows":
        """Of a block `[num_steps, batch, ...]`, with its first two axes made one."""
        batch_size = lengths.shape[0]
        bases, time_offsets = _multiples(batch_size, 1), _multiples(num_steps, batch_size)
        return cls(lengths, bases, time_offsets, batch_size * num_steps)

    @classmethod
    def jagged(cls, lengths: Tensor) -> "Rows":
        """Of values `[sum(lengths), ...]`, sequence after sequence."""
        ends = lengths.cumsum(0)
        num_steps = int(lengths.max()) if len(lengths) else 0
        num_rows = int(ends[-1]) if len(lengths) else 0
        return cls(lengths, ends - lengths, torch.arange(num_steps), num_rows)

    @classmethod
    def packed(cls, batch_sizes: Tensor, sorted_indices: Tensor | None = None) -> "Rows":
        """Of the data of a `torch.nn.utils.rnn.PackedSequence`: step after step, longest first.

        Args:
            batch_sizes: `[time]`, how many sequences take each step.
            sorted_indices: `[batch]`, which sequence stands in each place; None: they are in order.
        """
        offsets = batch_sizes.cumsum(0) - batch_sizes
        ranks = torch.arange(int(batch_sizes[0]) if len(batch_sizes) else 0)
        lengths = (batch_sizes[:, None] > ranks).sum(0)
        if sorted_indices is not None:
            ranks = sorted_indices.cpu().argsort()
            lengths = lengths[ranks]
        return cls(lengths, ranks, offsets, int(batch_sizes.sum()))

    def places(self) -> npt.NDArray[np.int64]:
        """The row of each step, sequence after sequence."""
        lengths, bases = host_array(self.lengths), host_array(self.bases)
        starts = np.cumsum(lengths) - lengths
        steps = np.arange(lengths.sum()) - np.repeat(starts, lengths)
        places: npt.NDArray[np.int64]
        places = np.repeat(bases, lengths) + host_array(self.time_offsets)[steps]
        return places


def as_lengths(lengths: Any, batch_size: int, num_steps: int, *, argument: str) -> Tensor:
    """Checked lengths of a padded block, `[batch]`, int64, on the CPU; None: all are full.

    Raises:
        TypeError: not integers.
        ValueError: not one per row, or one that is out of range.
    """
    if lengths is None:
        return torch.full((batch_size,), num_steps, dtype=torch.int64)
    if not torch.compiler.is_compiling():
        checked = check_lengths(lengths, batch_size, num_steps, argument=argument)
        return torch.from_numpy(checked)
    found = torch.as_tensor(lengths)
    if found.dtype == torch.bool or (found.is_floating_point() and len(found)):  # [] is floating
        raise TypeError(f"{argument}: expected integers, found {found.dtype}")
    return found.to(torch.int64)  # the operator checks the numbers when it runs


def host_array(table: Tensor) -> npt.NDArray[np.int64]:
    """One of the tables, of int64 on the CPU, as an array."""
    if torch._C._are_functorch_transforms_active():
        # Then even new tensors are wrapped, and have no memory that could be shared.
        return np.array(table.tolist(), dtype=np.int64)
    found: npt.NDArray[np.int64] = table.numpy()
    return found


def _multiples(count: int, step: int) -> Tensor:
    """`[count]`: 0, step, 2 * step, ..."""
    # Batches of one shape share their tables: to make them in torch takes longer than a short step.
    if torch.compiler.is_compiling() or type(count) is not int or type(step) is not int:
        return torch.arange(count) * step
    return torch.from_numpy(_table(count, step))


@lru_cache(maxsize=256)
def _table(count: int, step: int) -> npt.NDArray[np.int64]:
    return np.arange(count, dtype=np.int64) * step
