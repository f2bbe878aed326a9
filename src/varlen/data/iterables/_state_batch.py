"""A batch of segments, and the way of states from one segment to the next."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from varlen.data._stack import Array
from varlen.data.iterables._segments import SegmentedSequence


class StatefulSequence:
    """A sequence on its way, with its context and its states."""

    def __init__(
        self, sequence: SegmentedSequence, context: Mapping[str, Any], states: Mapping[str, Any]
    ) -> None:
        self.sequence = sequence
        self.context = context
        self.states = {name: _as_state(value) for name, value in states.items()}
        self.saved: dict[str, Any] = {}
        self.is_ready = True

    def save(self, name: str, value: Any) -> None:
        """Keeps a state for the next segment, which is ready when it has them all."""
        self.saved[name] = value
        if self.saved.keys() == self.states.keys():
            self.states, self.saved = self.saved, {}
            self.sequence.position += 1
            self.is_ready = True


@dataclass(frozen=True, eq=False)
class NextQueuedSequenceBatch:
    """Segments side by side, and the states with which they begin.

    Attributes:
        key: of each segment, strings `[batch]`: `"00001_of_00003:name"`.
        next_key: of the segments after them, or `"STOP:name"`.
        sequences: `[batch, num_unroll, ...]` by name.
        context: `[batch, ...]` by name.
        length: how many steps of each segment count, int32 `[batch]`.
        total_length: how many steps of each sequence count, int32 `[batch]`.
        sequence: the number of the segment in its sequence, int32 `[batch]`.
        sequence_count: the number of segments of the sequence, int32 `[batch]`.
        batch_size: how many segments there are.
    """

    key: Array
    next_key: Array
    sequences: dict[str, Any]
    context: dict[str, Any]
    length: Array
    total_length: Array
    sequence: Array
    sequence_count: Array
    batch_size: int
    _states: dict[str, Any]
    _save: Callable[[str, Any], None]

    def state(self, state_name: str) -> Any:
        """The state of that name with which the segments begin, `[batch, ...]`.

        Raises:
            KeyError: no such state.
        """
        _check_name(state_name, self._states)
        return self._states[state_name]

    def save_state(self, state_name: str, value: Any) -> None:
        """Takes the state with which the next segments begin; those of ended sequences are dropped.

        A gradient ends here: tensors are detached.

        Args:
            state_name: the same as in `state`.
            value: `[batch, ...]`, of the shape and dtype of the state.

        Raises:
            KeyError: no such state.
            TypeError: another dtype.
            ValueError: another shape, or the state was saved already.
        """
        _check_name(state_name, self._states)
        self._save(state_name, value)


class Saver:
    """Takes the states of a batch for the segments that come next.

    Args:
        lock: guards the sequences.
        parts: the sequences of the batch.
        states: with which its segments began.
    """

    def __init__(
        self, lock: threading.RLock, parts: Sequence[StatefulSequence], states: Mapping[str, Any]
    ) -> None:
        self._lock = lock
        self._parts = parts
        self._like = {name: (value.shape, _dtype_of(value)) for name, value in states.items()}
        self._is_tensor = {n: isinstance(value, torch.Tensor) for n, value in states.items()}
        self._saved: set[str] = set()

    def save(self, name: str, value: Any) -> None:
        """As `NextQueuedSequenceBatch.save_state`, of a state that there is."""
        shape, dtype = self._like[name]
        rows = value.detach() if isinstance(value, torch.Tensor) else np.asarray(value)
        if tuple(rows.shape) != tuple(shape):
            raise ValueError(
                f"save_state: {name!r}: expected shape {tuple(shape)}, found {tuple(rows.shape)}"
            )
        if _dtype_of(rows) != dtype:
            raise TypeError(f"save_state: {name!r}: expected {dtype}, found {_dtype_of(rows)}")
        kept = _copied(rows, as_tensor=self._is_tensor[name])
        with self._lock:
            if name in self._saved:
                raise ValueError(f"save_state: {name!r}: this batch's was saved already")
            self._saved.add(name)
            for part, row in zip(self._parts, kept, strict=True):
                if not part.sequence.is_at_end():
                    part.save(name, row)


def _check_name(name: str, states: Mapping[str, Any]) -> None:
    if name not in states:
        raise KeyError(f"no state named {name!r}; there are {sorted(states)}")


def _as_state(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else np.asarray(value)


def _copied(rows: Any, *, as_tensor: bool) -> Any:
    if as_tensor:
        return torch.as_tensor(rows).clone()
    return np.array(rows.cpu() if isinstance(rows, torch.Tensor) else rows)


def _dtype_of(value: Any) -> str:
    return str(value.dtype).removeprefix("torch.")
