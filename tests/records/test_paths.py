import pytest

from records.frames import file_of
from varlen import CorruptRecordError, Record, expand_paths, open_records


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current directory, with a few record files."""
    for name in ("b-1.tfrecord", "a-10.tfrecord", "a-2.tfrecord", "deep/er/c.tfrecord"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file_of([name.encode(), b"end"]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestExpandPaths:
    def test_matches_come_sorted(self, folder):
        assert expand_paths("*.tfrecord") == ["a-10.tfrecord", "a-2.tfrecord", "b-1.tfrecord"]
        assert expand_paths("a-[0-9].tfrecord") == ["a-2.tfrecord"]
        assert expand_paths("**/c.tfrecord") == ["deep/er/c.tfrecord"]

    def test_a_list_keeps_its_order(self, folder):
        assert expand_paths(["b-1.tfrecord", "a-*"]) == [
            "b-1.tfrecord",
            "a-10.tfrecord",
            "a-2.tfrecord",
        ]

    def test_takes_paths(self, folder):
        assert expand_paths(folder / "b-1.tfrecord") == [str(folder / "b-1.tfrecord")]
        assert len(expand_paths(path for path in folder.glob("a*"))) == 2

    def test_a_name_that_is_a_pattern_too(self, folder):
        (folder / "a[1].tfrecord").touch()
        assert expand_paths("a[1].tfrecord") == ["a[1].tfrecord"]

    def test_directories_are_no_matches(self, folder):
        with pytest.raises(FileNotFoundError, match="no file matches"):
            expand_paths("dee*")
        with pytest.raises(IsADirectoryError, match=r"perhaps deep/er/\*"):
            expand_paths("deep/er")

    def test_nothing_matches(self, folder):
        with pytest.raises(
            FileNotFoundError, match=r"no file matches; near: .*'b-1.tfrecord'.*: 'b-\*.tfrecords'"
        ):
            expand_paths(["a-2.tfrecord", "b-*.tfrecords"])

    def test_no_such_file(self, folder):
        with pytest.raises(
            FileNotFoundError, match=r"no such file; near: 'a-2.tfrecord', .*: 'a-3.tfrecord'"
        ):
            expand_paths("a-3.tfrecord")

    def test_no_such_directory(self, folder):
        with pytest.raises(
            FileNotFoundError, match="no such file, nor can directory 'nowhere' be listed"
        ):
            expand_paths("nowhere/a.tfrecord")

    def test_an_empty_list(self):
        with pytest.raises(ValueError, match="paths: expected at least one file or pattern"):
            expand_paths([])


class TestOpenRecords:
    def test_reads_one_file_after_the_other(self, folder):
        assert list(open_records(["b*", "a-2.tfrecord"])) == [
            Record(b"b-1.tfrecord", "b-1.tfrecord", 0),
            Record(b"end", "b-1.tfrecord", 28),
            Record(b"a-2.tfrecord", "a-2.tfrecord", 0),
            Record(b"end", "a-2.tfrecord", 28),
        ]

    def test_looks_the_files_up_at_once(self, folder):
        with pytest.raises(FileNotFoundError):
            open_records("none*")

    def test_damage_names_its_file(self, folder):
        (folder / "c.tfrecord").write_bytes(b"garbage")
        with pytest.raises(CorruptRecordError, match=r"c\.tfrecord @ byte 0"):
            list(open_records(["b*", "c*"]))

    def test_passes_the_compression_on(self, folder):
        with pytest.raises(CorruptRecordError, match="GZIP"):
            next(open_records("a*", compression="GZIP"))
