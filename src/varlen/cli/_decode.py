"""Records as messages."""

from typing import Any

from google.protobuf.message import DecodeError

from varlen.errors import FeatureError
from varlen.features import SequenceExample
from varlen.records import Record


def decode(record: Record) -> Any:
    """The message of a record; an Example comes as a SequenceExample with a context only.

    Raises:
        FeatureError: the bytes are neither.
    """
    try:
        return SequenceExample.FromString(record.data)
    except DecodeError as error:
        raise FeatureError(
            "the record is no SequenceExample and no Example",
            at=record.place,
        ) from error
