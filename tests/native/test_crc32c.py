import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen import _native
from varlen._native import _reference

VERSIONS = [_reference.crc32c]
if _native.NATIVE:
    from varlen._native import _C  # noqa: TID251 - the portable version has no other door

    VERSIONS += [_C.crc32c, _C.crc32c_portable]


@pytest.mark.parametrize("crc32c", VERSIONS)
class TestEveryVersion:
    # RFC 3720, appendix B.4, and the usual check value.
    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            (b"", 0),
            (b"123456789", 0xE3069283),
            (bytes(32), 0x8A9136AA),
            (b"\xff" * 32, 0x62A8AB43),
            (bytes(range(32)), 0x46DD794E),
            (bytes(range(31, -1, -1)), 0x113FDB5C),
        ],
    )
    def test_published_values(self, crc32c, data, expected):
        assert crc32c(data) == expected

    def test_continues_in_pieces(self, crc32c):
        data = random.Random(1).randbytes(1000)
        for cut in (0, 1, 7, 8, 9, 500, 999, 1000):
            assert crc32c(data[cut:], crc32c(data[:cut])) == crc32c(data)

    def test_takes_any_buffer_and_nothing_else(self, crc32c):
        assert crc32c(bytearray(b"123456789")) == crc32c(memoryview(b"123456789")) == 0xE3069283
        with pytest.raises(TypeError):
            crc32c("123456789")


@given(size=st.integers(0, 2000), seed=st.integers(0, 2**32), offset=st.integers(0, 9))
def test_versions_agree_at_every_size_and_alignment(size, seed, offset):
    view = memoryview(random.Random(seed).randbytes(offset + size))[offset:]
    assert len({crc32c(view) for crc32c in VERSIONS}) == 1
