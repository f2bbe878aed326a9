"""The share of one rank and one worker in a pass that all of them make in the same order."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

from varlen.data._rows import divide
from varlen.data._stage import StageIterator


@dataclass(frozen=True)
class Share:
    """Which of several takers this is.

    A step takes an item for each rank: rank r has item `step * num_ranks + r`. The workers of a
    rank take turns: worker w has the steps w, `w + num_workers` and so on, which is the order in
    which a DataLoader asks its workers.
    """

    rank: int = 0
    num_ranks: int = 1
    worker: int = 0
    num_workers: int = 1


class ShareIterator(StageIterator):
    """The items of one share.

    What comes from upstream is the same for every share, so the position between two steps is one
    that any number of ranks and workers can go on from. If items are batches, all ranks make
    equally many steps: the batches of a last step, if they are fewer than ranks, are divided.

    Args:
        upstream: gives the items of all.
        share: whose they are.
        of_batches: whether items are batches, which can be divided.
        by_rows: whether every batch is divided among the ranks, since its rows carry on from batch
            to batch; otherwise ranks take whole items.
    """

    def __init__(
        self,
        upstream: StageIterator,
        share: Share,
        *,
        of_batches: bool = False,
        by_rows: bool = False,
    ) -> None:
        self._upstream = upstream
        self._share = share
        self._of_batches = of_batches
        self._by_rows = by_rows
        self._begins_turns = False
        self._step = 0  # that is taken next
        self._keep_position()

    def __next__(self) -> Any:
        item = _NONE
        while item is _NONE:
            if self._step % self._share.num_workers == self._share.worker:
                item = self._take_own()
                is_end = item is END
            else:
                is_end = not self._upstream.skip(1 if self._by_rows else self._share.num_ranks)
            if is_end:
                self._keep_position()
                raise StopIteration
            self._step += 1
        self._keep_position()
        return item

    def _take_own(self) -> Any:
        """The item of this rank in a step; END without a step, _NONE if it has none in it."""
        rank, num_ranks = self._share.rank, self._share.num_ranks
        if num_ranks == 1:
            return next(self._upstream, END)
        if self._by_rows:
            batch = next(self._upstream, END)
            return END if batch is END else divide([batch], num_ranks)[rank]
        before = self._upstream.state_dict()
        num_items = self._upstream.skip(rank)
        item = next(self._upstream, _NONE)
        num_items += (item is not _NONE) + self._upstream.skip(num_ranks - rank - 1)
        if not num_items:
            return END
        if num_items < num_ranks and self._of_batches:
            self._upstream.load_state_dict(before)
            return divide(list(islice(self._upstream, num_items)), num_ranks)[rank]
        return item

    def _keep_position(self) -> None:
        self._position = {"upstream": self._upstream.state_dict(), "step": self._step}

    def begin_turns(self) -> None:
        """Lets the first worker take the next step after the state that is loaded next."""
        self._begins_turns = True

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
        self._step = 0
        self._keep_position()

    def state_dict(self) -> dict[str, Any]:
        return self._position

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._upstream.load_state_dict(state["upstream"])
        self._step = 0 if self._begins_turns else state["step"]
        self._begins_turns = False
        self._keep_position()


END = object()
_NONE = object()
