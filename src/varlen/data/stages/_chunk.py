"""`Chunk`: long sequences, some steps of them at a time, for truncated backpropagation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from varlen.data._collate import collate
from varlen.data._cut import cut, joint_length, sequence_names
from varlen.data._stage import StageIterator
from varlen.errors import CheckpointError, check_integer


@dataclass(frozen=True)
class Chunk:
    """Makes batches in which every row reads on in its own sequence, `steps` at a time.

    A batch is that of `Batch`, with `batch_size` rows, and with `is_first`, bool `[batch]`: whether
    the row begins a sequence. A row takes the next sequence when its own has ended, so that its
    last chunk may be shorter; a row for which there is none left has length 0, and other features
    that mean nothing. All sequences of an example are cut together; its other features are in each
    of its chunks.

    The state of one batch is the initial state of the next, zero where a row begins:

        state = cell.zero_state(batch_size)
        for batch in Pipeline(source, Chunk(steps=35, batch_size=20), Pad()):
            state = tree_map(lambda s: s.detach().masked_fill(batch["is_first"][:, None], 0), state)
            outputs, state = dynamic_rnn(cell, *batch["inputs"], initial_state=state)

    where `tree_map` is `torch.utils._pytree.tree_map`. Length 0 leaves a state as it is.

    Args:
        steps: the most steps of a chunk.
        batch_size: rows, each a stream of its own.

    Raises:
        TypeError: sizes that are not integers; while iterating, what is no example.
        ValueError: sizes below 1; while iterating, an example without a sequence, with sequences of
            unequal length, or with a feature `is_first`, or examples that do not go together.
    """

    steps: int
    batch_size: int
    makes_batches: ClassVar[bool] = True
    rows_go_on: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_integer(self.steps, "Chunk: steps", at_least=1)
        check_integer(self.batch_size, "Chunk: batch_size", at_least=1)

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return _ChunkIterator(self, upstream)


class _Row(NamedTuple):
    position: int
    state: dict[str, Any]  # of the upstream, before the example
    example: dict[str, Any]
    names: Sequence[str]
    length: int
    begin: int  # of its next chunk

    def chunk(self, size: int) -> dict[str, Any]:
        """The part of the example from `begin` on, of `size` steps at most."""
        return cut(self.example, self.names, self.begin, self.begin + size)

    def after(self, size: int) -> "_Row | None":
        """The row behind that chunk; None if it has ended."""
        begin = self.begin + size
        return self._replace(begin=begin) if begin < self.length else None


class _ChunkIterator(StageIterator):
    """The state is where the oldest of the sequences that are being read stands upstream.

    And, of each row, which of the examples since then it reads, and how far it has come.
    """

    def __init__(self, stage: Chunk, upstream: StageIterator) -> None:
        self._stage = stage
        self._upstream = upstream
        self._begin()

    def _begin(self) -> None:
        self._rows: list[_Row | None] = [None] * self._stage.batch_size
        self._position = 0  # of the next example
        self._state = self._upstream.state_dict()

    def __next__(self) -> dict[str, Any]:
        size = self._stage.steps
        rows, position = list(self._rows), self._position
        for i in range(len(rows)):
            if rows[i] is None:
                rows[i] = self._next_row(position)
                position += rows[i] is not None
        first = next((row for row in rows if row is not None), None)
        if first is None:
            raise StopIteration
        nothing = first.chunk(0)
        batch: dict[str, Any] = collate(
            [nothing if row is None else row.chunk(size) for row in rows]
        )
        batch["is_first"] = np.array([row is not None and row.begin == 0 for row in rows])
        # Only now, so that the state is that before an error.
        self._rows = [None if row is None else row.after(size) for row in rows]
        self._position = position
        self._state = self._upstream.state_dict()
        return batch

    def _next_row(self, position: int) -> _Row | None:
        state = self._upstream.state_dict()
        example: Any = next(self._upstream, _END)
        if example is _END:
            return None
        names = sequence_names(example, "Chunk")
        if "is_first" in example:
            raise ValueError("Chunk: expected examples without a feature 'is_first', found one")
        return _Row(position, state, example, names, joint_length(example, names, "Chunk"), 0)

    def state_dict(self) -> dict[str, Any]:
        oldest = min((row for row in self._rows if row), key=lambda row: row.position, default=None)
        start = oldest.position if oldest else self._position
        return {
            "upstream": oldest.state if oldest else self._state,
            "seen": self._position - start,
            "rows": [row and [row.position - start, row.begin] for row in self._rows],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if len(state["rows"]) != self._stage.batch_size:
            raise CheckpointError(
                f"expected the state of {self._stage.batch_size} rows, "
                f"found that of {len(state['rows'])}"
            )
        self._upstream.load_state_dict(state["upstream"])
        self._begin()
        places = {place[0]: (i, place[1]) for i, place in enumerate(state["rows"]) if place}
        for position in range(state["seen"]):
            row = self._next_row(position)
            if row is None:
                raise CheckpointError(
                    f"expected {state['seen']} examples, as when the state was saved, "
                    f"found {position}"
                )
            if position in places:
                i, begin = places[position]
                self._rows[i] = row._replace(begin=begin)
        self._position = state["seen"]
        self._state = self._upstream.state_dict()

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
        self._begin()


_END = object()
