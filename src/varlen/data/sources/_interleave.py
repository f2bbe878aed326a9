"""`Interleave`: several sources in turns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from varlen.data._source import Source
from varlen.data._stage import StageIterator
from varlen.data.sources._several import as_sources, check_same, load_states
from varlen.errors import check_integer


@dataclass(frozen=True)
class Interleave:
    """Takes `block` items of each source in turn, until all have come to their end.

    A source that has ended is left out of the round. The beginning of a pipeline.

    Args:
        sources: pipelines, or whatever else a pipeline may begin with.
        block: items at a time.

    Raises:
        TypeError: not a list of sources, or a block that is not an integer.
        ValueError: no source, or a block below 1.
    """

    sources: Sequence[Any]
    block: int = 1
    _sources: tuple[Source, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_sources", as_sources(self.sources, "Interleave: sources"))
        check_integer(self.block, "Interleave: block", at_least=1)

    def __iter__(self) -> StageIterator:
        return _InterleaveIterator([iter(source) for source in self._sources], self.block)


class _InterleaveIterator(StageIterator):
    def __init__(self, sources: Sequence[StageIterator], block: int) -> None:
        self._sources = sources
        self._block = block
        self._begin(0, 0)

    def _begin(self, turn: int, taken: int) -> None:
        self._turn = turn
        self._taken = taken  # of the block
        # Kept out of the state: who has ended says so again when asked again.
        self._live = [True] * len(self._sources)

    def __next__(self) -> Any:
        while any(self._live):
            if self._live[self._turn] and self._taken < self._block:
                item = next(self._sources[self._turn], _END)
                if item is not _END:
                    self._taken += 1
                    return item
                self._live[self._turn] = False
            self._turn = (self._turn + 1) % len(self._sources)
            self._taken = 0
        raise StopIteration

    def state_dict(self) -> dict[str, Any]:
        return {
            "block": self._block,
            "turn": self._turn,
            "taken": self._taken,
            "sources": [source.state_dict() for source in self._sources],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        check_same(state["block"], self._block, "block")
        load_states(self._sources, state["sources"])
        self._begin(state["turn"], state["taken"])

    def begin_epoch(self, epoch: int) -> None:
        for source in self._sources:
            source.begin_epoch(epoch)
        self._begin(0, 0)


_END = object()
