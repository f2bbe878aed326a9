import gzip
import random
import resource
import zlib
from itertools import accumulate, islice, repeat

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from records.frames import file_of, frame, header, read_until_error
from varlen import CorruptRecordError, Record, RecordReader

RECORDS = [b"first", b"", b"third " * 50, b"\x00\xff"]
COMPRESSED = {"GZIP": gzip.compress, "ZLIB": zlib.compress, None: bytes}
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.tfrecord"


class TestSoundFiles:
    @pytest.mark.parametrize("compression", COMPRESSED)
    @pytest.mark.parametrize("records", [RECORDS, [], [b""]], ids=["some", "none", "one of 0"])
    def test_is_read_and_its_compression_seen(self, path, compression, records):
        path.write_bytes(COMPRESSED[compression](file_of(records)))
        with RecordReader(path) as reader:
            assert reader.compression == compression
            assert list(reader) == records
        with RecordReader(path, compression=compression) as reader:
            assert list(reader) == records

    @pytest.mark.parametrize("compression", ["auto", "GZIP", "ZLIB", None])
    def test_an_empty_file_has_no_records(self, path, compression):
        path.write_bytes(b"")
        assert list(RecordReader(path, compression=compression)) == []

    def test_records_say_where_they_came_from(self, path):
        path.write_bytes(file_of(RECORDS))
        with RecordReader(path) as reader:
            assert next(reader) == RECORDS[0]
            rest = list(reader.records())
        assert rest[0] == Record(b"", str(path), 16 + 5)
        assert [record.offset for record in rest] == [21, 37, 37 + 16 + 300]
        assert rest[0].place == f"{path} @ byte 21"

    @pytest.mark.parametrize("compression", COMPRESSED)
    def test_records_come_together_as_they_are_read(self, path, compression):
        records = [bytes([i]) * 40_000 for i in range(60)]  # more than is read at once
        path.write_bytes(COMPRESSED[compression](file_of(records)))
        whole = list(RecordReader(path).records())
        with RecordReader(path) as reader:
            begun = list(islice(reader.records(), 2))
            blocks = list(iter(reader.read_block, ([], [])))
            assert reader.read_block() == ([], [])
        rest = [Record(*row) for data, at in blocks for row in zip(data, repeat(str(path)), at)]
        assert [*begun, *rest] == whole
        assert 1 < len(blocks) < len(records)

    @pytest.mark.parametrize("level", range(10))
    def test_every_level_of_zlib_is_seen(self, path, level):
        path.write_bytes(zlib.compress(file_of(RECORDS), level))
        with RecordReader(path) as reader:
            assert (reader.compression, list(reader)) == ("ZLIB", RECORDS)

    @pytest.mark.parametrize("length", [0x9C78, 0x088B1F])
    def test_a_length_that_looks_like_a_compressed_stream(self, path, length):
        path.write_bytes(file_of([bytes(length)]))
        with RecordReader(path) as reader:
            assert reader.compression is None
            assert list(reader) == [bytes(length)]

    @pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
    def test_all_streams_of_a_joined_file_are_read(self, path, compression):
        # TensorFlow 1.15 stops after the first without a word.
        compress = COMPRESSED[compression]
        cut_inside_a_record = file_of(RECORDS)[:30], file_of(RECORDS)[30:]
        path.write_bytes(b"".join(map(compress, (*cut_inside_a_record, b"", frame(b"more")))))
        assert list(RecordReader(path)) == [*RECORDS, b"more"]

    def test_a_record_larger_than_any_buffer(self, path):
        large = bytes(range(256)) * (1 << 13)
        path.write_bytes(file_of([b"a", large, b"b"]))
        assert list(RecordReader(path)) == [b"a", large, b"b"]

    def test_stays_at_its_end(self, path):
        path.write_bytes(frame(b"a"))
        reader = RecordReader(path)
        assert list(reader) == [b"a"]
        assert list(reader) == []

    def test_is_closed_by_its_context(self, path):
        path.write_bytes(file_of(RECORDS))
        with RecordReader(path) as reader:
            next(reader)
        with pytest.raises(ValueError, match="closed"):
            next(reader)


