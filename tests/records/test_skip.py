"""Reading on behind damage: what is lost, what is not, and what is said."""

import gzip
import time
import warnings
from itertools import accumulate

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.frames import file_of, frame, header
from varlen import RecordReader
from varlen._native import NATIVE

SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
GARBAGE = b"\x07" * 30


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.tfrecord"


def read(path, data, compression=None):
    """The records that are there, and the places that are not."""
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with RecordReader(path, compression=compression, on_corruption="skip") as reader:
            return list(reader), [place[:2] for place in reader.lost]


def changed(data, at, by=1):
    return data[:at] + bytes([data[at] ^ by]) + data[at + 1 :]


class TestOnlyTheDamagedIsLost:
    def test_a_sound_file(self, path):
        assert read(path, file_of([b"a", b""])) == ([b"a", b""], [])
        assert read(path, b"") == ([], [])

    @pytest.mark.parametrize("at", range(16 + 3), ids=lambda at: f"byte {at}")
    def test_a_changed_byte(self, path, at):
        data = frame(b"one") + changed(frame(b"two"), at) + frame(b"three")
        assert read(path, data) == ([b"one", b"three"], [(19, 19)])

    def test_bytes_that_were_put_in(self, path):
        data = frame(b"one") + GARBAGE + frame(b"two")
        assert read(path, data) == ([b"one", b"two"], [(19, 30)])
        assert read(path, GARBAGE + frame(b"two")) == ([b"two"], [(0, 30)])
        assert read(path, frame(b"one") + GARBAGE) == ([b"one"], [(19, 30)])

    def test_bytes_that_are_missing_in_the_middle(self, path):
        first = frame(b"first" * 10)
        data = first[:40] + first[45:] + file_of([b"two", b"three"])
        assert read(path, data) == ([b"two", b"three"], [(0, len(first) - 5)])

    @pytest.mark.parametrize("missing", [1, 4, 5, 6, 10, 17])
    def test_the_end_is_missing(self, path, missing):
        data = file_of([b"one", b"two"])[:-missing]
        assert read(path, data) == ([b"one"], [(19, 19 - missing)])

    def test_damaged_neighbours_are_one_place(self, path):
        data = frame(b"one") + changed(frame(b"two"), 13) + changed(frame(b"three"), 0)
        assert read(path, data + frame(b"four")) == ([b"one", b"four"], [(19, 40)])

    def test_frames_inside_of_damaged_data_are_not_records(self, path):
        outer = frame(b"head" + file_of([b"inner", b"inner"]))
        data = frame(b"one") + changed(outer, 13) + frame(b"two")
        assert read(path, data) == ([b"one", b"two"], [(19, len(outer))])
        assert read(path, frame(b"one") + changed(outer, 13))[0] == [b"one"]

    def test_a_length_that_is_too_large(self, path):
        data = frame(b"one") + header(2**40) + frame(b"two")
        assert read(path, data) == ([b"one", b"two"], [(19, 12)])

    def test_damage_around_the_ends_of_blocks(self, path, monkeypatch):
        monkeypatch.setattr("varlen.records._blocks._BLOCK_SIZE", 256)
        large = bytes(range(256)) * 3
        for length in (*range(256 - 40, 256 + 3), 1000):
            data = frame(b"one") + bytes(length) + frame(b"two") + changed(frame(large), 500)
            assert read(path, data + frame(b"three")) == (
                [b"one", b"two", b"three"],
                [(19, length), (19 + length + 19, len(large) + 16)],
            )

    @SAME_FOLDER
    @given(records=st.lists(st.binary(max_size=40), max_size=6), data=st.data())
    def test_any_records_with_any_bytes_between_and_in_them(self, path, records, data):
        # Garbage holds no sound header except by a chance of one in four thousand millions.
        written, pieces = [], []
        for record in records:
            damage = data.draw(st.sampled_from(["none", "before", "changed", "cut"]))
            piece = frame(record)
            if damage == "before":
                piece = data.draw(st.binary(min_size=1, max_size=30)) + piece
            elif damage == "changed":
                piece = changed(
                    piece,
                    data.draw(st.integers(0, len(piece) - 1)),
                    data.draw(st.integers(1, 255)),
                )
            elif damage == "cut":
                at = data.draw(st.integers(0, len(piece) - 1))
                piece = piece[:at] + piece[at + data.draw(st.integers(1, 4)) :]
            pieces.append(piece)
            if damage in ("none", "before"):
                written.append(record)
        found, lost = read(path, b"".join(pieces))
        assert found == written
        num_sound = sum(16 + len(record) for record in found)
        assert num_sound + sum(num_bytes for _, num_bytes in lost) == path.stat().st_size
        assert sorted(lost) == lost


