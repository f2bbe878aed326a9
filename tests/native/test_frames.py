"""The operations on frames, compiled and plain: what they do, and that they do the same."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from records.frames import file_of, frame, header
from varlen import _native
from varlen._native import _reference_frames

VERSIONS = [_reference_frames]
if _native.NATIVE:
    from varlen._native import _C  # noqa: TID251 - the compiled version beside its twin

    VERSIONS.append(_C)

RECORDS = st.lists(st.binary(max_size=40), max_size=5)
MOST_DATA = 2**31 - 1


@st.composite
def damaged_files(draw) -> bytes:
    """Frames with bytes changed, cut out and put in."""
    data = bytearray(file_of(draw(RECORDS)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        removed = draw(st.integers(0, 3))
        data[at : at + removed] = draw(st.binary(max_size=20))
    return bytes(data)


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def lists(arrays: tuple[np.ndarray, ...]) -> list[list[int]]:
    assert all(array.dtype == np.int64 for array in arrays)
    return [array.tolist() for array in arrays]


@pytest.mark.parametrize("version", VERSIONS)
class TestEveryVersion:
    @given(records=RECORDS)
    def test_scan_finds_every_frame(self, version, records):
        starts, lengths = version.scan_frames(file_of(records), 0)
        assert version.slice_bytes(file_of(records), starts, lengths) == records

    def test_scan_begins_where_it_is_told_and_stops_at_damage(self, version):
        data = frame(b"one") + frame(b"two") + frame(b"three")[:-1] + b"x" + frame(b"four")
        assert lists(version.scan_frames(data, 0)) == [[12, 31], [3, 3]]
        assert lists(version.scan_frames(data, 19)) == [[31], [3]]
        assert lists(version.scan_frames(data, 20)) == [[], []]
        assert lists(version.scan_frames(data, len(data))) == [[], []]

    def test_lengths_that_are_too_large_are_no_frames(self, version):
        for length in (MOST_DATA, MOST_DATA + 1, 2**63, 2**64 - 1):
            data = header(length) + bytes(20)
            assert lists(version.scan_frames(data, 0)) == [[], []]
            assert version.find_header(data, 0) == (0 if length == MOST_DATA else -1)

    def test_find_header(self, version):
        data = b"garbage" + frame(b"one") + frame(b"two")
        assert version.find_header(data, 0) == 7
        assert version.find_header(data, 7) == 7
        assert version.find_header(data, 8) == 7 + 19
        assert version.find_header(data, 7 + 20) == -1
        assert version.find_header(data[:18], 0) == -1
        assert version.find_header(b"", 0) == -1

    def test_frame_lengths(self, version):
        data = frame(b"one") + frame(b"") + frame(b"three")[:-1]
        offsets = numbers(19, 0, 35, 1, len(data), len(data) + 1, -1, 2**62, -(2**63))
        assert version.frame_lengths(data, offsets).tolist() == [0, 3, -1, -1, -1, -1, -1, -1, -1]

    @given(records=RECORDS)
    def test_frame_records(self, version, records):
        assert version.frame_records(records) == file_of(records)

    @pytest.mark.wrong_types
    def test_only_bytes_are_framed(self, version):
        with pytest.raises(TypeError, match="expected a list of bytes"):
            version.frame_records([b"a", "b"])

    def test_takes_any_buffer(self, version):
        data = np.frombuffer(frame(b"one"), np.uint8)
        for buffer in (data, bytearray(data), memoryview(data)):
            assert lists(version.scan_frames(buffer, 0)) == [[12], [3]]
            assert version.slice_bytes(buffer, numbers(12), numbers(3)) == [b"one"]

    @pytest.mark.parametrize("begin", [-1, 4, 2**62])
    def test_positions_outside_the_buffer(self, version, begin):
        for function in (version.scan_frames, version.find_header):
            with pytest.raises(IndexError, match="outside the buffer"):
                function(b"abc", begin)

    @pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, -1), (0, 4), (4, 0), (3, 2**62)])
    def test_slices_outside_the_buffer(self, version, start, length):
        with pytest.raises(IndexError, match="outside the buffer"):
            version.slice_bytes(b"abc", numbers(0, start), numbers(0, length))

    def test_slices_with_a_length_too_few(self, version):
        with pytest.raises(ValueError, match="expected as many lengths as starts"):
            version.slice_bytes(b"abc", numbers(0, 1), numbers(1))

    @pytest.mark.parametrize(("data", "expected"), [(b"", 0xA282EAD8), (b"123456789", 0xE3069283)])
    def test_masked_checksum(self, version, data, expected):
        if data:
            expected = ((expected >> 15 | expected << 17) + 0xA282EAD8) % 2**32
        assert version.masked_crc32c(data) == expected


@given(data=damaged_files(), begin=st.integers(0, 60))
@example(data=header(2**31) + bytes(16), begin=0)
def test_versions_agree_on_damaged_bytes(data, begin):
    begin = min(begin, len(data))
    offsets = np.arange(len(data) + 2)
    found = {
        (
            str(lists(version.scan_frames(data, begin))),
            version.find_header(data, begin),
            bytes(version.frame_lengths(data, offsets)),
        )
        for version in VERSIONS
    }
    assert len(found) == 1
