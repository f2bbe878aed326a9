"""`EpochBatches`: the batches of one epoch, as positions of their examples."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class EpochBatches:
    """Batches in the order in which they are to come, each an array of positions.

    `batches[3]` is a batch, int64, `[examples]`; `len(batches)` says how many there are.

    Attributes:
        positions: of all examples, int64.
        begins: where in `positions` each batch begins, int64, `[batches]`.
        ends: where it ends.
    """

    positions: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.begins)

    def __getitem__(self, number: int) -> NDArray[np.int64]:
        return self.positions[self.begins[number] : self.ends[number]]

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        return (self[i] for i in range(len(self)))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many examples each batch has, `[batches]`."""
        return self.ends - self.begins

    def longest(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """The longest of each batch, `[batches]`; `lengths` are those of all examples."""
        if not len(self):
            return np.empty(0, np.int64)
        # Of each pair of a beginning and an end, what lies between; the 0 is for the last end.
        bounds = np.stack([self.begins, self.ends], axis=1).ravel()
        steps = np.append(lengths[self.positions], 0)
        longest: NDArray[np.int64] = np.maximum.reduceat(steps, bounds)[::2]
        return longest

    def sums(self, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sum of something in each batch, `[batches]`; `sizes` has it for all examples."""
        sums = np.zeros(len(self.positions) + 1, np.int64)
        np.cumsum(sizes[self.positions], out=sums[1:])
        return sums[self.ends] - sums[self.begins]

    def taken(self, numbers: NDArray[np.int64]) -> "EpochBatches":
        """Some of the batches, in another order."""
        return EpochBatches(self.positions, self.begins[numbers], self.ends[numbers])
