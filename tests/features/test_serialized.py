"""Many messages in one buffer are as the same messages in a list."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from varlen import (
    FeatureError,
    FixedLenFeature,
    FixedLenSequenceFeature,
    RecordReader,
    RecordWriter,
    VarLenFeature,
    decode_sequence_examples,
    example,
    int64,
    parse_each_sequence_example,
    parse_example,
    parse_sequence_example,
    sequence_example,
    string,
)

SPECS = (
    {"id": FixedLenFeature([], int64), "name": VarLenFeature(string)},
    {"x": FixedLenSequenceFeature([], int64), "bag": VarLenFeature(int64)},
)
PARSERS = [
    parse_sequence_example,
    parse_each_sequence_example,
    decode_sequence_examples,
    lambda *arguments: decode_sequence_examples(*arguments, padded=True),
]
every_parser = pytest.mark.parametrize("parse", PARSERS)


class Block(NamedTuple):
    buffer: Any
    starts: Any
    lengths: Any

    def place(self, number: int) -> str:
        return f"message {number} of this block"


def messages(count):
    return [
        sequence_example(
            {"id": i, "name": [b"a"] * (i % 3)},
            {"x": list(range(i % 4)), "bag": [[], [i, -i]][: i % 3]},
        )
        for i in range(count)
    ]


def block_of(parts):
    lengths = np.array([len(part) for part in parts], np.int64)
    return Block(b"".join(parts), lengths.cumsum() - lengths, lengths)


def as_lists(value):
    if isinstance(value, dict):
        return {name: as_lists(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [as_lists(part) for part in value]
    return value.dtype, value.shape, value.tolist()


@every_parser
@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_block_is_as_a_list(parse, count):
    parts = messages(count)
    expected = as_lists(parse(parts, *SPECS))
    block = block_of(parts)
    assert as_lists(parse(block, *SPECS)) == expected
    array = np.frombuffer(block.buffer, np.uint8)
    assert as_lists(parse(block._replace(buffer=array), *SPECS)) == expected


def test_slices_may_come_in_any_order():
    parts = messages(5)
    block = block_of(parts)
    order = [3, 0, 3, 4]
    chosen = Block(block.buffer, block.starts[order], block.lengths[order])
    expected = parse_sequence_example([parts[i] for i in order], *SPECS)
    assert as_lists(parse_sequence_example(chosen, *SPECS)) == as_lists(expected)


def test_examples():
    parts = [example({"x": [i] * i}) for i in range(4)]
    spec = {"x": VarLenFeature(int64)}
    found = parse_example(block_of(parts), spec)
    assert as_lists(found) == as_lists(parse_example(parts, spec))


@every_parser
def test_blocks_of_a_file(parse, tmp_path):
    parts = messages(20)
    with RecordWriter(tmp_path / "x") as writer:
        writer.write_many(parts)
    with RecordReader(tmp_path / "x") as reader:
        (block,) = reader.blocks()
    assert as_lists(parse(block, *SPECS)) == as_lists(parse(parts, *SPECS))


@every_parser
def test_errors_name_file_and_byte(parse, tmp_path):
    bad = sequence_example({"id": 0}, {"x": [[1], [2, 3]], "bag": []})
    for record, problem, place in [
        (bad, "expected 1 int64 per step, found 2", r": feature_lists\.x\[1\]\n  the spec is "),
        (b"\xff", "expected a serialized SequenceExample, found 1 bytes that are not one", "$"),
    ]:
        with RecordWriter(tmp_path / "x") as writer:
            writer.write_many([*messages(2), record])
        byte = sum(16 + len(part) for part in messages(2))
        with RecordReader(tmp_path / "x") as reader:
            (block,) = reader.blocks()
        with pytest.raises(FeatureError, match=rf"^{problem}\n  at .*/x @ byte {byte}{place}"):
            parse(block, *SPECS)
    with pytest.raises(FeatureError, match="at c"):
        parse_sequence_example(block, *SPECS, example_names=["a", "b", "c"])


@every_parser
@pytest.mark.parametrize(
    ("start", "length"), [(-1, 1), (0, -1), (0, 9), (8, 1), (2**62, 2**62), (2**63 - 1, 1)]
)
def test_slices_outside_of_the_buffer(parse, start, length):
    block = Block(b"12345678", np.array([0, start]), np.array([8, length]))
    with pytest.raises(ValueError, match=rf"found message 1 with {length} bytes from {start} on"):
        parse(block, *SPECS)


def test_as_many_lengths_as_starts():
    block = Block(b"", np.array([0]), np.array([], np.int64))
    with pytest.raises(ValueError, match="expected as many lengths as starts, 1, found 0"):
        parse_sequence_example(block, *SPECS)
