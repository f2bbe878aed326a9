import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.frames import file_of, frame
from varlen import (
    ConfigError,
    CorruptRecordError,
    FeatureError,
    RecordIndex,
    RecordWriter,
    sequence_example,
)
from varlen._native import masked_crc32c

RECORDS = [b"first", b"", b"third " * 50]
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.tfrecord"


def write_steps(path, *lengths, compression=None):
    with RecordWriter(path, compression=compression) as writer:
        for length in lengths:
            writer.write(sequence_example(sequences={"tokens": list(range(length))}))


def assert_same(index, other):
    assert (index.path, index.file_size, index.mtime_ns) == (
        other.path,
        other.file_size,
        other.mtime_ns,
    )
    assert index.feature == other.feature
    np.testing.assert_array_equal(index.offsets, other.offsets, strict=True)
    np.testing.assert_array_equal(index.lengths, other.lengths, strict=True)
    assert (index.steps is None) == (other.steps is None)
    if index.steps is not None:
        np.testing.assert_array_equal(index.steps, other.steps, strict=True)


class TestBuild:
    def test_where_records_are_and_how_long(self, path):
        path.write_bytes(file_of(RECORDS))
        index = RecordIndex.build(path)
        assert len(index) == 3
        assert index.offsets.tolist() == [0, 21, 37]
        assert index.lengths.tolist() == [5, 0, 300]
        assert (index.path, index.feature, index.steps) == (str(path), None, None)

    def test_over_many_blocks(self, path):
        records = [bytes(i) for i in range(1500)]
        path.write_bytes(file_of(records))
        index = RecordIndex.build(path)
        sizes = np.arange(1500)
        np.testing.assert_array_equal(index.lengths, sizes)
        np.testing.assert_array_equal(index.offsets, np.cumsum(sizes + 16) - sizes - 16)

    def test_counts_steps(self, path):
        write_steps(path, 3, 0, 200)
        assert RecordIndex.build(path, feature="tokens").steps.tolist() == [3, 0, 200]
        assert RecordIndex.build(path, feature="other").steps.tolist() == [0, 0, 0]

    def test_a_file_without_records(self, path):
        path.touch()
        index = RecordIndex.build(path, feature="tokens")
        assert (len(index), index.offsets.tolist(), index.steps.tolist()) == (0, [], [])

    def test_reports_how_far_it_is(self, path):
        path.write_bytes(file_of([bytes(300_000)] * 3))
        told = []
        RecordIndex.build(path, progress=told.append)
        assert told == sorted(told)
        assert told[-1] == path.stat().st_size

    def test_a_record_without_features(self, path):
        path.write_bytes(frame(sequence_example(context={"a": 1})) + frame(b"\x0a\xff"))
        at = len(frame(sequence_example(context={"a": 1})))
        with pytest.raises(FeatureError, match=rf"no SequenceExample.*\n.* @ byte {at}"):
            RecordIndex.build(path, feature="tokens")
        assert len(RecordIndex.build(path)) == 2

    def test_a_damaged_file(self, path):
        path.write_bytes(file_of(RECORDS)[:-1])
        with pytest.raises(CorruptRecordError, match=r"some.tfrecord @ byte 37"):
            RecordIndex.build(path)

    @pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
    def test_a_compressed_file(self, path, compression):
        write_steps(path, 1, compression=compression)
        with pytest.raises(
            ConfigError, match=f"uncompressed .* found one compressed as {compression}"
        ):
            RecordIndex.build(path)

    @pytest.mark.parametrize("name", ["-", "memory://some.tfrecord"])
    def test_no_local_file(self, name):
        with pytest.raises(ConfigError, match=f"expected a local file to index.*\n  at {name}"):
            RecordIndex.build(name)

    def test_a_missing_file(self, path):
        with pytest.raises(FileNotFoundError):
            RecordIndex.build(path)

    def test_a_file_that_changes_meanwhile(self, path):
        path.write_bytes(file_of(RECORDS))
        with pytest.raises(CorruptRecordError, match="changed while it was indexed"):
            RecordIndex.build(path, progress=lambda _: os.utime(path, ns=(0, 0)))


