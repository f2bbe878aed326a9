import shutil

import numpy as np
import pytest

from varlen import CheckpointError, CorruptRecordError, FeatureError
from varlen.data import BucketBySequenceLength, Parse, Pipeline, Prefetch, Records, Shuffle
from varlen.features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    VarLenFeature,
    sequence_example,
)
from varlen.records import Record, RecordWriter
from varlen.sequences import JaggedSequence, SparseValues

TOKENS = {"tokens": FixedLenSequenceFeature([], np.int64)}


def write(path, records, compression=None):
    with RecordWriter(path, compression=compression) as writer:
        for record in records:
            writer.write(record)
    return path


@pytest.fixture
def shards(tmp_path):
    write(tmp_path / "a-0.tfrecord", [b"0", b"1"])
    write(tmp_path / "a-1.tfrecord", [])
    write(tmp_path / "a-2.tfrecord", [b"2", b"3", b"4"], "GZIP")
    return tmp_path


def test_records_come_file_after_file_with_their_place(shards):
    records = list(Records(shards / "a-*.tfrecord"))
    assert all(isinstance(record, Record) for record in records)
    assert [record.data for record in records] == [b"0", b"1", b"2", b"3", b"4"]
    assert [record.offset for record in records] == [0, 17, 0, 17, 34]
    assert records[2].path == str(shards / "a-2.tfrecord")


@pytest.mark.parametrize("most", [1, 2, 3, 9])
@pytest.mark.parametrize("window", [None, 1, 3, 9])
def test_records_taken_together_are_those_that_come_one_by_one(shards, most, window):
    def begin():
        records = iter(Records(shards / "a-*.tfrecord"))
        return records if window is None else Shuffle(window, seed=1).iterate(records)

    together, one_by_one = begin(), begin()
    while items := together.take(most):
        assert len(items) <= most
        assert items.records() == [next(one_by_one) for _ in range(len(items))]
        assert all(type(record) is Record for record in items.records())
        assert together.state_dict() == one_by_one.state_dict()
    with pytest.raises(StopIteration):
        next(one_by_one)


def test_paths_are_a_pattern_or_a_list(shards):
    reverse = [str(shards / "a-2.tfrecord"), shards / "a-0.tfrecord"]
    pipeline = Pipeline(Records(iter(reverse)))
    for _ in range(2):
        assert [record.data for record in pipeline] == [b"2", b"3", b"4", b"0", b"1"]


def test_missing_files_are_an_error_when_a_pass_begins(shards):
    records = Records(shards / "b-*.tfrecord")
    with pytest.raises(FileNotFoundError, match="no file matches"):
        iter(records)


def test_data_may_move_between_saving_and_resuming(shards, tmp_path_factory):
    moved = iter(Pipeline(Records(shards / "a-*.tfrecord")))
    for _ in range(3):
        next(moved)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for path in shards.iterdir():
        shutil.copy(path, elsewhere)
    resumed = iter(Pipeline(Records(elsewhere / "a-*.tfrecord")))
    resumed.load_state_dict(moved.state_dict())
    assert [record.data for record in resumed] == [b"3", b"4"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a-0.tfrecord"], "expected file 2 of 1 to be 'a-2.tfrecord', .* found none"),
        (["a-0.tfrecord"] * 3, "expected file 2 of 3 to be 'a-2.tfrecord', .* found 'a-0"),
    ],
)
def test_a_state_refuses_other_files(shards, names, message):
    moved = iter(Pipeline(Records(shards / "a-*.tfrecord")))
    list(moved)
    resumed = iter(Pipeline(Records([shards / name for name in names])))
    with pytest.raises(CheckpointError, match=message):
        resumed.load_state_dict(moved.state_dict())


def test_a_state_refuses_a_file_that_shrank(shards):
    moved = iter(Pipeline(Records(shards / "a-*.tfrecord")))
    list(moved)
    write(shards / "a-2.tfrecord", [b"2"])
    resumed = iter(Pipeline(Records(shards / "a-*.tfrecord")))
    with pytest.raises(
        CheckpointError, match=r"at least 3 records, .* end of the file\n  at .*a-2"
    ):
        resumed.load_state_dict(moved.state_dict())


def test_damage_is_no_end(shards):
    path = shards / "a-0.tfrecord"
    damaged = bytearray(path.read_bytes())
    damaged[17 + 12] ^= 1
    path.write_bytes(damaged)
    for stages in ([], [Prefetch(2)]):
        records = iter(Pipeline(Records(path), *stages))
        assert next(records).data == b"0"
        for _ in range(2):
            with pytest.raises(CorruptRecordError, match=r"at .*a-0.tfrecord @ byte 17"):
                next(records)


def test_examples_hold_arrays_and_sequences():
    serialized = sequence_example(
        context={"id": 7, "name": b"seven"},
        sequences={
            "tokens": [1, 2, 3],
            "words": [b"a", b"b", b"c"],
            "bag": [[0.5], [], [1.0, 2.0]],
        },
    )
    parse = Parse(
        {"id": FixedLenFeature([], np.int64), "name": VarLenFeature(bytes)},
        {
            **TOKENS,
            "words": FixedLenSequenceFeature([], bytes),
            "bag": VarLenFeature(np.float32),
            "none": FixedLenSequenceFeature([2], np.float32, allow_missing=True),
        },
    )
    (example,) = Pipeline([serialized], parse)
    assert example["id"] == 7
    assert isinstance(example["name"], SparseValues)
    assert isinstance(example["tokens"], JaggedSequence)
    assert example["tokens"].values.tolist() == [1, 2, 3]
    assert example["tokens"].lengths == 3
    assert np.shape(example["tokens"].lengths) == ()
    assert example["words"].values.tolist() == [b"a", b"b", b"c"]
    assert example["bag"].dense_shape.tolist() == [3, 2]
    assert example["none"].values.shape == (0, 2)
    assert example["none"].lengths == 0


def test_a_record_that_does_not_fit_is_named(tmp_path):
    records = [
        sequence_example(sequences={"tokens": [1]}),
        sequence_example(sequences={"token": [1]}),
    ]
    path = write(tmp_path / "x.tfrecord", records)
    parsed = iter(Pipeline(Records(path), Parse(None, TOKENS)))
    next(parsed)
    with pytest.raises(FeatureError, match=r"tokens.*\n  at .*x.tfrecord @ byte \d+"):
        next(parsed)
    with pytest.raises(FeatureError, match="tokens"):
        list(Pipeline(records, Parse(sequence_features=TOKENS)))


def test_a_record_without_a_length_does_not_hide_those_before_it(tmp_path):
    good = [sequence_example(sequences={"tokens": [i]}) for i in range(3)]
    path = write(tmp_path / "a.tfrecord", [*good[:2], b"\xff", good[2]])
    batches = iter(Pipeline(Records(path), BucketBySequenceLength("tokens", [2], 1)))
    assert [next(batches).data for _ in range(2)] == [[record] for record in good[:2]]
    for _ in range(2):
        with pytest.raises(FeatureError, match=rf"is no SequenceExample[^@]*{path} @ byte \d"):
            next(batches)


def test_specifications_that_cannot_be():
    with pytest.raises(ValueError, match="expected context_features or sequence_features"):
        Parse({}, None)
    with pytest.raises(
        ValueError, match=r"Parse: expected different names .* found 'tokens' in both"
    ):
        Parse({"tokens": FixedLenFeature([], np.int64)}, TOKENS)


@pytest.mark.wrong_types
def test_what_is_no_record():
    with pytest.raises(TypeError, match="expected bytes, found int"):
        list(Pipeline([3], Parse(None, TOKENS)))
