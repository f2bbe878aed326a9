"""Parsing in chunks gives what parsing one by one does, in the same order, errors included."""

import numpy as np
import pytest

from varlen import CheckpointError, CorruptRecordError, FeatureError
from varlen.data import Batch, BucketBySequenceLength, Map, Parse, Pipeline, Records
from varlen.features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    VarLenFeature,
    parse_single_sequence_example,
    sequence_example,
)
from varlen.records import RecordWriter
from varlen.testing import check_stage

CONTEXT = {"id": FixedLenFeature([], np.int64), "any": VarLenFeature(np.int64)}
LISTS = {"tokens": FixedLenSequenceFeature([], np.int64), "bag": VarLenFeature(bytes)}
PARSE = Parse(CONTEXT, LISTS)
MOST_AHEAD = 64


def message(i, *, size=0):
    sequences = {
        "tokens": list(range(i % 5)),
        "bag": [[b"x" * size], [], [b"y"] * (i % 3)][: i % 4],
    }
    return sequence_example({"id": i, "any": [i] * (i % 3)}, sequences)


def write(path, records):
    with RecordWriter(path) as writer:
        writer.write_many(records)
    return path


def ids(examples):
    return [int(example["id"]) for example in examples]


def assert_same(found, expected):
    for part, expected_part in zip(found, expected, strict=True):
        assert part.dtype == expected_part.dtype
        assert part.shape == expected_part.shape
        assert part.tolist() == expected_part.tolist()


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
def test_many_are_as_each_alone(count):
    messages = [message(i) for i in range(count)]
    examples = list(Pipeline(messages, PARSE))
    assert len(examples) == count
    for example, data in zip(examples, messages, strict=True):
        context, sequences = parse_single_sequence_example(data, CONTEXT, LISTS)
        assert_same([example["id"]], [context["id"]])
        assert_same(example["any"], context["any"])
        steps = np.array(len(sequences["tokens"]), np.int64)
        assert_same(example["tokens"], [sequences["tokens"], steps])
        assert_same(example["bag"], sequences["bag"])


def test_resuming_between_and_within_chunks(tmp_path):
    # Three or so of these fill a chunk.
    path = write(tmp_path / "x.tfrecord", [message(i, size=100_000) for i in range(12)])
    check_stage(lambda: Pipeline(Records(path), PARSE))


def test_no_more_is_taken_than_a_chunk():
    taken = []

    def source():
        for i in range(1000):
            taken.append(i)
            yield message(i)

    examples = iter(Pipeline(source, PARSE))
    assert not taken
    next(examples)
    assert len(taken) == MOST_AHEAD
    assert ids([next(examples) for _ in range(MOST_AHEAD)])[-1] == MOST_AHEAD
    assert len(taken) == 2 * MOST_AHEAD


@pytest.mark.parametrize("bad", [0, 1, 70, 99])
def test_what_cannot_be_parsed_comes_in_its_turn(tmp_path, bad):
    records = [message(i) for i in range(100)]
    records[bad] = sequence_example({"id": 1}, {"tokens": [[1], [2], [3, 4]], "bag": []})
    path = write(tmp_path / "x.tfrecord", records)
    examples = iter(Pipeline(Records(path), PARSE))
    assert ids(next(examples) for _ in range(bad)) == list(range(bad))
    begin = sum(16 + len(record) for record in records[:bad])
    place = rf"x.tfrecord @ byte {begin}: feature_lists\.tokens\[2\]"
    for _ in range(2):
        with pytest.raises(FeatureError, match=rf"1 int64 per step, found 2\n  at .*{place}"):
            next(examples)


@pytest.mark.parametrize("damaged", [0, 1, 70, 99])
def test_damage_comes_after_what_is_before_it(tmp_path, damaged):
    records = [message(i) for i in range(100)]
    path = write(tmp_path / "x.tfrecord", records)
    begin = sum(16 + len(record) for record in records[:damaged])
    data = bytearray(path.read_bytes())
    data[begin + 12] ^= 1
    path.write_bytes(data)
    examples = iter(Pipeline(Records(path), PARSE))
    assert ids(next(examples) for _ in range(damaged)) == list(range(damaged))
    for _ in range(2):
        with pytest.raises(CorruptRecordError, match=f"@ byte {begin}"):
            next(examples)


@pytest.mark.parametrize("interrupted", [0, 1, 70, 99])
def test_an_interrupt_loses_nothing(interrupted):
    calls = []

    def once(item):
        calls.append(item)
        if len(calls) == interrupted + 1:
            raise KeyboardInterrupt
        return item

    examples = iter(Pipeline([message(i) for i in range(100)], Map(once), PARSE))
    found = []
    with pytest.raises(KeyboardInterrupt):
        take_all(examples, found)
    assert ids([*found, *examples]) == list(range(100))


def take_all(examples, taken):
    for example in examples:
        taken.append(example)


def test_a_state_refuses_a_file_that_shrank(tmp_path):
    records = [message(i) for i in range(10)]
    path = write(tmp_path / "x.tfrecord", records)
    moved = iter(Pipeline(Records(path), PARSE))
    for _ in range(5):
        next(moved)
    write(path, records[:4])
    with pytest.raises(CheckpointError, match=r"at least 5 records, .* found the end of the file"):
        iter(Pipeline(Records(path), PARSE)).load_state_dict(moved.state_dict())


def test_examples_do_not_share_values():
    first, second = Pipeline([message(3), message(4)], PARSE)
    first["tokens"].values[:] = -1
    first["any"].indices[:] = -1
    assert second["tokens"].values.tolist() == [0, 1, 2, 3]
    assert second["any"].indices.tolist() == [[0]]


@pytest.mark.parametrize("group", [Batch(7), BucketBySequenceLength("tokens", (1, 3), (3, 4, 2))])
def test_whole_batches_are_as_each_record(tmp_path, group):
    path = write(tmp_path / "all.tfrecord", [message(i) for i in range(40)])
    each = list(Pipeline(Records(path), PARSE, group))
    whole = list(Pipeline(Records(path), group, PARSE))
    assert len(whole) == len(each) > 5
    for batch, expected in zip(whole, each, strict=True):
        assert list(batch) == list(expected)
        assert_same([batch["id"]], [expected["id"]])
        for name in ("any", "tokens", "bag"):
            assert type(batch[name]) is type(expected[name])
            assert_same(batch[name], expected[name])


def test_a_record_of_a_batch_that_cannot_be_parsed_is_named(tmp_path):
    path = write(tmp_path / "all.tfrecord", [message(0), sequence_example({}, {}), message(2)])
    with pytest.raises(FeatureError, match="'id'") as raised:
        list(Pipeline(Records(path), Batch(3), PARSE))
    assert raised.value.at.startswith(f"{path} @ byte ")
    assert not raised.value.at.startswith(f"{path} @ byte 0")


def test_lengths_are_those_of_messages_only(tmp_path):
    path = write(tmp_path / "all.tfrecord", [message(1), b"\xff\xff"])
    pipeline = Pipeline(Records(path), BucketBySequenceLength("tokens", (1, 3), 2))
    with pytest.raises(FeatureError, match="no SequenceExample and no Example") as raised:
        list(pipeline)
    assert raised.value.at.startswith(f"{path} @ byte ")
