"""Files that are not in a file: pipes and URLs. And files that are large."""

import os
import resource
import subprocess
import sys
import threading

import pytest

from records.frames import file_of, header
from varlen import CorruptRecordError, RecordReader, expand_paths, open_records
from varlen.errors import ConfigError

RECORDS = [b"first", b"", b"third " * 50_000, b"\x00\xff"]
PRINT_LENGTHS = (
    "from varlen.records import RecordReader\n"
    "with RecordReader('-') as reader: print(reader.compression, [len(x) for x in reader])"
)


def run(program, data):
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class TestPipes:
    def test_the_standard_input(self):
        assert run(PRINT_LENGTHS, file_of(RECORDS)) == (0, "None [5, 0, 300000, 2]\n", "")
        assert run(PRINT_LENGTHS, b"") == (0, "None []\n", "")

    def test_damage_in_the_standard_input(self):
        status, _, problem = run(PRINT_LENGTHS, file_of(RECORDS)[:-1])
        assert status == 1
        assert "CorruptRecordError: expected 2 bytes of data and 4 of checksum, found 5" in problem
        assert f"  at - @ byte {len(file_of(RECORDS[:3]))}" in problem

    def test_a_named_pipe_that_is_written_byte_by_byte(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        data = file_of([b"first", b"", b"third"])

        def write():
            with open(tmp_path / "pipe", "wb", buffering=0) as pipe:
                for i in range(len(data)):
                    pipe.write(data[i : i + 1])

        writer = threading.Thread(target=write)
        writer.start()
        with RecordReader(tmp_path / "pipe") as reader:
            assert list(reader) == [b"first", b"", b"third"]
        writer.join()


class TestURLs:
    @pytest.fixture
    def url(self):
        fsspec = pytest.importorskip("fsspec")
        memory = fsspec.filesystem("memory")
        memory.pipe("/records/b.tfrecord", file_of(RECORDS))
        memory.pipe("/records/a.tfrecord", file_of([b"a"]))
        yield "memory://records"
        memory.rm("/records", recursive=True)

    def test_is_read(self, url):
        with RecordReader(f"{url}/b.tfrecord") as reader:
            assert list(reader) == RECORDS
            assert reader.num_bytes_read == len(file_of(RECORDS))

    def test_patterns(self, url):
        assert expand_paths(f"{url}/*.tfrecord") == [
            "memory:///records/a.tfrecord",
            "memory:///records/b.tfrecord",
        ]
        assert [record.data for record in open_records(f"{url}/*")] == [b"a", *RECORDS]
        assert expand_paths([f"{url}/b.tfrecord"]) == [f"{url}/b.tfrecord"]

    def test_nothing_is_there(self, url):
        with pytest.raises(FileNotFoundError):
            RecordReader(f"{url}/c.tfrecord")
        with pytest.raises(FileNotFoundError, match=r"no file matches: 'memory://records/c\*'"):
            expand_paths(f"{url}/c*")

    def test_an_unknown_kind(self):
        pytest.importorskip("fsspec")
        with pytest.raises(ConfigError, match="nowhere"):
            RecordReader("nowhere://a.tfrecord")

    def test_without_fsspec(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "fsspec.core", None)
        with pytest.raises(ImportError, match=r"needs the package fsspec\n  pip install 'varlen"):
            RecordReader("memory://records/b.tfrecord")


class TestLarge:
    def test_a_record_of_2_gib(self, tmp_path):
        path = tmp_path / "large.tfrecord"
        with path.open("wb") as file:
            file.write(header(1 << 31))
            file.truncate(12 + (1 << 31) + 4)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(
            CorruptRecordError, match="less than 2 GiB, found a length of 2147483648"
        ):
            next(RecordReader(path))
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