class TestManyAtATime:
    @SAME_FOLDER
    @given(
        records=st.lists(st.binary(max_size=40), max_size=8),
        takes=st.lists(st.sampled_from([0, 1, 2, 3]), max_size=8),
        compression=st.sampled_from(list(COMPRESSED)),
    )
    def test_every_way_takes_from_the_same_stream(self, path, records, takes, compression):
        path.write_bytes(COMPRESSED[compression](file_of(records)))
        taken = []
        with RecordReader(path) as reader:
            for count in takes:
                more = reader.read_many(count) if count else [*islice(reader, 1)]
                assert more == records[len(taken) : len(taken) + (count or 1)]
                taken += more
            blocks = list(reader.blocks())
            assert reader.read_many(1) == []
        assert taken + [data for block in blocks for data in block.data()] == records
        offsets = [offset for block in blocks for offset in block.frame_offsets.tolist()]
        ends = accumulate((16 + len(record) for record in records), initial=0)
        assert offsets == list(ends)[len(taken) : len(records)]

    def test_blocks_hold_the_bytes_of_the_file(self, path):
        path.write_bytes(file_of(RECORDS))
        with RecordReader(path) as reader:
            (block,) = reader.blocks()
        assert (block.path, block.offset) == (str(path), 0)
        assert bytes(block.buffer) == path.read_bytes()
        assert block.lengths.tolist() == [len(record) for record in RECORDS]
        with pytest.raises(ValueError, match="read-only"):
            block.buffer[0] = 1

    @pytest.mark.parametrize("size", [1, 700, 90_000])
    def test_blocks_stay_as_they_were_whatever_is_read_between_them(self, path, size):
        records = [bytes([i % 256]) * size for i in range(3_000_000 // (size + 100))]
        path.write_bytes(file_of(records))
        with RecordReader(path) as reader:
            found, kept = [], []
            while part := reader.read_many(7):
                found += part
                block = next(reader.blocks(), None)
                if block is not None:
                    kept.append((block, len(found)))
                    found += block.data()
                found += reader.read_many(5000 // size + 1)
        assert found == records
        for block, begin in kept:
            assert block.data() == records[begin : begin + len(block.starts)]

    def test_blocks_stay_as_they_were(self, path):
        records = [bytes([i]) * 100_000 for i in range(20)]
        path.write_bytes(file_of(records))
        with RecordReader(path) as reader:
            blocks = list(reader.blocks())
        assert len(blocks) > 3
        assert [data for block in blocks for data in block.data()] == records

    def test_what_comes_before_damage_comes_first(self, path):
        path.write_bytes(file_of(RECORDS) + b"garbage")
        with RecordReader(path) as reader:
            assert reader.read_many(100) == RECORDS
            for _ in range(2):
                with pytest.raises(CorruptRecordError, match="found 7 bytes"):
                    reader.read_many(100)
            with pytest.raises(CorruptRecordError, match="found 7 bytes"):
                list(reader.blocks())

    def test_counts_the_bytes_it_has_read(self, path):
        data = gzip.compress(file_of([bytes(1_000_000), b"a"]))
        path.write_bytes(data)
        with RecordReader(path) as reader:
            list(reader)
            assert reader.num_bytes_read == len(data)

    def test_at_least_one(self, path):
        path.write_bytes(b"")
        with pytest.raises(ValueError, match="count: expected at least 1, found 0"):
            RecordReader(path).read_many(0)


class TestDamage:
    def problem(self, path, data, records=(), **options):
        """The error of a file that must deliver just `records` before it."""
        path.write_bytes(data)
        delivered, error = read_until_error(path, **options)
        assert delivered == list(records)
        assert type(error) is CorruptRecordError
        return str(error)

    def test_length_checksum(self, path):
        data = frame(b"sound") + header(3)[:8] + b"\x01\x02\x03\x04" + bytes(7)
        assert self.problem(path, data, [b"sound"]) == (
            "expected length checksum 0x04030201, as stored, found "
            f"0x{int.from_bytes(header(3)[8:], 'little'):08x} computed from the length 3\n"
            f"  at {path} @ byte 21"
        )

    def test_data_checksum(self, path):
        data = frame(b"sound") + frame(b"abc")[:-4] + b"\x01\x02\x03\x04"
        assert self.problem(path, data, [b"sound"]) == (
            "expected data checksum 0x04030201, as stored, found "
            f"0x{int.from_bytes(frame(b'abc')[-4:], 'little'):08x} computed from 3 bytes of data\n"
            f"  at {path} @ byte 21"
        )

    def test_cut_in_the_header(self, path):
        # TensorFlow 1.15 takes up to 11 bytes of damage for the end of the file.
        problem = self.problem(path, frame(b"sound") + header(3)[:11], [b"sound"])
        assert "expected a record header of 12 bytes, found 11 bytes before the end" in problem

    def test_cut_in_the_data(self, path):
        problem = self.problem(path, frame(b"sound") + frame(b"abc")[:-2], [b"sound"])
        assert "expected 3 bytes of data and 4 of checksum, found 5 bytes before" in problem

    @pytest.mark.parametrize(
        ("length", "expected"),
        [
            (2**31 - 1, "expected 2147483647 bytes of data and 4 of checksum, found 3 bytes"),
            (2**31, "expected a record of less than 2 GiB, found a length of 2147483648 bytes"),
            (2**40, "expected a record of less than 2 GiB, found a length of 1099511627776"),
            (2**64 - 1, "expected a record of less than 2 GiB, found a length of 184467440737095"),
        ],
    )
    @pytest.mark.parametrize("compression", COMPRESSED)
    def test_an_absurd_length_is_not_believed(self, path, length, expected, compression):
        # TensorFlow 1.15 asks for that much memory, and its process dies of it.
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        data = COMPRESSED[compression](frame(b"sound") + header(length) + b"abc")
        assert expected in self.problem(path, data, [b"sound"])
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB

    @pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
    def test_a_compressed_stream_without_its_end(self, path, compression):
        # TensorFlow 1.15 does not miss the checksum at a gzip member's end.
        data = COMPRESSED[compression](file_of(RECORDS))
        for missing in (1, 4):
            problem = self.problem(path, data[:-missing], RECORDS)
            assert f"the {compression} stream is cut" in problem
            assert problem.endswith(f"@ byte {len(file_of(RECORDS))} of the uncompressed stream")

    @pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
    def test_other_bytes_after_a_compressed_stream(self, path, compression):
        for garbage in (b"garbage", bytes(8)):
            data = COMPRESSED[compression](file_of(RECORDS)) + garbage
            problem = self.problem(path, data, RECORDS)
            assert f"or another {compression} stream after the last, found other" in problem

    @pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
    def test_a_wrong_check_value_of_a_compressed_stream(self, path, compression):
        data = bytearray(COMPRESSED[compression](file_of(RECORDS)))
        data[-5 if compression == "GZIP" else -1] ^= 1
        path.write_bytes(data)
        records, error = read_until_error(path)
        assert records == RECORDS
        with pytest.raises(CorruptRecordError, match="stream is damaged: incorrect data check"):
            raise error

    @pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
    def test_what_could_be_decompressed_before_the_damage_is_delivered(self, path, compression):
        records = [random.Random(i).randbytes(100) for i in range(20)]
        data = COMPRESSED[compression](file_of(records))
        for at in range(60, len(data), 97):
            path.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
            found, error = read_until_error(path)
            assert isinstance(error, CorruptRecordError)
            # Random bytes are stored as they are, so that the damage is in one record or two.
            assert len(found) >= (at - 60) // 116 - 1
            assert found == records[: len(found)]

    def test_a_damaged_record_inside_a_compressed_stream(self, path):
        damaged = bytearray(file_of(RECORDS))
        damaged[-5] ^= 1
        problem = self.problem(path, gzip.compress(damaged), RECORDS[:-1])
        assert "expected data checksum" in problem
        assert "of the uncompressed stream" in problem

    @pytest.mark.parametrize(
        ("written", "read", "hint"),
        [
            (None, "GZIP", "it looks like compression=None"),
            (None, "ZLIB", "it looks like compression=None"),
            ("GZIP", None, "it looks like compression='GZIP'"),
            ("GZIP", "ZLIB", "it looks like compression='GZIP'"),
            ("ZLIB", None, "it looks like compression='ZLIB'"),
            ("ZLIB", "GZIP", "it looks like compression='ZLIB'"),
        ],
    )
    def test_the_wrong_compression_is_named(self, path, written, read, hint):
        data = COMPRESSED[written](file_of(RECORDS))
        problem = self.problem(path, data, compression=read)
        assert f'{hint}; compression="auto" finds out' in problem

    @pytest.mark.parametrize(
        "data",
        [b"PK", b"some text, in no way a file of records", bytes(99)],
        ids=["short", "text", "zeros"],
    )
    @pytest.mark.parametrize("compression", ["auto", "GZIP", "ZLIB", None])
    def test_not_a_record_file(self, path, data, compression):
        problem = self.problem(path, data, compression=compression)
        assert "may not be a TFRecord file" in problem

    def test_is_raised_again(self, path):
        path.write_bytes(frame(b"a") + b"garbage")
        reader = RecordReader(path)
        assert next(reader) == b"a"
        for _ in range(2):
            with pytest.raises(CorruptRecordError, match="found 7 bytes"):
                next(reader)

    @SAME_FOLDER
    @given(records=st.lists(st.binary(max_size=40), min_size=1, max_size=4), data=st.data())
    def test_no_changed_byte_is_accepted(self, path, records, data):
        whole = bytearray(file_of(records))
        position = data.draw(st.integers(0, len(whole) - 1))
        whole[position] ^= data.draw(st.integers(1, 255))
        path.write_bytes(whole)
        self.check_damage_noticed(path, records, position)

    @SAME_FOLDER
    @given(records=st.lists(st.binary(max_size=40), min_size=1, max_size=4), data=st.data())
    def test_no_cut_is_accepted(self, path, records, data):
        whole = file_of(records)
        ends = {0, *(len(file_of(records[:count])) for count in range(1, len(records) + 1))}
        length = data.draw(st.integers(0, len(whole)).filter(lambda length: length not in ends))
        path.write_bytes(whole[:length])
        self.check_damage_noticed(path, records, length)

    def check_damage_noticed(self, path, records, position):
        """Just the records that end before `position` are delivered, then an error."""
        delivered, error = read_until_error(path)
        sound = 0
        while len(file_of(records[: sound + 1])) <= position:
            sound += 1
        assert delivered == records[:sound]
        assert type(error) is CorruptRecordError

    @SAME_FOLDER
    @given(data=st.binary(max_size=200), compression=st.sampled_from(["auto", *COMPRESSED]))
    @example(data=b"\x1f", compression="auto")
    @example(data=b"\x1f\x8b\x08", compression="auto")
    @example(data=b"\x78\x9c", compression="auto")
    def test_garbage_gives_no_record(self, path, data, compression):
        path.write_bytes(data)
        records, error = read_until_error(path, compression=compression)
        assert records == []
        assert (error is None) == (data == b"")

    @SAME_FOLDER
    @given(data=st.data(), compression=st.sampled_from(["GZIP", "ZLIB"]))
    def test_a_changed_byte_of_a_compressed_file_changes_no_record(self, path, data, compression):
        # gzip's header holds a few bytes, such as the time, that nothing depends on.
        whole = bytearray(COMPRESSED[compression](file_of(RECORDS)))
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(whole)
        records, error = read_until_error(path)
        assert records == RECORDS[: len(records)]
        assert error is not None or records == RECORDS


class TestArguments:
    def test_a_missing_file(self, path):
        with pytest.raises(FileNotFoundError, match=path.name):
            RecordReader(path)

    def test_a_directory(self, tmp_path):
        with pytest.raises(IsADirectoryError, match=tmp_path.name):
            RecordReader(tmp_path)

    @pytest.mark.wrong_types
    def test_an_unknown_compression(self, path):
        with pytest.raises(
            ValueError, match="compression: expected None, 'GZIP', 'ZLIB', 'auto', found 'LZ4'"
        ):
            RecordReader(path, compression="LZ4")

    @pytest.mark.wrong_types
    def test_an_unknown_way_with_damage(self, path):
        with pytest.raises(ValueError, match="on_corruption: expected 'raise' or 'skip', found"):
            RecordReader(path, on_corruption="ignore")
