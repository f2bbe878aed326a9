import gc
import os
import signal
import subprocess
import sys
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.frames import file_of
from varlen import RecordReader, RecordWriter, ShardedWriter

COMPRESSIONS = [None, "GZIP", "ZLIB"]
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.tfrecord"


def write(path, records, **options):
    with RecordWriter(path, **options) as writer:
        for record in records:
            writer.write(record)


class TestRecordWriter:
    def test_writes_the_format(self, path):
        write(path, [b"first", b"", b"third"])
        assert path.read_bytes() == file_of([b"first", b"", b"third"])

    @pytest.mark.parametrize(("compression", "window_bits"), [("GZIP", 31), ("ZLIB", 15)])
    def test_writes_the_format_compressed(self, path, compression, window_bits):
        write(path, [b"first", b""], compression=compression)
        assert zlib.decompress(path.read_bytes(), window_bits) == file_of([b"first", b""])

    @SAME_FOLDER
    @given(records=st.lists(st.binary(max_size=100)), compression=st.sampled_from(COMPRESSIONS))
    def test_round_trip(self, path, records, compression):
        write(path, records, compression=compression)
        assert list(RecordReader(path)) == records
        assert list(RecordReader(path, compression=compression)) == records

    @pytest.mark.parametrize("compression", COMPRESSIONS)
    def test_many_at_a_time(self, path, compression):
        with RecordWriter(path, compression=compression) as writer:
            writer.write_many([b"first", b""])
            writer.write_many([])
            writer.write(b"second")
        assert list(RecordReader(path)) == [b"first", b"", b"second"]

    def test_a_record_of_2_gib(self, path):
        with (
            pytest.raises(ValueError, match="expected less than 2 GiB, found 2147483648 bytes"),
            RecordWriter(path) as writer,
        ):
            writer.write(bytes(2**31))

    def test_the_same_records_give_the_same_bytes(self, tmp_path, monkeypatch):
        monkeypatch.setattr("time.time", lambda: 1e9)
        write(tmp_path / "a", [b"x"] * 10, compression="GZIP")
        monkeypatch.setattr("time.time", lambda: 2e9)
        write(tmp_path / "b", [b"x"] * 10, compression="GZIP")
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_appears_when_closed(self, path):
        writer = RecordWriter(path)
        writer.write(b"a")
        assert not path.exists()
        writer.close()
        writer.close()
        assert list(RecordReader(path)) == [b"a"]
        with pytest.raises(ValueError, match=r"the writer of .* is closed"):
            writer.write(b"b")

    def test_has_the_permissions_of_any_new_file(self, path, tmp_path):
        write(path, [])
        (tmp_path / "any").touch()
        assert path.stat().st_mode == (tmp_path / "any").stat().st_mode

    def test_an_exception_leaves_nothing(self, path, tmp_path):
        with pytest.raises(KeyError), RecordWriter(path) as writer:  # noqa: PT012
            writer.write(b"a")
            raise KeyError
        assert os.listdir(tmp_path) == []

    def test_an_exception_leaves_the_file_from_before(self, path, tmp_path):
        write(path, [b"before"])
        with pytest.raises(KeyError), RecordWriter(path) as writer:  # noqa: PT012
            writer.write(b"a")
            raise KeyError
        assert list(RecordReader(path)) == [b"before"]
        assert os.listdir(tmp_path) == [path.name]
        write(path, [b"after"])
        assert list(RecordReader(path)) == [b"after"]

    def test_forgetting_it_leaves_nothing_and_says_so(self, path, tmp_path):
        writer = RecordWriter(path)
        writer.write(b"a")
        with pytest.warns(UserWarning, match="was never closed, so there is no such file"):  # noqa: PT031
            del writer
            gc.collect()
        assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize("compression", COMPRESSIONS)
    def test_a_failed_write_cannot_be_closed_into_a_file(self, path, tmp_path, compression):
        # The limit on the size of files stands for a full disk.
        program = (
            "import resource, signal, sys; from varlen.records import RecordWriter\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
            f"writer = RecordWriter(sys.argv[1], compression={compression!r})\n"
            "try:\n"
            "    for i in range(100): writer.write(__import__('random').randbytes(10_000))\n"
            "    writer.close()\n"
            "except OSError as error: failed = str(error)\n"
            "writer.close(); assert failed == f'[Errno 27] File too large: {sys.argv[1]!r}', failed"
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, path], capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert os.listdir(tmp_path) == []

    def test_a_killed_writer_leaves_no_file_of_that_name(self, path):
        program = (
            "import sys; from varlen.records import RecordWriter\n"
            "writer = RecordWriter(sys.argv[1])\n"
            "for i in range(1000): writer.write(bytes(1000))\n"
            "print('written', flush=True); sys.stdin.read()"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with process:
            assert process.stdout.readline() == b"written\n"
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert not path.exists()

    def test_a_missing_directory(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"into: .*missing"):
            RecordWriter(tmp_path / "missing" / "some.tfrecord")

    def test_a_directory_in_the_place(self, tmp_path):
        with pytest.raises(IsADirectoryError, match="expected the name of a file"):
            RecordWriter(tmp_path)

    @pytest.mark.parametrize("name", ["-", "memory://x/some.tfrecord"])
    def test_no_name_of_a_file(self, name, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        for make in (RecordWriter, lambda name: ShardedWriter(name, 2)):
            with pytest.raises(ValueError, match=f"found '{name}', which can only be read from"):
                make(name)
        assert os.listdir(tmp_path) == []

    def test_a_pipe_or_device_is_not_replaced(self, path, tmp_path):
        os.mkfifo(path)
        for name in (path, os.devnull):
            with pytest.raises(ValueError, match=f"found '{name}', a device or a pipe"):
                RecordWriter(name)
        assert os.listdir(tmp_path) == [path.name]
        assert path.is_fifo()

    @pytest.mark.wrong_types
    @pytest.mark.parametrize("data", ["text", bytearray(b"a"), [1], None])
    def test_only_bytes_are_records(self, path, data):
        with (
            pytest.raises(TypeError, match=f"data: expected bytes, found {type(data).__name__}"),
            RecordWriter(path) as writer,
        ):
            writer.write_many([b"a", data])
        assert not path.exists()

    @pytest.mark.wrong_types
    def test_an_unknown_compression(self, path, tmp_path):
        with pytest.raises(ValueError, match="compression: expected None, 'GZIP', 'ZLIB', found"):
            RecordWriter(path, compression="auto")
        assert os.listdir(tmp_path) == []
