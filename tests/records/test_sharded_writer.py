import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varlen import RecordReader, ShardedWriter

COMPRESSIONS = [None, "GZIP", "ZLIB"]
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


class TestShardedWriter:
    @pytest.mark.parametrize("compression", COMPRESSIONS)
    def test_deals_the_records_in_turn(self, tmp_path, compression):
        records = [bytes([i]) for i in range(8)]
        with ShardedWriter(tmp_path / "train", 3, compression=compression) as writer:
            for record in records:
                writer.write(record)
        assert [path.name for path in writer.paths] == [
            "train-00000-of-00003.tfrecord",
            "train-00001-of-00003.tfrecord",
            "train-00002-of-00003.tfrecord",
        ]
        for shard, path in enumerate(writer.paths):
            with RecordReader(path) as reader:
                assert reader.compression == compression
                assert list(reader) == records[shard::3]

    def test_shards_may_be_empty(self, tmp_path):
        with ShardedWriter(tmp_path / "train", 3) as writer:
            writer.write(b"a")
        assert [list(RecordReader(path)) for path in writer.paths] == [[b"a"], [], []]

    def test_appear_together_at_the_end(self, tmp_path):
        writer = ShardedWriter(tmp_path / "train", 2)
        writer.write(b"a")
        assert not any(path.exists() for path in writer.paths)
        writer.close()
        writer.close()
        assert all(path.exists() for path in writer.paths)
        with pytest.raises(ValueError, match="is closed"):
            writer.write(b"b")

    def test_an_exception_leaves_nothing(self, tmp_path):
        with pytest.raises(KeyError), ShardedWriter(tmp_path / "train", 2) as writer:  # noqa: PT012
            writer.write(b"a")
            raise KeyError
        assert os.listdir(tmp_path) == []

    def test_a_shard_that_cannot_be_made(self, tmp_path):
        (tmp_path / "train-00001-of-00002.tfrecord").mkdir()
        with pytest.raises(IsADirectoryError):
            ShardedWriter(tmp_path / "train", 2)
        assert os.listdir(tmp_path) == ["train-00001-of-00002.tfrecord"]

    @SAME_FOLDER
    @given(sizes=st.lists(st.integers(0, 5), max_size=5), shards=st.integers(1, 4))
    def test_many_at_a_time_are_dealt_as_one_by_one(self, tmp_path, sizes, shards):
        records = [bytes([i]) for i in range(sum(sizes))]
        with ShardedWriter(tmp_path / "train", shards) as writer:
            taken = 0
            for size in sizes:
                writer.write_many(records[taken : taken + size])
                taken += size
        found = [list(RecordReader(path)) for path in writer.paths]
        assert found == [records[shard::shards] for shard in range(shards)]


class TestLimits:
    @pytest.mark.parametrize("compression", COMPRESSIONS)
    def test_a_number_of_records(self, tmp_path, compression):
        records = [bytes([i]) * 1000 for i in range(8)]
        with ShardedWriter(tmp_path / "train", max_records=3, compression=compression) as writer:
            writer.write_many(records)
            assert writer.paths == []
        assert [path.name for path in writer.paths] == [
            "train-00000-of-00003.tfrecord",
            "train-00001-of-00003.tfrecord",
            "train-00002-of-00003.tfrecord",
        ]
        found = [list(RecordReader(path)) for path in writer.paths]
        assert found == [records[:3], records[3:6], records[6:]]
        assert len(os.listdir(tmp_path)) == 3

    @SAME_FOLDER
    @given(sizes=st.lists(st.integers(0, 100), max_size=12), max_bytes=st.integers(1, 150))
    def test_a_number_of_bytes(self, tmp_path, sizes, max_bytes):
        records = [bytes(size) for size in sizes]
        with ShardedWriter(tmp_path / "train", max_bytes=max_bytes) as writer:
            for record in records:
                writer.write(record)
        found = [list(RecordReader(path)) for path in writer.paths]
        assert [record for shard in found for record in shard] == records
        for path, shard, following in zip(writer.paths, found, [*found[1:], []], strict=True):
            size = path.stat().st_size
            assert size <= max_bytes or len(shard) == 1
            assert not following or size + 16 + len(following[0]) > max_bytes

    def test_both(self, tmp_path):
        with ShardedWriter(tmp_path / "train", max_records=2, max_bytes=100) as writer:
            writer.write_many([b"", b"", bytes(80), bytes(90), b""])
        found = [[len(r) for r in RecordReader(path)] for path in writer.paths]
        assert found == [[0, 0], [80], [90], [0]]

    def test_no_records_are_one_shard(self, tmp_path):
        with ShardedWriter(tmp_path / "train", max_records=2):
            pass
        assert os.listdir(tmp_path) == ["train-00000-of-00001.tfrecord"]

    def test_appear_together_at_the_end(self, tmp_path):
        writer = ShardedWriter(tmp_path / "train", max_records=1)
        writer.write_many([b"a", b"b"])
        assert all(name.startswith(".") for name in os.listdir(tmp_path))
        writer.close()
        writer.close()
        assert len(os.listdir(tmp_path)) == 2
        with pytest.raises(ValueError, match="is closed"):
            writer.write(b"b")

    def test_an_exception_leaves_nothing(self, tmp_path):
        with pytest.raises(KeyError), ShardedWriter(tmp_path / "train", max_records=1) as writer:  # noqa: PT012
            writer.write_many([b"a", b"b"])
            raise KeyError
        assert os.listdir(tmp_path) == []

    def test_a_name_that_cannot_be_had(self, tmp_path):
        (tmp_path / "train-00001-of-00002.tfrecord").mkdir()
        writer = ShardedWriter(tmp_path / "train", max_records=1)
        writer.write_many([b"a", b"b"])
        with pytest.raises(IsADirectoryError):
            writer.close()
        assert not any(name.startswith(".") for name in os.listdir(tmp_path))


class TestArguments:
    @pytest.mark.parametrize("name", ["shards", "max_records", "max_bytes"])
    def test_at_least_one(self, tmp_path, name):
        with pytest.raises(ValueError, match=f"{name}: expected at least 1, found 0"):
            ShardedWriter(tmp_path / "train", **{name: 0})

    def test_one_way_of_cutting(self, tmp_path):
        with pytest.raises(TypeError, match=r"`max_records` or `max_bytes`, found neither"):
            ShardedWriter(tmp_path / "train")
        with pytest.raises(TypeError, match=r"`max_records` or `max_bytes`, found both"):
            ShardedWriter(tmp_path / "train", 2, max_bytes=100)

    @pytest.mark.wrong_types
    def test_an_unknown_compression(self, tmp_path):
        with pytest.raises(ValueError, match="compression: expected None, 'GZIP', 'ZLIB', found"):
            ShardedWriter(tmp_path / "train", 2, compression="auto")
        assert os.listdir(tmp_path) == []
