import gzip

import pytest

from varlen import CorruptRecordError
from varlen.formats import read_text


def rows_of(*paths, **options):
    return list(read_text([str(path) for path in paths], lambda _: None, **options))


def test_a_file_is_one_text_as_it_is(tmp_path):
    text = "First line\r\n\n  é\t\n no end of line"
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "empty.txt").touch()
    rows = rows_of(tmp_path / "a.txt", tmp_path / "empty.txt", tmp_path / "b.txt.gz")
    assert [row.context for row in rows] == [{"text": text}] * 2
    assert rows[0].place == f"{tmp_path / 'a.txt'}, line 1"
    assert rows[0].sequences == {}


def test_a_large_file_is_cut_where_lines_end(tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"{'é' * n}\n" for n in (3, 4, 2, 30, 1)))
    rows = rows_of(tmp_path / "a.txt", most=10)
    assert [len(row.context["text"]) for row in rows] == [9, 3, 31, 2]
    assert "".join(row.context["text"] for row in rows) == (tmp_path / "a.txt").read_text()
    assert [row.place.rpartition(" ")[2] for row in rows] == ["1", "3", "4", "5"]


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"fine\nnot \xff\n")
    with pytest.raises(
        CorruptRecordError, match=r"expected UTF-8, found byte 0xff at column 5\n"
    ) as e:
        rows_of(tmp_path / "a.txt")
    assert e.value.at == f"{tmp_path / 'a.txt'}, line 2"
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"some text" * 100)[:-20])
    with pytest.raises(CorruptRecordError, match="the gzip file is damaged"):
        rows_of(tmp_path / "b.txt.gz")
