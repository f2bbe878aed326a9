"""Items into batches, each by the group it belongs to."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from varlen.data._collate import collate
from varlen.data._run import as_list
from varlen.data._stage import StageIterator
from varlen.errors import CheckpointError

# Items whose groups are found together, if as many are there without waiting.
_MOST_AT_ONCE = 128


class _Start(NamedTuple):
    """Where a run begins, the items that were taken from upstream together."""

    position: int
    state: dict[str, Any]  # of the upstream


class GroupIterator(StageIterator):
    """Hands out a batch the moment its group is full, and at the end what is left, group by group.

    The state is where the run with the oldest of the held items begins upstream, how many items
    have been seen since, and how many each group holds. A group hands its items out in order, so
    these are the last that were seen of it: the state is small, and resuming reads on from there.

    Args:
        upstream: gives examples.
        groups_of: the numbers of the groups of some examples.
        batch_sizes: how many examples fill a batch, by group.
        drop_remainder: leave out the batches that are not full.
    """

    def __init__(
        self,
        upstream: StageIterator,
        groups_of: Callable[[Sequence[Any]], list[int]],
        batch_sizes: Sequence[int],
        *,
        drop_remainder: bool,
    ) -> None:
        self._upstream = upstream
        self._groups_of = groups_of
        self._batch_sizes = batch_sizes
        self._drop_remainder = drop_remainder
        self._begin()

    def _begin(self) -> None:
        self._groups: list[list[Any]] = [[] for _ in self._batch_sizes]
        self._begin_run(_Start(0, self._upstream.state_dict()), [], [])
        self._starts = [self._start for _ in self._batch_sizes]  # of the first item of each group

    def _begin_run(self, start: _Start, items: list[Any], numbers: list[int] | None) -> None:
        self._start = start
        self._items = items
        self._numbers = numbers  # of their groups; None if each is asked for in its turn
        self._num_used = 0  # none is counted before all is done with it

    def __next__(self) -> Any:
        while self._num_used < len(self._items) or self._take_run(_MOST_AT_ONCE):
            item, number = self._items[self._num_used], self._next_number()
            group = self._groups[number]
            if len(group) + 1 == self._batch_sizes[number]:
                batch = collate([*group, item])
                group.clear()
                self._num_used += 1
                return batch
            if not group:
                self._starts[number] = self._start
            group.append(item)
            self._num_used += 1
        return self._next_remainder()

    def _take_run(self, most: int) -> bool:
        """Whether there are more items."""
        start = _Start(self._position(), self._upstream.state_dict())
        items = as_list(self._upstream.take(most))
        try:
            numbers = self._groups_of(items)
        except Exception:  # of one item: those before it have their turn
            numbers = None
        self._begin_run(start, items, numbers)
        return bool(items)

    def _next_number(self) -> int:
        if self._numbers is None:
            return self._groups_of([self._items[self._num_used]])[0]
        return self._numbers[self._num_used]

    def _position(self) -> int:
        return self._start.position + self._num_used

    def _next_remainder(self) -> Any:
        for group in self._groups:
            if group and not self._drop_remainder:
                batch = collate(group)
                group.clear()
                return batch
        raise StopIteration

    def state_dict(self) -> Any:
        held = [start for start, group in zip(self._starts, self._groups, strict=True) if group]
        oldest = min(held, key=lambda start: start.position, default=self._start)
        return {
            "upstream": oldest.state,
            "seen": self._position() - oldest.position,
            "held": list(map(len, self._groups)),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._upstream.load_state_dict(state["upstream"])
        self._begin()
        held: list[deque[tuple[_Start, Any]]] = [deque(maxlen=num) for num in state["held"]]
        while (left := state["seen"] - self._position()) > 0:
            if not self._take_run(min(_MOST_AT_ONCE, left)):
                raise CheckpointError(
                    f"expected {state['seen']} items after those handed out, as when the state "
                    f"was saved, found {self._position()}"
                )
            for item in self._items:
                held[self._next_number()].append((self._start, item))
                self._num_used += 1
        self._groups = [[item for _, item in group] for group in held]
        self._starts = [group[0][0] if group else self._start for group in held]

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
        self._begin()
