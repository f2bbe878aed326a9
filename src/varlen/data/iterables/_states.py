"""`batch_sequences_with_states`: long sequences in segments, for truncated backpropagation."""

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from varlen.data._stack import Array
from varlen.data.iterables._blocks import Blocks
from varlen.data.iterables._segments import SegmentedSequence
from varlen.data.iterables._state_batch import (
    NextQueuedSequenceBatch,
    Saver,
    StatefulSequence,
)
from varlen.errors import check_integer

_OWNER = "batch_sequences_with_states"


def batch_sequences_with_states(
    tensors: Iterable[Any],
    input_key: Callable[[Any], str | bytes],
    input_sequences: Callable[[Any], Mapping[str, Any]],
    input_context: Callable[[Any], Mapping[str, Any]] | None,
    input_length: Callable[[Any], int] | None,
    initial_states: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]],
    num_unroll: int,
    batch_size: int,
    capacity: int = 1000,
    allow_small_batch: bool = True,
    pad: bool = True,
    make_keys_unique: bool = False,
    make_keys_unique_seed: int | None = None,
) -> Iterator[NextQueuedSequenceBatch]:
    """Cuts sequences into segments of `num_unroll` steps, whose states go from one to the next.

    For truncated backpropagation: each segment is in another batch than the one before it, and
    begins with the state that was saved for it. As TensorFlow's function of that name in
    `tf.contrib.training`, without its threads; what that takes as tensors are functions here, of an
    element that `tensors` gives. A batch is a state saver for `varlen.static_state_saving_rnn`.

        >>> sequences = {"a": [1, 2, 3, 4, 5], "b": [6, 7]}
        >>> batches = batch_sequences_with_states(
        ...     sequences.items(), input_key=lambda item: item[0],
        ...     input_sequences=lambda item: {"x": item[1]}, input_context=None, input_length=None,
        ...     initial_states={"sum": 0}, num_unroll=3, batch_size=2)
        >>> for batch in batches:
        ...     sums = batch.state("sum") + batch.sequences["x"].sum(axis=1)
        ...     batch.save_state("sum", sums)
        ...     print(batch.next_key, sums)
        ['00001_of_00002:a' 'STOP:b'] [ 6 13]
        ['STOP:a'] [15]

    A segment is ready when the states of the one before it were all saved. A batch has the first
    segments that are ready, in the order in which their sequences came; elements are asked for only
    when too few are. Batches and their `save_state` may be used by several threads.

    Args:
        tensors: gives the elements.
        input_key: the key of a sequence, a string; no two that are on their way may share it.
        input_sequences: its arrays `[steps, ...]` by name, with equal numbers of steps.
        input_context: what belongs to the whole sequence, by name; None for nothing.
        input_length: how many of its steps count; None for all.
        initial_states: the states with which it begins, without batch axis, by name: a function,
            or one dict for all.
        num_unroll: steps of a segment.
        batch_size: segments in a batch.
        capacity: how many sequences may be on their way.
        allow_small_batch: False ends when too few are left for a batch.
        pad: fill up the last segment with 0, False or empty strings; False makes a number of steps
            that is no multiple of `num_unroll` an error.
        make_keys_unique: put a random number behind each key.
        make_keys_unique_seed: the same seed gives the same numbers.

    Returns:
        An iterator over `NextQueuedSequenceBatch`. It raises a RuntimeError when there can be no
        further batch before `save_state` was called for earlier ones.

    Raises:
        TypeError: numbers that are not integers, states that are not in a dict, names that are not
            strings; while iterating, the same for the other parts, keys that are not strings, or
            values that change their dtype.
        ValueError: numbers below 1, less capacity than one batch needs, no states, a name with a
            colon; while iterating, no sequences, sequences that are empty or of unequal length, a
            length that is larger, a key that is on its way already, or states or contexts that
            differ in names or shape.
    """
    check_integer(num_unroll, f"{_OWNER}: num_unroll", at_least=1)
    check_integer(batch_size, f"{_OWNER}: batch_size", at_least=1)
    check_integer(capacity, f"{_OWNER}: capacity", at_least=batch_size)
    if not callable(initial_states):
        _check_parts(f"{_OWNER}: initial_states", initial_states, at_least=1)
    cut = _Cutter(
        input_key,
        input_sequences,
        input_length,
        num_unroll=num_unroll,
        pad=pad,
        chance=random.Random(make_keys_unique_seed) if make_keys_unique else None,
    )

    def sequence_of(numbered: tuple[int, Any]) -> StatefulSequence:
        number, element = numbered
        return StatefulSequence(
            cut(number, element),
            _part(f"element {number}: input_context", input_context, element),
            _part(f"element {number}: initial_states", initial_states, element, at_least=1),
        )

    return _StateBatches(
        # A map, which goes on behind an element that is refused.
        map(sequence_of, enumerate(tensors)),
        batch_size,
        capacity,
        allow_small_batch=allow_small_batch,
    )


