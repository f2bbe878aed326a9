"""Reading columns from whole batches: by the native core, and by its twin where that decides."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from varlen import _native
from varlen.sequences import JaggedSequence, pad

from . import _twin
from ._kinds import FIELD_NUMBERS, string
from ._requests import Column, Place, Request
from ._serialized import Messages, SlicedMessages
from ._twin import MessageName


class ColumnReader:
    """Reads a column for each of some requests from serialized messages.

    The native core does it if it is there. What it refuses, the twin reads again: mostly to say
    what is wrong, and now and then because protobuf accepts what the core leaves to it.
    """

    def __init__(self, message: MessageName, requests: Sequence[Request]) -> None:
        self._message = message
        self.requests = tuple(requests)
        self._described = list(map(_described, self.requests))

    def read(
        self,
        serialized: Messages,
        place: Place,
        *,
        padded: bool = False,
        max_threads: int = 1,
    ) -> list[Column]:
        """The columns.

        Args:
            serialized: the messages.
            place: where a message came from, by its number.
            padded: lists whose steps have a size come as blocks.
            max_threads: that the native core may use.

        Raises:
            FeatureError: for the first message that is malformed or does not hold what is asked
                for.
        """
        columns = self._read_natively(serialized, place, padded, max_threads)
        if columns is None:
            columns = _twin.read_columns(self._message, self.requests, serialized, place)
        if padded:
            columns = [_padded(r, c) for r, c in zip(self.requests, columns, strict=True)]
        return columns

    def _read_natively(
        self, serialized: Messages, place: Place, padded: bool, max_threads: int
    ) -> list[Column] | None:
        if _native.decode_features is None:
            return None
        has_lists = self._message == "SequenceExample"
        messages = serialized.parts if isinstance(serialized, SlicedMessages) else serialized
        found = _native.decode_features(self._described, has_lists, messages, max_threads, padded)
        if isinstance(found, int):
            self._say_what_is_wrong(serialized, found, place)
            return None
        return [_as_column(r, *parts) for r, parts in zip(self.requests, found, strict=True)]

    def _say_what_is_wrong(self, serialized: Messages, number: int, place: Place) -> None:
        _twin.read_columns(
            self._message, self.requests, [serialized[number]], lambda _: place(number)
        )


def _described(request: Request) -> tuple[bool, bytes, int, int, bool]:
    # No message holds more values than that, so a larger size fails as well.
    size = -1 if request.size is None else min(request.size, 2**63 - 1)
    number = FIELD_NUMBERS[request.kind]
    return request.is_list, request.name.encode(), number, size, request.required


def _as_column(request: Request, values: Any, lengths: Any, step_lengths: Any) -> Column:
    if request.kind == string:
        values = np.array(values, object)
    return Column(values, lengths, step_lengths)


def _padded(request: Request, column: Column) -> Column:
    if not request.is_list or request.size is None or column.values.ndim == 3:
        return column
    lengths = np.maximum(column.lengths, 0)
    rows = column.values.reshape(lengths.sum(), request.size)
    filler = b"" if request.kind == string else 0
    return column._replace(values=pad(JaggedSequence(rows, lengths), padding_value=filler).data)


def num_processors() -> int:
    """How many threads this process may use."""
    return len(os.sched_getaffinity(0))
