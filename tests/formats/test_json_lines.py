import io

import numpy as np
import pytest

from formats.rows import features, ignore
from varlen.errors import CorruptRecordError
from varlen.formats import Row, read_json_lines, write_json_lines


def read(tmp_path, content):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    return list(read_json_lines([str(path)], ignore))


def written(context, sequences):
    file = io.BytesIO()
    write_json_lines(file, [Row(context, sequences, "here")])
    return file.getvalue().decode()


def test_lists_are_sequences_and_all_else_is_context(tmp_path):
    [first, second] = read(tmp_path, b'{"a": 1, "b": [1, 2], "c": "x"}\n\n{"b": []}')
    assert (first.context, first.sequences) == ({"a": 1, "c": "x"}, {"b": [1, 2]})
    assert (second.context, second.sequences) == ({}, {"b": []})
    assert second.place.endswith("a.jsonl, line 3")


def test_bytes_are_base64_under_one_key(tmp_path):
    [row] = read(tmp_path, b'{"a": {"b64": "AP8="}, "b": [{"b64": ""}, "x"]}')
    assert features(row) == {"a": b"\x00\xff", "b": [b"", "x"]}
    assert written({"a": b"\x00\xff"}, {"b": [b"", "x"]}) == (
        '{"a": {"b64": "AP8="}, "b": [{"b64": ""}, "x"]}\n'
    )


def test_an_object_whose_only_key_is_that_of_bytes(tmp_path):
    [row] = read(tmp_path, b'{"b64": "AP8="}')
    assert row.context == {"b64": "AP8="}


def test_what_is_no_base64_stays_an_object(tmp_path):
    [row] = read(tmp_path, b'{"a": {"b64": "?"}}')
    assert row.context == {"a": {"b64": "?"}}


def test_a_byte_order_mark_is_left_out(tmp_path):
    [row] = read(tmp_path, b'\xef\xbb\xbf{"a": 1}\n')
    assert row.context == {"a": 1}


@pytest.mark.parametrize("content", [b"[1]", b"{", b'{"a": 1} x', b"\xff\xfe", b"nul"])
def test_lines_that_are_no_object(tmp_path, content):
    with pytest.raises(CorruptRecordError, match=r"a\.jsonl, line 1"):
        read(tmp_path, content)


def test_numbers_of_float32_have_no_more_digits_than_needed():
    values = np.array([0.1, 1 / 3, 1e10, 1e-30, 16777216.0, -0.0, 3e38], np.float32)
    assert written({"x": values[0]}, {"y": values}) == (
        '{"x": 0.1, "y": [0.1, 0.33333334, 10000000000.0, 1e-30, 16777216.0, -0.0, 3e+38]}\n'
    )


def test_every_number_of_float32_is_read_back_as_it_was(tmp_path):
    bits = np.random.default_rng(0).integers(0, 2**32, 20_000, dtype=np.uint32)
    values = np.nan_to_num(bits.view(np.float32))
    line = written({}, {"x": values, "y": [values[:3], values[:0]]})
    [row] = read(tmp_path, line.encode())
    back = np.array(row.sequences["x"], np.float64).astype(np.float32)
    np.testing.assert_array_equal(back, values)
    assert row.sequences["y"][1] == []
    assert row.sequences["x"] == [float(text) for text in values.astype(str)]  # NumPy's shortest


def test_numbers_that_json_does_not_know():
    values = np.array([np.nan, np.inf, -np.inf], np.float32)
    assert written({}, {"x": values}) == '{"x": [NaN, Infinity, -Infinity]}\n'


def test_integers_and_text_are_written_as_they_are():
    sequences = {"i": np.array([2**63 - 1, -1]), "t": ["é\n", "日"]}
    assert written({}, sequences) == '{"i": [9223372036854775807, -1], "t": ["é\\n", "日"]}\n'


def test_progress_is_told_of_every_byte(tmp_path):
    told = []
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n' * 50_000)
    assert sum(1 for _ in read_json_lines([str(path)], told.append)) == 50_000
    assert sum(told) == path.stat().st_size
    assert len(told) > 2
