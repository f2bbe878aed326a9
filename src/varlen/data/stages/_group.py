"""Items into batches, each by the group it belongs to."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from varlen.data._collate import collate
from varlen.data._stage import StageIterator
from varlen.errors import CheckpointError


class _Held(NamedTuple):
    position: int
    state: dict[str, Any]  # of the upstream, before the item
    item: Any


class GroupIterator(StageIterator):
    """Hands out a batch the moment its group is full, and at the end what is left, group by group.

    The state is where the oldest of the held items stands upstream, and which of those since then
    are held: so it is small, and resuming reads on from there.

    Args:
        upstream: gives examples.
        group_of: the number of an example's group.
        batch_sizes: how many examples fill a batch, by group.
        drop_remainder: leave out the batches that are not full.
    """

    def __init__(
        self,
        upstream: StageIterator,
        group_of: Callable[[Any], int],
        batch_sizes: Sequence[int],
        *,
        drop_remainder: bool,
    ) -> None:
        self._upstream = upstream
        self._group_of = group_of
        self._batch_sizes = batch_sizes
        self._drop_remainder = drop_remainder
        self._begin()

    def _begin(self) -> None:
        self._groups: list[list[_Held]] = [[] for _ in self._batch_sizes]
        self._position = 0  # of the next item; nothing is counted before all is done with it
        self._state = self._upstream.state_dict()

    def __next__(self) -> Any:
        for item in self._upstream:
            number = self._group_of(item)
            group = self._groups[number]
            if len(group) + 1 == self._batch_sizes[number]:
                batch = collate([*(held.item for held in group), item])
                group.clear()
                self._count()
                return batch
            group.append(_Held(self._position, self._state, item))
            self._count()
        return self._next_remainder()

    def _count(self) -> None:
        self._position += 1
        self._state = self._upstream.state_dict()

    def _next_remainder(self) -> Any:
        for group in self._groups:
            if group and not self._drop_remainder:
                batch = collate([held.item for held in group])
                group.clear()
                return batch
        raise StopIteration

    def state_dict(self) -> Any:
        held = sorted((h for group in self._groups for h in group), key=lambda h: h.position)
        start = held[0].position if held else self._position
        return {
            "upstream": held[0].state if held else self._state,
            "seen": self._position - start,
            "held": [h.position - start for h in held],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._upstream.load_state_dict(state["upstream"])
        self._begin()
        held = set(state["held"])
        while self._position < state["seen"]:
            try:
                item = next(self._upstream)
            except StopIteration:
                raise CheckpointError(
                    f"expected {state['seen']} items after those handed out, as when the state "
                    f"was saved, found {self._position}"
                ) from None
            if self._position in held:
                group = self._groups[self._group_of(item)]
                group.append(_Held(self._position, self._state, item))
            self._count()

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
        self._begin()