class _Cutter:
    """Makes sequences in segments of elements."""

    def __init__(
        self,
        input_key: Callable[[Any], Any],
        input_sequences: Callable[[Any], Any],
        input_length: Callable[[Any], Any] | None,
        *,
        num_unroll: int,
        pad: bool,
        chance: random.Random | None,
    ) -> None:
        self._key = input_key
        self._sequences = input_sequences
        self._length = input_length
        self._num_unroll = num_unroll
        self._pad = pad
        self._chance = chance

    def __call__(self, number: int, element: Any) -> SegmentedSequence:
        place = f"element {number}"
        sequences = _part(f"{place}: input_sequences", self._sequences, element, at_least=1)
        return SegmentedSequence(
            place,
            number,
            self._unique(self._key(element)),
            sequences,
            None if self._length is None else self._length(element),
            num_unroll=self._num_unroll,
            pad=self._pad,
        )

    def _unique(self, key: Any) -> Any:
        if self._chance is None or not isinstance(key, str | bytes):
            return key
        suffix = f":{self._chance.getrandbits(63)}"
        return key + suffix.encode() if isinstance(key, bytes) else key + suffix


class _StateBatches(Iterator[NextQueuedSequenceBatch]):
    def __init__(
        self,
        parts: Iterator[StatefulSequence],
        batch_size: int,
        capacity: int,
        *,
        allow_small_batch: bool,
    ) -> None:
        self._parts = parts
        self._batch_size = batch_size
        self._capacity = capacity
        self._allow_small_batch = allow_small_batch
        self._lock = threading.RLock()
        self._on_their_way: dict[str | bytes, StatefulSequence] = {}  # in the order of arrival
        self._sequence_blocks = Blocks(dynamic_pad=False)
        self._context_blocks = Blocks(dynamic_pad=False)
        self._first: StatefulSequence | None = None

    def __next__(self) -> NextQueuedSequenceBatch:
        with self._lock:
            parts = self._ready()
            if len(parts) < self._batch_size and not (parts and self._allow_small_batch):
                raise StopIteration
            batch = self._batch(parts)
            for part in parts:
                part.is_ready = False
                if part.sequence.is_at_end():
                    del self._on_their_way[part.sequence.key]
            return batch

    def _ready(self) -> list[StatefulSequence]:
        """The first parts that are ready; fewer than a batch has only at the end."""
        ready = [part for part in self._on_their_way.values() if part.is_ready][: self._batch_size]
        while len(ready) < self._batch_size:
            if len(self._on_their_way) == self._capacity:
                self._refuse_to_wait()
            part = next(self._parts, None)
            if part is None:
                if len(ready) < len(self._on_their_way):
                    self._refuse_to_wait()
                break
            self._add(part)
            ready.append(part)
        return ready

    def _refuse_to_wait(self) -> None:
        waiting = next(part for part in self._on_their_way.values() if not part.is_ready)
        missing = sorted(waiting.states.keys() - waiting.saved.keys())
        raise RuntimeError(
            f"{_OWNER}: expected the state {missing[0]!r} of segment "
            f"{waiting.sequence.segment_key()!r}, without which there is no further batch, found "
            "none\n  call batch.save_state for each state, before the next batch"
        )

    def _add(self, part: StatefulSequence) -> None:
        sequence = part.sequence
        if sequence.key in self._on_their_way:
            other = self._on_their_way[sequence.key].sequence
            raise ValueError(
                f"element {sequence.number}: input_key: {sequence.key!r} is the key of element "
                f"{other.number}, which is still on its way; make_keys_unique=True tells them apart"
            )
        if self._first is None:
            self._first = part
        _check_like(self._first, part)
        self._on_their_way[sequence.key] = part

    def _batch(self, parts: Sequence[StatefulSequence]) -> NextQueuedSequenceBatch:
        sequences = [part.sequence for part in parts]
        states = {name: _stacked([part.states[name] for part in parts]) for name in parts[0].states}
        contexts = [(part.sequence.number, part.context) for part in parts]
        return NextQueuedSequenceBatch(
            key=_strings([s.segment_key() for s in sequences]),
            next_key=_strings([s.next_key() for s in sequences]),
            sequences=self._sequence_blocks.batch([(s.number, s.segment()) for s in sequences]),
            context=self._context_blocks.batch(contexts) if parts[0].context else {},
            length=np.array([s.length() for s in sequences], np.int32),
            total_length=np.array([s.total_length for s in sequences], np.int32),
            sequence=np.array([s.position for s in sequences], np.int32),
            sequence_count=np.array([s.count for s in sequences], np.int32),
            batch_size=len(parts),
            _states=states,
            _save=Saver(self._lock, parts, states).save,
        )


