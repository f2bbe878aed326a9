"""Items into any number of others each: none, one, or several."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from varlen.data._stage import StageIterator
from varlen.errors import CheckpointError


class PiecesIterator(StageIterator):
    """What `pieces_of` makes of each item of `upstream`, one after the other.

    The state is where the item stands upstream whose pieces are being handed out, and how many of
    them have been.
    """

    def __init__(self, upstream: StageIterator, pieces_of: Callable[[Any], Sequence[Any]]) -> None:
        self._upstream = upstream
        self._pieces_of = pieces_of
        self._begin()

    def _begin(self) -> None:
        self._state = self._upstream.state_dict()  # before the item of the pieces
        self._taken = 0
        self._left: deque[Any] = deque()

    def __next__(self) -> Any:
        if not self._left:
            self._state, self._left = self._next_pieces()
        piece = self._left.popleft()
        self._taken += 1
        if not self._left:
            self._begin()
        return piece

    def _next_pieces(self) -> tuple[dict[str, Any], deque[Any]]:
        while True:
            state = self._upstream.state_dict()
            pieces = self._pieces_of(next(self._upstream))
            if pieces:
                return state, deque(pieces)

    def state_dict(self) -> dict[str, Any]:
        return {"upstream": self._state, "taken": self._taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._upstream.load_state_dict(state["upstream"])
        self._begin()
        if not state["taken"]:
            return
        item = next(self._upstream, _END)
        pieces = [] if item is _END else self._pieces_of(item)
        if len(pieces) <= state["taken"]:
            raise CheckpointError(
                f"expected an item of more than {state['taken']} pieces, as when the state was "
                f"saved, found {len(pieces)}"
            )
        self._left = deque(pieces[state["taken"] :])
        self._state, self._taken = state["upstream"], state["taken"]

    def begin_epoch(self, epoch: int) -> None:
        self._upstream.begin_epoch(epoch)
        self._begin()


_END = object()
