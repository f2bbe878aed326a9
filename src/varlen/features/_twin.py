"""Reading columns through protobuf's own messages, which defines what the native reader does."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from google.protobuf.message import DecodeError

from varlen.errors import FeatureError

from ._kinds import FIELDS, field_name
from ._messages import EntriesExample, EntriesSequenceExample, by_name
from ._requests import Column, Place, Request, mismatch, missing

MessageName = Literal["Example", "SequenceExample"]
# Where a message came from; only asked for when something is wrong.
Where = Callable[[], str | None]

_MESSAGES = {"Example": EntriesExample, "SequenceExample": EntriesSequenceExample}


def read_columns(
    message: MessageName,
    requests: Sequence[Request],
    serialized: Sequence[bytes | bytearray | memoryview],
    place: Place,
) -> list[Column]:
    """A column for each request.

    Raises:
        FeatureError: for the first message that is malformed or does not hold what is asked for.
    """
    collected = [_Collected(request) for request in requests]
    for number, data in enumerate(serialized):
        where = partial(place, number)
        sections = _sections(message, bytes(data), where)
        for column in collected:
            column.take(sections[column.request.section], where)
    return [column.finish() for column in collected]


def _sections(message: MessageName, data: bytes, where: Where) -> dict[str, dict[str, Any]]:
    """By section, the features or lists by name. Of several of one name, the last."""
    try:
        decoded = _MESSAGES[message].FromString(data)
    except DecodeError:
        raise FeatureError(
            f"expected a serialized {message}, found {len(data)} bytes that are not one", at=where()
        ) from None
    if message == "Example":
        return {"features": by_name(decoded.features.feature)}
    return {
        "context": by_name(decoded.context.feature),
        "feature_lists": by_name(decoded.feature_lists.feature_list),
    }


class _Collected:
    """A column in the making."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.values: list[Any] = []
        self.lengths: list[int] = []
        self.step_lengths: list[int] = []

    def take(self, entries: dict[str, Any], where: Where) -> None:
        found = entries.get(self.request.name)
        if found is None and self.request.required:
            raise missing(self.request, entries, where())
        if found is None:
            self.lengths.append(-1)
        elif self.request.is_list:
            self._take_steps(found.feature, where)
        else:
            self._take_feature(found, where)

    def finish(self) -> Column:
        return Column(
            np.array(self.values, self.request.kind),
            np.array(self.lengths, np.int64),
            np.array(self.step_lengths, np.int64),
        )

    def _take_feature(self, feature: Any, where: Where) -> None:
        values = self._values(feature, where, step=None)
        if values is None and self.request.required:
            raise mismatch(self.request, "no values of any kind", where())
        if values is not None and self.request.size not in (None, len(values)):
            raise mismatch(self.request, str(len(values)), where())
        self.lengths.append(-1 if values is None else len(values))
        self.values.extend(values or ())

    def _take_steps(self, steps: Any, where: Where) -> None:
        size = self.request.size
        for number, feature in enumerate(steps):
            values = self._values(feature, where, step=number)
            if values is None and size is not None:
                raise mismatch(self.request, field_name(None), where(), step=number)
            found = 0 if values is None else len(values)
            if size not in (None, found):
                raise mismatch(self.request, str(found), where(), step=number)
            if size is None:
                self.step_lengths.append(found)
            self.values.extend(values or ())
        self.lengths.append(len(steps))

    def _values(self, feature: Any, where: Where, *, step: int | None) -> Any:
        """Those of the wanted kind; None if there is no kind."""
        kind, field = feature.WhichOneof("kind"), FIELDS[self.request.kind]
        if kind not in (None, field):
            raise mismatch(self.request, field_name(kind), where(), step=step)
        return None if kind is None else getattr(feature, field).value
