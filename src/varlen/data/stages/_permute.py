"""`Permute`: a random order of a whole epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from varlen.data._indexed_pass import IndexedPass
from varlen.data._stage import IndexedIterator, Lengths, StageIterator
from varlen.data.plan import permuted
from varlen.errors import check_integer


@dataclass(frozen=True)
class Permute:
    """Puts the items of an epoch in random order, each order as likely as any other.

    It needs items that can be had in any order, and holds none of them. The order depends on
    `seed` and the number of the epoch alone, and resuming takes no time.

    Args:
        seed: at least 0.

    Raises:
        TypeError: a seed that is not an integer; beginning a pass, items that come in one order
            only, as those of `Records`: use `Shuffle` for these.
        ValueError: a seed below 0.
    """

    seed: int

    def __post_init__(self) -> None:
        check_integer(self.seed, "Permute: seed", at_least=0)

    def iterate(self, upstream: StageIterator) -> StageIterator:
        if not isinstance(upstream, IndexedIterator):
            raise TypeError(
                "Permute: expected items that can be had in any order, as those of IndexedRecords "
                f"or of a list, found those of {type(upstream).__name__}; Shuffle needs no order"
            )
        return IndexedPass(_Permuted(upstream, self.seed), of_number=True)


class _Permuted:
    def __init__(self, upstream: IndexedIterator, seed: int) -> None:
        self._upstream = upstream
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._upstream)

    def items_at(self, positions: Sequence[int]) -> list[Any]:
        return self._upstream.items_at(self._permuted(positions).tolist())

    def batch_at(self, positions: Sequence[int]) -> Any:
        return self._upstream.batch_at(self._permuted(positions).tolist())

    # Both change with the epoch, and a plan, which asks for them, has an order of its own.
    def known_lengths(self, feature: str | None) -> None:
        return None

    def known_bytes(self) -> None:
        return None

    def _permuted(self, positions: Sequence[int]) -> Lengths:
        return permuted(np.asarray(positions, np.int64), len(self), self._seed, self._epoch)

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
        self._epoch = epoch
