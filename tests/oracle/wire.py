"""Messages on which TensorFlow's two readers agree, and the plain form of those they differ on.

`parse_example`, `parse_single_example` and `parse_sequence_example` of TensorFlow 1.15 use a
scanner of their own, which refuses or misreads what it does not expect: unknown fields in most
places, values before keys, lists in pieces (Q24). Here the general rules of protobuf hold
everywhere, as they do in TensorFlow's `parse_single_sequence_example`.
"""

from collections.abc import Iterator

from google.protobuf.message import DecodeError

from varlen.features import Example, SequenceExample
from varlen.features._messages import EntriesExample, EntriesSequenceExample, by_name


class NotPlain(Exception):  # noqa: N818 - not an error
    """Bytes that the two readers may read differently."""


def is_plain(data: bytes, message: str) -> bool:
    """Whether both readers must make the same of a message, be it an error."""
    try:
        _check_message(data, has_lists=message == "SequenceExample")
    except NotPlain:
        return False
    return True


def plain_form(data: bytes, message: str) -> bytes | None:
    """What a message says by the general rules, as writers write it; None if it is no message."""
    plain, entries = {
        "Example": (Example, EntriesExample),
        "SequenceExample": (SequenceExample, EntriesSequenceExample),
    }[message]
    try:
        decoded = entries.FromString(data)
    except DecodeError:
        return None
    made = plain()
    for field in plain.DESCRIPTOR.fields:
        (entries_field,) = field.message_type.fields
        target = getattr(getattr(made, field.name), entries_field.name)
        for key, value in by_name(
            getattr(getattr(decoded, field.name), entries_field.name)
        ).items():
            value.DiscardUnknownFields()
            target[key].MergeFromString(value.SerializeToString())
    return made.SerializeToString()


def _check_message(data: bytes, *, has_lists: bool) -> None:
    known = {1, 2} if has_lists else {1}
    seen = set()
    for field, wire_type, body in _fields(data):
        if field not in known:
            continue
        if wire_type != 2 or field in seen:
            raise NotPlain
        seen.add(field)
        _check_entries(body, are_lists=field == 2)


def _check_entries(data: bytes, *, are_lists: bool) -> None:
    keys = set()
    for entry in _only_delimited(data, 1):
        parts = list(_fields(entry))
        if [part[:2] for part in parts] != [(1, 2), (2, 2)]:
            raise NotPlain
        key, value = parts[0][2], parts[1][2]
        if key in keys or not _is_utf8(key):
            raise NotPlain
        keys.add(key)
        for feature in _only_delimited(value, 1) if are_lists else [value]:
            _check_feature(feature)


def _check_feature(data: bytes) -> None:
    lists = list(_fields(data))
    if not lists:
        return
    ((field, wire_type, body),) = lists if len(lists) == 1 else (_not_plain(),)
    if field > 3 or wire_type != 2:
        raise NotPlain
    values = list(_fields(body))
    packed = field > 1 and any(wire_type == 2 for _, wire_type, _ in values)
    expected = 2 if field == 1 or packed else {2: 5, 3: 0}[field]
    if any(part[:2] != (1, expected) for part in values) or (packed and len(values) > 1):
        raise NotPlain
    if packed and field == 2 and len(values[0][2]) % 4:
        raise NotPlain
    if packed and field == 3:
        _check_varints(values[0][2])


def _check_varints(data: bytes) -> None:
    while data:
        _, data = _varint(data)


def _only_delimited(data: bytes, number: int) -> Iterator[bytes]:
    for field, wire_type, body in _fields(data):
        if (field, wire_type) != (number, 2):
            raise NotPlain
        yield body


def _fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    while data:
        tag, data = _varint(data)
        field, wire_type = tag >> 3, tag & 7
        if wire_type == 0:
            _, rest = _varint(data)
        elif wire_type in (1, 5):
            rest = data[8 if wire_type == 1 else 4 :]
        elif wire_type == 2:
            size, data = _varint(data)
            rest = data[size:]
            if size > len(data):
                raise NotPlain
        else:
            raise NotPlain
        if field == 0 or (wire_type in (1, 5) and len(data) < (8 if wire_type == 1 else 4)):
            raise NotPlain
        yield field, wire_type, data[: len(data) - len(rest)]
        data = rest


def _varint(data: bytes) -> tuple[int, bytes]:
    value = 0
    for i, byte in enumerate(data[:10]):
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, data[i + 1 :]
    raise NotPlain


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _not_plain() -> tuple[int, int, bytes]:
    raise NotPlain
