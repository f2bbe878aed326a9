"""Files that are deleted or cut while they are read, and disks that are full."""

import errno
import os

import numpy as np
import pytest

from varlen.data import (
    Batch,
    BatchLimits,
    BatchPlan,
    FollowPlan,
    IndexedRecords,
    Parse,
    Permute,
    Pipeline,
    Prefetch,
    Records,
)
from varlen.errors import CorruptRecordError
from varlen.features import FixedLenFeature, FixedLenSequenceFeature
from varlen.features import sequence_example as serialize
from varlen.records import IndexedReader, RecordIndex, RecordReader, RecordWriter

PARSE = Parse(
    {"id": FixedLenFeature([], np.int64)}, {"tokens": FixedLenSequenceFeature([], np.int64)}
)
NUM_RECORDS = 800  # several blocks of reading


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some.tfrecord"
    with RecordWriter(path) as writer:
        for i in range(NUM_RECORDS):
            writer.write(
                serialize({"id": i, "ballast": b"\0" * 1000}, {"tokens": list(range(i % 7))})
            )
    RecordIndex.build(path, feature="tokens").save()
    return path


def streamed(path):
    return Pipeline(Records(path), Batch(8), PARSE, Prefetch(2))


def permuted(path):
    return Pipeline(IndexedRecords(path), Permute(seed=1), Batch(8), PARSE)


def planned(path):
    plan = BatchPlan(BatchLimits(max_steps=40), buckets=3, seed=2)
    return Pipeline(IndexedRecords(path, "tokens"), FollowPlan(plan), PARSE)


def ids(batches):
    return sorted(int(i) for batch in batches for i in batch["id"])


@pytest.mark.parametrize("pipeline", [streamed, permuted, planned])
def test_a_deleted_file_is_read_to_its_end(pipeline, path):
    batches = iter(pipeline(path))
    first = next(batches)
    path.unlink()
    assert ids([first, *batches]) == list(range(NUM_RECORDS))
    with pytest.raises(FileNotFoundError, match=r"some\.tfrecord"):
        list(pipeline(path))


@pytest.mark.parametrize("pipeline", [permuted, planned])
def test_an_indexed_file_that_is_cut(pipeline, path):
    batches = iter(pipeline(path))
    next(batches)
    cut = path.stat().st_size // 2
    os.truncate(path, cut)
    with pytest.raises(
        CorruptRecordError, match=rf"as indexed, found its end\n.*@ byte {cut}\n.*made shorter"
    ):
        list(batches)


def test_a_cut_file_is_an_error_for_what_is_left_of_it_too(path):
    with IndexedReader(path) as reader:
        first = reader[0]
        os.truncate(path, path.stat().st_size - 1)
        with pytest.raises(CorruptRecordError, match="found its end"):
            reader[0]
    with RecordReader(path) as records:
        assert next(records) == first


def test_a_streamed_file_that_is_cut(path):
    offsets = RecordIndex.open(path).offsets
    batches = iter(streamed(path))
    before = [next(batches)]
    middle = NUM_RECORDS * 3 // 4
    os.truncate(path, int(offsets[middle]) + 20)
    with pytest.raises(CorruptRecordError, match=rf"some\.tfrecord @ byte {offsets[middle]}"):
        before.extend(batches)
    # All records before the cut, but for those of the batch that was being made.
    assert ids(before) == list(range(middle - middle % 8))


def test_a_full_disk_leaves_the_index_that_was_there(path, monkeypatch):
    beside = RecordIndex.path_beside(path)
    before = beside.read_bytes()
    index = RecordIndex.build(path)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*some\.tfrecord\.index"):
        index.save()
    assert beside.read_bytes() == before
    assert sorted(os.listdir(path.parent)) == [path.name, beside.name]
    monkeypatch.undo()
    assert RecordIndex.load(path).feature == "tokens"
    index.save()
    assert RecordIndex.load(path).feature is None
