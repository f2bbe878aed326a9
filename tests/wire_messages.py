"""Strategies for the bytes of messages as any writer, old, new or hostile, might have made them.

Fields come in any order, with unknown ones between them; messages come in pieces, keys and kinds
more than once, values packed and not, varints longer than they need be; and some bytes are then
changed, cut or put in.
"""

import struct

from hypothesis import strategies as st

NAMES = [b"", b"a", b"b", "é".encode()]
INT64S = st.one_of(st.integers(0, 300), st.integers(-(2**63), 2**63 - 1))
FLOAT32S = st.floats(width=32)


def varint(value: int, *, padding: int = 0) -> bytes:
    """A varint, with `padding` bytes more than it needs."""
    value &= 2**64 - 1
    parts = []
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    if padding:
        parts[-1] |= 0x80
        parts.extend([0x80] * (padding - 1) + [0])
    return bytes(parts)


def tag(field: int, wire_type: int, *, padding: int = 0) -> bytes:
    return varint(field << 3 | wire_type, padding=padding)


def delimited(field: int, body: bytes, *, padding: int = 0) -> bytes:
    return tag(field, 2, padding=padding) + varint(len(body), padding=padding) + body


FIELD_NUMBERS = st.sampled_from([1, 2, 3, 4, 5, 15, 16, 100, 2**29 - 1])
# Types 4, 6 and 7 are malformed there, and types 3 and 4 the ends of a group.
WIRE_TYPES = st.sampled_from([0, 1, 2, 5] * 6 + [3, 3, 4, 6, 7])
PADDINGS = st.sampled_from([0] * 40 + [1, 1, 1, 2, 4, 8])


@st.composite
def unknown_fields(draw: st.DrawFn) -> bytes:
    field, wire_type = draw(FIELD_NUMBERS), draw(WIRE_TYPES)
    head = tag(field, wire_type, padding=draw(PADDINGS))
    if wire_type == 0:
        return head + varint(draw(INT64S), padding=draw(st.integers(0, 1)))
    if wire_type in (1, 5):
        size = 8 if wire_type == 1 else 4
        return head + draw(st.binary(min_size=size, max_size=size))
    if wire_type == 2:
        body = draw(st.binary(max_size=4))
        return head + varint(len(body)) + body
    if wire_type == 3:
        return head + varint(draw(st.integers(0, 20))) + tag(field, 4)
    return head


def mixed(fields: st.SearchStrategy[bytes], *, max_size: int = 3) -> st.SearchStrategy[bytes]:
    """Some fields in a row, now and then with an unknown one among them."""
    any_field = st.integers(0, 15).flatmap(lambda n: fields if n else unknown_fields())
    return st.lists(any_field, max_size=max_size).map(b"".join)


@st.composite
def fields(draw: st.DrawFn, number: int, bodies: st.SearchStrategy[bytes]) -> bytes:
    return delimited(number, draw(bodies), padding=draw(PADDINGS))


@st.composite
def int64_values(draw: st.DrawFn) -> bytes:
    values = draw(st.lists(INT64S, max_size=4))
    if draw(st.integers(0, 3)):
        return delimited(1, b"".join(map(varint, values)))
    return b"".join(tag(1, 0) + varint(v, padding=draw(st.integers(0, 1))) for v in values)


@st.composite
def float_values(draw: st.DrawFn) -> bytes:
    packed = [struct.pack("<f", v) for v in draw(st.lists(FLOAT32S, max_size=4))]
    if draw(st.integers(0, 3)):
        return delimited(1, b"".join(packed))
    return b"".join(tag(1, 5) + value for value in packed)


BYTES_VALUES = st.binary(max_size=4).map(lambda value: delimited(1, value))
LISTS = st.one_of(
    fields(1, mixed(BYTES_VALUES)),
    fields(2, mixed(float_values())),
    fields(3, mixed(int64_values())),
    fields(3, mixed(int64_values(), max_size=1)),
)
FEATURES = st.one_of(LISTS, LISTS, mixed(LISTS))
FEATURE_LISTS = mixed(fields(1, FEATURES), max_size=4)
KEYS = st.integers(0, 30).flatmap(lambda n: st.sampled_from(NAMES) if n else st.binary(max_size=3))


@st.composite
def entries(draw: st.DrawFn, bodies: st.SearchStrategy[bytes]) -> bytes:
    if draw(st.integers(0, 3)):
        return delimited(1, delimited(1, draw(KEYS)) + delimited(2, draw(bodies)))
    return delimited(1, draw(mixed(st.one_of(fields(1, KEYS), fields(2, bodies)), max_size=4)))


MESSAGES = mixed(
    st.one_of(
        fields(1, mixed(entries(FEATURES), max_size=4)),
        fields(2, mixed(entries(FEATURE_LISTS), max_size=4)),
    )
)


@st.composite
def mutated(draw: st.DrawFn, messages: st.SearchStrategy[bytes] = MESSAGES) -> bytes:
    """A message in which up to three bytes were changed, put in or left out, or the end cut."""
    data = bytearray(draw(messages))
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3]))):
        at = draw(st.integers(0, len(data)))
        action = draw(st.sampled_from(["change", "insert", "cut"]))
        if action == "insert":
            data.insert(at, draw(st.integers(0, 255)))
        elif action == "cut":
            del data[at:]
        elif at < len(data):
            data[at : at + 1] = bytes(draw(st.lists(st.integers(0, 255), max_size=1)))
    return bytes(data)