def _part(argument: str, of: Any, element: Any, *, at_least: int = 0) -> Mapping[str, Any]:
    """What a user's function says about an element, or the same for all."""
    if of is None:
        return {}
    found = of(element) if callable(of) else of
    _check_parts(argument, found, at_least=at_least)
    return found  # type: ignore[no-any-return]


def _check_parts(argument: str, parts: Any, *, at_least: int) -> None:
    if not isinstance(parts, Mapping):
        raise TypeError(f"{argument}: expected a dict, found {parts!r}")
    if len(parts) < at_least:
        raise ValueError(f"{argument}: expected at least one, found none")
    for name in parts:
        if not isinstance(name, str):
            raise TypeError(f"{argument}: expected names that are strings, found {name!r}")
        if ":" in name:
            raise ValueError(f"{argument}: expected names without a colon, found {name!r}")


def _check_like(first: StatefulSequence, part: StatefulSequence) -> None:
    place, other = f"element {part.sequence.number}", f"element {first.sequence.number}"
    for what, names, expected in (
        ("initial_states", part.states, first.states),
        ("input_context", part.context, first.context),
    ):
        if names.keys() != expected.keys():
            raise ValueError(
                f"{place}: {what}: expected {sorted(expected)}, as in {other}, "
                f"found {sorted(names)}"
            )
    for name, value in part.states.items():
        like = first.states[name]
        if value.shape != like.shape:
            raise ValueError(
                f"{place}: initial_states[{name!r}]: expected shape {tuple(like.shape)}, as in "
                f"{other}, found {tuple(value.shape)}"
            )
        if value.dtype != like.dtype:  # no dtype of torch's equals one of NumPy's
            raise TypeError(
                f"{place}: initial_states[{name!r}]: expected {like.dtype}, as in {other}, "
                f"found {value.dtype}"
            )


def _stacked(rows: Sequence[Any]) -> Any:
    return torch.stack(list(rows)) if isinstance(rows[0], torch.Tensor) else np.stack(rows)


def _strings(keys: Sequence[str | bytes]) -> Array:
    return np.array(keys, object)
