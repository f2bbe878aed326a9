import os
import random
from dataclasses import replace

import numpy as np
import pytest

from records.frames import file_of, frame, header
from varlen import CorruptRecordError, IndexedReader, Record, RecordIndex, RecordReader

RECORDS = [b"first", b"", b"third " * 50, b"\x00\xff", b"fifth"]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some.tfrecord"
    path.write_bytes(file_of(RECORDS))
    return path


def write_unnoticed(path, data):
    """Changes a file, and leaves its size and its time of change."""
    before = path.stat()
    path.write_bytes(data)
    assert len(data) == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def as_if_of(path, index):
    """An index that claims to be of a file as it is now."""
    now = path.stat()
    return replace(index, file_size=now.st_size, mtime_ns=now.st_mtime_ns)


class TestAnyOrder:
    def test_one(self, path):
        with IndexedReader(path) as reader:
            assert [reader[i] for i in range(5)] == RECORDS
            assert [reader[-i] for i in range(1, 6)] == RECORDS[::-1]
            assert reader[np.int32(2)] == RECORDS[2]

    def test_several(self, path):
        reader = IndexedReader(path)
        assert reader[[3, 1, 2]] == [RECORDS[3], RECORDS[1], RECORDS[2]]
        assert reader[[0, 0, -1]] == [RECORDS[0], RECORDS[0], RECORDS[4]]
        assert reader[[]] == []
        assert reader[np.array([4, 0], np.uint8)] == [RECORDS[4], RECORDS[0]]
        assert reader[1:4] == RECORDS[1:4]
        assert reader[::-2] == RECORDS[::-2]

    def test_by_their_places(self, path):
        reader = IndexedReader(path)
        offsets, lengths = reader.index.offsets, reader.index.lengths
        assert reader.read_at(offsets[[3, 1, 3]], lengths[[3, 1, 3]]) == [
            RECORDS[3],
            RECORDS[1],
            RECORDS[3],
        ]
        assert reader.read_at(offsets[:0], lengths[:0]) == []
        with pytest.raises(CorruptRecordError, match="sound record of 5 bytes, as indexed, found"):
            reader.read_at(offsets[[1]], lengths[[0]])
        with pytest.raises(CorruptRecordError, match="as indexed, found none"):
            reader.read_at(offsets[[1]] + 1, lengths[[1]])

    def test_a_shuffle_of_many(self, tmp_path):
        records = [bytes([i % 256]) * (i % 300) for i in range(3000)]
        path = tmp_path / "many.tfrecord"
        path.write_bytes(file_of(records))
        order = random.Random(0).sample(range(3000), 3000)
        assert IndexedReader(path)[order] == [records[i] for i in order]

    def test_all_of_them(self, path):
        reader = IndexedReader(path)
        assert len(reader) == 5
        assert list(reader) == RECORDS

    def test_with_its_place(self, path):
        with RecordReader(path) as sequential:
            expected = list(sequential.records())
        reader = IndexedReader(path)
        assert [reader.record(i) for i in range(5)] == expected
        assert reader.record(-1) == Record(b"fifth", str(path), expected[-1].offset)

    def test_a_file_without_records(self, path):
        path.write_bytes(b"")
        reader = IndexedReader(path)
        assert (len(reader), list(reader), reader[:]) == (0, [], [])
        reader.close()

    @pytest.mark.parametrize("which", [5, -6, [0, 5], [-6]])
    def test_no_such_record(self, path, which):
        with pytest.raises(IndexError, match=r"below 5, the number of records, found (5|-6)"):
            IndexedReader(path)[which]

    @pytest.mark.parametrize("which", [2**70, np.array([0, 2**64 - 1], np.uint64)])
    def test_a_position_beyond_int64(self, path, which):
        with pytest.raises(IndexError, match=r"below 5, .* found 1[18]\d{18,}"):
            IndexedReader(path)[which]

    @pytest.mark.wrong_types
    @pytest.mark.parametrize("which", [1.0, "1", None, [[1]], [1.5], [True, False]])
    def test_no_position(self, path, which):
        with pytest.raises(TypeError, match="expected an integer, a slice or a list of integers"):
            IndexedReader(path)[which]

    def test_beyond_4_gib(self, tmp_path):
        # A sparse file: its records are damaged but for two, and the index is made by hand.
        path = tmp_path / "large.tfrecord"
        with path.open("wb") as file:
            file.write(frame(b"first"))
            file.seek(5 << 30)
            file.write(frame(b"last"))
        index = RecordIndex(
            path=str(path),
            file_size=path.stat().st_size,
            mtime_ns=path.stat().st_mtime_ns,
            offsets=np.array([0, 5 << 30]),
            lengths=np.array([5, 4]),
        )
        assert IndexedReader(path, index=index)[[1, 0]] == [b"last", b"first"]


class TestDoubt:
    def test_takes_the_index_beside_the_file(self, path):
        path.write_bytes(file_of([b""]))
        RecordIndex.build(path, feature="tokens").save()
        assert IndexedReader(path).index.feature == "tokens"
        path.write_bytes(file_of([b"new"]))
        assert list(IndexedReader(path)) == [b"new"]

    def test_damage_since_the_index_was_built(self, path):
        index = RecordIndex.build(path)
        data = bytearray(path.read_bytes())
        data[13] ^= 1
        write_unnoticed(path, data)
        reader = IndexedReader(path, index=index)
        assert reader[1:] == RECORDS[1:]
        with pytest.raises(
            CorruptRecordError, match=r"record of 5 bytes, as indexed, found none\n.* @ byte 0\n"
        ):
            reader[[2, 0]]

    def test_other_records_than_the_index_says(self, path):
        index = RecordIndex.build(path)
        path.write_bytes(file_of([b"four"]))
        index = as_if_of(path, index)
        with pytest.raises(
            CorruptRecordError, match="of 5 bytes, as indexed, found one of 4 bytes"
        ):
            IndexedReader(path, index=index)[0]
        with pytest.raises(CorruptRecordError, match="found none"):
            IndexedReader(path, index=index)[4]

    def test_a_length_that_lies(self, path):
        path.write_bytes(file_of([b"a"]))
        index = RecordIndex.build(path)
        write_unnoticed(path, header(2**31 - 1) + b"abcde")
        with pytest.raises(CorruptRecordError, match="found none"):
            IndexedReader(path, index=index)[0]

    def test_a_damaged_file(self, path):
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(CorruptRecordError, match="before the end of the file"):
            IndexedReader(path)

    def test_a_closed_reader(self, path):
        with IndexedReader(path) as reader:
            pass
        with pytest.raises(ValueError, match=r"the reader of '.*some\.tfrecord' is closed"):
            reader[0]

    def test_an_index_of_another_state_of_the_file(self, path):
        index = RecordIndex.build(path)
        path.write_bytes(file_of([*RECORDS, b"sixth"]))
        with pytest.raises(CorruptRecordError, match=r"another state of the file.*\n  at .*index"):
            IndexedReader(path, index=index)
