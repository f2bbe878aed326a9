"""Serialized messages as callers have them: a list of bytes, or many in one buffer."""

from collections.abc import Sequence
from typing import Any, Protocol, overload, runtime_checkable

import numpy as np
import numpy.typing as npt

from ._checks import place_of
from ._requests import Place

_BYTES_TYPES = (bytes, bytearray, memoryview)


@runtime_checkable
class MessageBlock(Protocol):
    """Messages in one buffer, as a `varlen.records.RecordBlock` has them."""

    @property
    def buffer(self) -> Any:
        """Bytes, or an array of uint8."""

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where in `buffer` each message starts."""

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """How many bytes each message has."""

    def place(self, number: int) -> str:
        """Where the message of this number came from, for error messages."""


Serialized = Sequence[bytes | bytearray | memoryview] | npt.NDArray[Any] | MessageBlock


class SlicedMessages(Sequence[memoryview]):
    """The messages of a block, none of which is copied.

    Attributes:
        parts: buffer, starts and lengths, as the native core takes them.
    """

    def __init__(self, block: MessageBlock) -> None:
        starts, lengths = (np.ascontiguousarray(a, np.int64) for a in (block.starts, block.lengths))
        self._bytes = memoryview(block.buffer).cast("B")
        if len(starts) != len(lengths):
            raise ValueError(
                f"serialized: expected as many lengths as starts, {len(starts)}, "
                f"found {len(lengths)}"
            )
        outside = np.flatnonzero(
            (starts < 0) | (lengths < 0) | (lengths > len(self._bytes) - starts)
        )
        if len(outside):
            number = outside[0]
            raise ValueError(
                f"serialized: expected messages within the {len(self._bytes)} bytes of the buffer, "
                f"found message {number} with {lengths[number]} bytes from {starts[number]} on"
            )
        self.parts = block.buffer, starts, lengths

    def __len__(self) -> int:
        return len(self.parts[1])

    @overload
    def __getitem__(self, number: int) -> memoryview: ...

    @overload
    def __getitem__(self, number: slice) -> list[memoryview]: ...

    def __getitem__(self, number: int | slice) -> memoryview | list[memoryview]:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        _, starts, lengths = self.parts
        return self._bytes[starts[number] : starts[number] + lengths[number]]


Messages = list[Any] | SlicedMessages


def check_many(serialized: Any) -> None:
    """Refuses one message where several are expected.

    Raises:
        TypeError: `serialized` is text or bytes.
    """
    if isinstance(serialized, str | bytes | bytearray | memoryview):
        raise TypeError(f"serialized: expected a list of bytes, found {type(serialized).__name__}")


def as_messages(
    serialized: Serialized, example_names: Sequence[str] | None
) -> tuple[Messages, Place]:
    """The messages of a batch, and where each one came from.

    Raises:
        TypeError: `serialized` is something else.
        ValueError: a block with slices outside of its buffer, or not one name for each message.
    """
    # To ask of a list whether it is a block takes longer than to decode some messages.
    if not isinstance(serialized, list) and isinstance(serialized, MessageBlock):
        sliced = SlicedMessages(serialized)
        named = example_names is not None
        return sliced, place_of(example_names, len(sliced)) if named else serialized.place
    check_many(serialized)
    if not isinstance(serialized, Sequence | np.ndarray):
        raise TypeError(f"serialized: expected a list of bytes, found {type(serialized).__name__}")
    messages = list(serialized)
    for kind in set(map(type, messages)):
        if not issubclass(kind, _BYTES_TYPES):
            raise TypeError(f"serialized: expected a list of bytes, found {kind.__name__} in it")
    return messages, place_of(example_names, len(messages))
