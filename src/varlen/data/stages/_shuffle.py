"""`Shuffle`: another order, within windows."""

from dataclasses import dataclass

import numpy as np

from varlen.data._run import Run, reordered
from varlen.data._stage import StageIterator
from varlen.data.stages._windows import WindowsIterator
from varlen.errors import check_integer


@dataclass(frozen=True)
class Shuffle:
    """Shuffles within consecutive windows of `window` items.

    The order depends on `seed`, the number of the window and that of the epoch alone, so that it is
    the same on every machine; before `Repeat`, every epoch has another. A window is held in memory:
    shuffle records, which are small, rather than what is made of them.

    Args:
        window: how many items to hold.
        seed: at least 0.

    Raises:
        TypeError: not integers.
        ValueError: a window below 1 or a seed below 0.
    """

    window: int
    seed: int

    def __post_init__(self) -> None:
        check_integer(self.window, "Shuffle: window", at_least=1)
        check_integer(self.seed, "Shuffle: seed", at_least=0)

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return WindowsIterator(upstream, self.window, self._shuffled)

    def _shuffled(self, items: Run, number: int, epoch: int) -> Run:
        # The raw bits of a bit generator are the same in all versions of NumPy; those of
        # `Generator.permutation` and `random.shuffle` need not be.
        keys = np.random.PCG64([self.seed, number, epoch]).random_raw(len(items))
        return reordered(items, np.argsort(keys, kind="stable").tolist())
