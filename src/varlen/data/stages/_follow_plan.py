"""`FollowPlan`: the batches that were planned ahead from the lengths of all examples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from varlen.data._collate import sequence_lengths
from varlen.data._stage import IndexedIterator, Lengths, StageIterator
from varlen.data.plan import BatchPlan, PlannedBatches

_READ_AT_ONCE = 1024


@dataclass(frozen=True)
class FollowPlan:
    """Makes the batches of a plan, which knows the lengths of all examples beforehand.

    It needs items that can be had in any order, and holds none of them. Their lengths are those of
    the index (`IndexedRecords(paths, feature)`); if it has not counted a feature of the plan, all
    items are read for it when the pass begins. Resuming takes no time, whatever was done before.

    A batch is as from `Batch`. With `shuffle`, every epoch has batches of its own.

    Args:
        plan: which examples go together, and in which order.

    Raises:
        TypeError: not a plan; beginning a pass, items that come in one order only.
        ValueError: beginning a pass; what `BatchPlan.over` raises.
    """

    plan: BatchPlan
    makes_batches: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.plan, BatchPlan):
            raise TypeError(f"FollowPlan: expected a BatchPlan, found {self.plan!r}")

    def iterate(self, upstream: StageIterator) -> StageIterator:
        if not isinstance(upstream, IndexedIterator):
            raise TypeError(
                "FollowPlan: expected items that can be had in any order, as those of "
                f"IndexedRecords or of a list, found those of {type(upstream).__name__}; "
                "BucketBySequenceLength takes them as they come"
            )
        return _PlannedIterator(self.plan, upstream)


class _PlannedIterator(StageIterator):
    def __init__(self, plan: BatchPlan, upstream: IndexedIterator) -> None:
        self._plan = plan
        self._upstream = upstream
        self._planned = _planned(plan, upstream)
        self._epoch = 0
        self._taken = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """What the plan leaves out or cuts, in an epoch."""
        return self._planned.counts

    def __next__(self) -> Any:
        batches = self._planned.batches(self._epoch)
        if self._taken >= len(batches):
            raise StopIteration
        batch = self._upstream.batch_at(batches[self._taken].tolist())
        self._taken += 1
        return batch

    def skip(self, num: int) -> int:
        left = len(self._planned.batches(self._epoch)) - self._taken
        skipped = max(0, min(num, left))
        self._taken += skipped
        return skipped

    def state_dict(self) -> dict[str, Any]:
        return {"taken": self._taken, **self._planned.identity()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._planned.check_identity(state)
        self._taken = state["taken"]

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
        self._epoch = epoch
        self._taken = 0


def _planned(plan: BatchPlan, upstream: IndexedIterator) -> PlannedBatches:
    names = plan.named_features()
    if names:
        lengths: Any = {name: _lengths(upstream, name) for name in sorted(names)}
    elif (lengths := upstream.known_lengths(None)) is None:
        if plan.needs_lengths():
            raise ValueError(
                "FollowPlan: the plan goes by lengths, and names no feature that has them\n"
                "  name one: BatchPlan(..., feature=...) or IndexedRecords(paths, feature)"
            )
        lengths = np.zeros(len(upstream), np.int64)
    return plan.over(lengths, num_bytes=upstream.known_bytes())


def _lengths(upstream: IndexedIterator, feature: str) -> Lengths:
    known = upstream.known_lengths(feature)
    if known is not None:
        return known
    num = len(upstream)
    lengths = [
        length
        for begin in range(0, num, _READ_AT_ONCE)
        for length in sequence_lengths(
            upstream.items_at(range(begin, min(begin + _READ_AT_ONCE, num))), feature
        )
    ]
    return np.array(lengths, np.int64)