class TestSaved:
    @SAME_FOLDER
    @given(
        lengths=st.lists(st.integers(0, 9), max_size=5),
        feature=st.sampled_from([None, "tokens", "é"]),
    )
    def test_round_trip(self, path, lengths, feature):
        write_steps(path, *lengths)
        index = RecordIndex.build(path, feature=feature)
        assert index.save() == RecordIndex.path_beside(path)
        assert_same(RecordIndex.load(path), index)
        assert_same(RecordIndex.open(path, feature=feature), index)

    def test_stands_beside_its_file(self, path, tmp_path):
        write_steps(path, 3)
        RecordIndex.build(path).save()
        assert sorted(os.listdir(tmp_path)) == ["some.tfrecord", "some.tfrecord.index"]

    def test_none_is_there(self, path):
        write_steps(path, 3)
        with pytest.raises(FileNotFoundError, match=r"some\.tfrecord\.index"):
            RecordIndex.load(path)
        assert len(RecordIndex.open(path)) == 1
        assert not RecordIndex.path_beside(path).exists()

    def test_of_another_size(self, path):
        write_steps(path, 3)
        RecordIndex.build(path).save()
        write_steps(path, 3, 4)
        with pytest.raises(
            CorruptRecordError, match=r"another state of the file: expected .* size in bytes"
        ):
            RecordIndex.load(path)
        assert len(RecordIndex.open(path)) == 2

    def test_of_another_time(self, path):
        write_steps(path, 3, 4)
        RecordIndex.build(path, feature="tokens").save()
        write_steps(path, 4, 3)
        os.utime(path, ns=(0, 1))
        with pytest.raises(CorruptRecordError, match="as its time of change in ns, found 1"):
            RecordIndex.load(path)
        assert RecordIndex.open(path, feature="tokens").steps.tolist() == [4, 3]

    def test_of_another_feature(self, path):
        write_steps(path, 3)
        RecordIndex.build(path, feature="labels").save()
        assert RecordIndex.open(path, feature="tokens").steps.tolist() == [3]
        assert RecordIndex.open(path).feature == "labels"

    @SAME_FOLDER
    @given(data=st.data())
    def test_no_changed_byte_is_believed(self, path, data):
        write_steps(path, 3, 4)
        index = RecordIndex.build(path, feature="tokens")
        beside = index.save()
        whole = bytearray(beside.read_bytes())
        if data.draw(st.booleans()):
            whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
        else:
            del whole[data.draw(st.integers(0, len(whole) - 1)) :]
        beside.write_bytes(whole)
        with pytest.raises(
            CorruptRecordError, match=r"index.*\n  at .*some.tfrecord.index\n  build"
        ):
            RecordIndex.load(path)
        assert_same(RecordIndex.open(path, feature="tokens"), index)

    @pytest.mark.parametrize("header", [b"xx", b"[]", b"{}", b'{"feature": null}'])
    def test_one_made_so_on_purpose(self, path, header):
        write_steps(path, 3)
        data = b"VLINDEX1" + len(header).to_bytes(4, "little") + header + bytes(13)
        beside = RecordIndex.path_beside(path)
        beside.write_bytes(data + masked_crc32c(data).to_bytes(4, "little"))
        with pytest.raises(CorruptRecordError, match="not laid out as one"):
            RecordIndex.load(path)
        assert len(RecordIndex.open(path)) == 1

    @pytest.mark.parametrize("data", [b"", b"garbage", b"VLINDEX1", b"VLINDEX1\xff\xff\xff\xff"])
    def test_garbage(self, path, data):
        write_steps(path, 3)
        RecordIndex.path_beside(path).write_bytes(data)
        with pytest.raises(CorruptRecordError, match="index"):
            RecordIndex.load(path)