class TestCompressed:
    def test_damage_of_a_record(self, path):
        data = gzip.compress(frame(b"one") + changed(frame(b"two"), 13) + frame(b"three"))
        assert read(path, data, "GZIP") == ([b"one", b"three"], [(19, 19)])

    def test_damage_of_the_stream_ends_it(self, path):
        whole = file_of([b"one", b"two"])
        assert read(path, gzip.compress(whole)[:-4], "GZIP") == ([b"one", b"two"], [(38, 0)])
        assert read(path, gzip.compress(whole) + GARBAGE, "GZIP") == ([b"one", b"two"], [(38, 0)])
        assert read(path, gzip.compress(whole[:-1]) + GARBAGE, "GZIP") == ([b"one"], [(19, 18)])

    def test_records_behind_damage_before_the_end_of_the_stream(self, path):
        data = frame(b"one") + changed(frame(b"two"), 13) + frame(b"three") + header(50) + b"four"
        stream = gzip.compress(data)[:-8]
        assert read(path, stream, "GZIP") == ([b"one", b"three"], [(19, 19), (19 + 19 + 21, 16)])


class TestWhatIsSaid:
    def test_names_the_places(self, path):
        path.write_bytes(frame(b"one") + GARBAGE + frame(b"two") + changed(frame(b"three"), 13))
        with pytest.warns(UserWarning, match="passed over: 2, with 51 bytes") as said:
            assert list(RecordReader(path, on_corruption="skip")) == [b"one", b"two"]
        (warning,) = said
        assert f"{path}: " in str(warning.message)
        assert "\n  @ byte 19: expected length checksum 0x07070707" in str(warning.message)
        assert "\n  @ byte 68: expected data checksum" in str(warning.message)

    def test_names_some_of_many_places(self, path):
        path.write_bytes((frame(b"one") + GARBAGE) * 12)
        with pytest.warns(UserWarning, match="passed over: 12, with 360 bytes") as said:
            assert list(RecordReader(path, on_corruption="skip")) == [b"one"] * 12
        assert str(said[0].message).count("@ byte") == 5
        assert str(said[0].message).endswith("\n  and 7 more")

    def test_says_what_it_knows_when_closed_early(self, path):
        path.write_bytes(GARBAGE + frame(b"one") * 2)
        reader = RecordReader(path, on_corruption="skip")
        assert next(reader) == b"one"
        with pytest.warns(UserWarning, match="passed over: 1, with 30 bytes"):
            reader.close()
        reader.close()

    def test_lost_says_why(self, path):
        path.write_bytes(GARBAGE + frame(b"one"))
        reader = RecordReader(path, on_corruption="skip")
        with pytest.warns(UserWarning, match="passed over"):
            list(reader)
        (place,) = reader.lost
        assert (place.offset, place.num_bytes) == (0, 30)
        assert place.problem.startswith("expected length checksum 0x07070707, as stored")

    def test_a_sound_file_says_nothing(self, path):
        path.write_bytes(frame(b"one"))
        assert list(RecordReader(path, on_corruption="skip")) == [b"one"]


@pytest.mark.skipif(not NATIVE, reason="the plain twin takes minutes to search so much")
def test_headers_that_lie_take_no_quadratic_time(path):
    # Each claims that all the rest of the file is its data, and nothing stands behind any.
    num_headers = 20_000
    sizes = accumulate([12] * num_headers)
    lies = b"".join(header(12 * num_headers - size + 8000) for size in sizes)
    begin = time.perf_counter()
    records, lost = read(path, lies + b"\x07" * 20_000)
    assert time.perf_counter() - begin < 5
    assert records == []
    assert lost == [(0, 12 * num_headers + 20_000)]
