"""One long sequence in segments, each of which begins with the state that the one before left."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from varlen.data._stack import Array, as_array, default_padding
from varlen.errors import check_integer

Key = str | bytes


class SegmentedSequence:
    """A sequence that is on its way, segment by segment.

    Args:
        place: names the sequence in messages.
        number: its place in the order of arrival.
        key: its name.
        sequences: `[steps, ...]` by name, with equal numbers of steps.
        length: how many steps count, or None for all.
        num_unroll: steps of a segment.
        pad: whether the last segment is filled up, or must be full.

    Raises:
        TypeError: a key that is no string, or a length that is no integer.
        ValueError: sequences without steps or of unequal length, a number of steps that is no
            multiple, or a length that is negative or larger than the sequence.
    """

    def __init__(
        self,
        place: str,
        number: int,
        key: Any,
        sequences: Mapping[str, Any],
        length: Any,
        *,
        num_unroll: int,
        pad: bool,
    ) -> None:
        if not isinstance(key, str | bytes):
            raise TypeError(f"{place}: input_key: expected a string, found {key!r}")
        self.number = number
        self.key: Key = key
        self._num_unroll = num_unroll
        steps = _num_steps(place, sequences)
        if not pad and steps % num_unroll:
            raise ValueError(
                f"{place}: expected a multiple of num_unroll, {num_unroll} steps, found {steps}; "
                "pad=True fills up the last segment"
            )
        self.count = -(-steps // num_unroll)
        self.position = 0
        self._sequences = {
            name: _with_steps(value, self.count * num_unroll) for name, value in sequences.items()
        }
        self.total_length = steps if length is None else length
        check_integer(self.total_length, f"{place}: input_length", at_least=0)
        if self.total_length > self.count * num_unroll:
            raise ValueError(
                f"{place}: input_length: expected at most the {self.count * num_unroll} steps that "
                f"there are, found {self.total_length}"
            )

    def is_at_end(self) -> bool:
        """Whether this is the last segment."""
        return self.position == self.count - 1

    def segment(self) -> dict[str, Any]:
        """The steps of this segment, `[num_unroll, ...]` by name."""
        start = self.position * self._num_unroll
        return {
            n: values[start : start + self._num_unroll] for n, values in self._sequences.items()
        }

    def length(self) -> int:
        """How many steps of this segment count."""
        left = int(self.total_length) - self.position * self._num_unroll
        return min(max(left, 0), self._num_unroll)

    def segment_key(self) -> Key:
        """The name of this segment."""
        return self._key_at(self.position)

    def next_key(self) -> Key:
        """The name of the next segment, or what says that there is none."""
        if self.is_at_end():
            return _prefixed("STOP", self.key)
        return self._key_at(self.position + 1)

    def _key_at(self, position: int) -> Key:
        return _prefixed(f"{position:05d}_of_{self.count:05d}", self.key)


def _prefixed(prefix: str, key: Key) -> Key:
    return f"{prefix}:".encode() + key if isinstance(key, bytes) else f"{prefix}:{key}"


def _num_steps(place: str, sequences: Mapping[str, Any]) -> int:
    sizes: dict[str, int] = {}
    for name, value in sequences.items():
        sizes[name] = _size(f"{place}: input_sequences[{name!r}]", value)
        first = next(iter(sizes))
        if sizes[name] != sizes[first]:
            raise ValueError(
                f"{place}: input_sequences[{name!r}]: expected {sizes[first]} steps, as in "
                f"{first!r}, found {sizes[name]}"
            )
    steps = next(iter(sizes.values()))
    if not steps:
        raise ValueError(f"{place}: expected at least one step, found an empty sequence")
    return steps


def _size(what: str, value: Any) -> int:
    shape = as_array(value, lambda _: what, 0).shape
    if not shape:
        raise ValueError(f"{what}: expected steps, found a scalar")
    return int(shape[0])


def _with_steps(value: Any, steps: int) -> Any:
    """The values with zeros behind them, a tensor if they are one."""
    array = as_array(value, lambda _: "", 0)
    if len(array) < steps:
        filler: Array = np.full(
            (steps - len(array), *array.shape[1:]),
            default_padding(array.dtype, [array]),
            array.dtype,
        )
        array = np.concatenate([array, filler])
    return torch.from_numpy(array) if isinstance(value, torch.Tensor) else array
