"""Items into batches, each by the group it belongs to."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from varlen.data._collate import collate
from varlen.data._run import as_list
from varlen.data._stage import StageIterator
from varlen.data.plan import BatchLimits
from varlen.data.plan._open_batch import OpenBatch, excess_alone, refuse_oversize
from varlen.data.stages._sizes import Size, SizesOf, place_of
from varlen.errors import CheckpointError

# Items whose groups are found together, if as many are there without waiting.
_MOST_AT_ONCE = 128


class _Start(NamedTuple):
    """Where a run begins, the items that were taken from upstream together."""

    position: int
    state: dict[str, Any]  # of the upstream


_Held = deque[tuple[_Start, Any, Size | None]]  # the last that were seen of a group


class GroupIterator(StageIterator):
    """Hands out a batch the moment its group is full, and at the end what is left, group by group.

    By a budget, a group is full when an example comes that has no room in it, with which the next
    batch begins.

    The state is where the run with the oldest of the held items begins upstream, how many items
    have been seen since, and how many each group holds. A group hands its items out in order, so
    these are the last that were seen of it: the state is small, and resuming reads on from there.

    Args:
        upstream: gives examples.
        groups_of: the numbers of the groups of some examples.
        limits: what fills a batch, by group; the same policy for all.
        sizes_of: what examples take of budgets; None if they are filled by count alone.
        drop_remainder: leave out the batches that are not full.
    """

    def __init__(
        self,
        upstream: StageIterator,
        groups_of: Callable[[Sequence[Any]], list[int]],
        limits: Sequence[BatchLimits],
        sizes_of: SizesOf | None,
        *,
        drop_remainder: bool,
    ) -> None:
        self._upstream = upstream
        self._groups_of = groups_of
        self._limits = limits
        self._batch_sizes = [each.batch_size for each in limits]
        self._sizes_of = sizes_of
        self._drop_remainder = drop_remainder
        self._begin()

    def _begin(self) -> None:
        self._groups: list[list[Any]] = [[] for _ in self._limits]
        self._open = [OpenBatch(limits) for limits in self._limits]  # of each group
        self._num_oversize = 0
        self._begin_run(_Start(0, self._upstream.state_dict()), [], [], [])
        self._starts = [self._start for _ in self._limits]  # of the first item of each group

    @property
    def counts(self) -> Mapping[str, int]:
        """How many examples exceeded a budget alone, and were treated as the policy says."""
        return {} if self._sizes_of is None else {"oversize": self._num_oversize}

    def _begin_run(
        self,
        start: _Start,
        items: list[Any],
        numbers: list[int] | None,
        sizes: list[Size] | None,
    ) -> None:
        self._start = start
        self._items = items
        self._numbers = numbers  # of their groups; None if each is asked for in its turn
        self._sizes = sizes  # likewise
        self._num_used = 0  # none is counted before all is done with it

    def __next__(self) -> Any:
        while self._num_used < len(self._items) or self._take_run(_MOST_AT_ONCE):
            item, number = self._items[self._num_used], self._next_number()
            group = self._groups[number]
            size = None if self._sizes_of is None else self._next_size(self._sizes_of)
            if size is not None and not self._open[number].has_room_for(*size):
                if self._is_oversize(number, size):
                    batch = self._after_oversize(item, number, size)
                    if batch is None:
                        continue
                    return batch
                return self._hand_out(number)
            if len(group) + 1 == self._batch_sizes[number]:
                batch = collate([*group, item])
                self._clear(number)
                self._num_used += 1
                return batch
            if not group:
                self._starts[number] = self._start
            group.append(item)
            if size is not None:
                self._open[number].add(*size)
            self._num_used += 1
        return self._next_remainder()

    def _hand_out(self, number: int) -> Any:
        batch = collate(self._groups[number])
        self._clear(number)
        return batch

    def _clear(self, number: int) -> None:
        self._groups[number].clear()
        self._open[number].clear()

    def _is_oversize(self, number: int, size: Size) -> bool:
        return excess_alone(self._limits[number], *size) is not None

    def _after_oversize(self, item: Any, number: int, size: Size) -> Any:
        """The batch of an item that exceeds a budget alone; None if it is left out."""
        limits = self._limits[number]
        if limits.oversize == "error":
            raise refuse_oversize(place_of(item), excess_alone(limits, *size) or "")
        batch = collate([item]) if limits.oversize == "alone" else None
        self._num_oversize += 1
        self._num_used += 1
        return batch

    def _take_run(self, most: int) -> bool:
        """Whether there are more items."""
        start = _Start(self._position(), self._upstream.state_dict())
        items = as_list(self._upstream.take(most))
        sizes: list[Size] | None = None
        numbers: list[int] | None = None
        try:
            numbers = self._groups_of(items)
            sizes = None if self._sizes_of is None else self._sizes_of(items)
        except Exception:  # of one item: those before it have their turn
            pass
        self._begin_run(start, items, numbers, sizes)
        return bool(items)

    def _next_number(self) -> int:
        if self._numbers is None:
            return self._groups_of([self._items[self._num_used]])[0]
        return self._numbers[self._num_used]

    def _next_size(self, sizes_of: SizesOf) -> Size:
        if self._sizes is None:
            return sizes_of([self._items[self._num_used]])[0]
        return self._sizes[self._num_used]

    def _position(self) -> int:
        return self._start.position + self._num_used

    def _next_remainder(self) -> Any:
        for number, group in enumerate(self._groups):
            if group and not self._drop_remainder:
                return self._hand_out(number)
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
        held: list[_Held] = [deque(maxlen=num) for num in state["held"]]
        while (left := state["seen"] - self._position()) > 0:
            if not self._take_run(min(_MOST_AT_ONCE, left)):
                raise CheckpointError(
                    f"expected {state['seen']} items after those handed out, as when the state "
                    f"was saved, found {self._position()}"
                )
            for item in self._items:
                self._replay(item, held)
                self._num_used += 1
        self._groups = [[item for _, item, _ in group] for group in held]
        self._starts = [group[0][0] if group else self._start for group in held]
        for group, batch in zip(held, self._open, strict=True):
            for _, _, size in group:
                if size is not None:
                    batch.add(*size)

    def _replay(self, item: Any, held: list[_Held]) -> None:
        """Takes an item as before, unless it had been no part of a group."""
        number = self._next_number()
        size = None if self._sizes_of is None else self._next_size(self._sizes_of)
        if size is None or not self._is_oversize(number, size):
            held[number].append((self._start, item, size))

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
        self._begin()
