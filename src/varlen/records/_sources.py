"""Where the bytes of a record file come from: a file, a URL, the standard input."""

import io
from typing import Any

from varlen.errors import ConfigError

_BUFFER_SIZE = 1 << 16

STANDARD_INPUT = "-"


def is_url(path: str) -> bool:
    """Whether `path` names something that fsspec opens, such as `s3://bucket/train.tfrecord`."""
    return "://" in path


def is_local(path: str) -> bool:
    """Whether `path` names a file that the operating system opens."""
    return path != STANDARD_INPUT and not is_url(path)


def filesystem(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path in it.

    Raises:
        ImportError: fsspec is not installed, or what it needs for this kind of URL is not.
        ConfigError: there is no such kind of URL.
    """
    try:
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            f"{url!r} needs the package fsspec\n  pip install 'varlen[fsspec]'"
        ) from error
    try:
        found, path = url_to_fs(url)
    except ValueError as error:  # "Protocol not known: foo"
        raise ConfigError(str(error), at=url) from error
    return found, str(path)


class CountedBytes(io.RawIOBase):
    """The bytes of another stream, counted as they are read.

    Attributes:
        num_read: how many there were.
    """

    def __init__(self, stream: Any) -> None:
        self.num_read = 0
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = int(self._stream.readinto(buffer) or 0)
        self.num_read += count
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def open_bytes(path: str) -> CountedBytes:
    """Opens a file, a URL, or with `-` the standard input.

    Raises:
        OSError: it is missing or cannot be read.
        ImportError: a URL, and a package that it needs is not installed.
        ConfigError: there is no such kind of URL.
    """
    if path == STANDARD_INPUT:
        return CountedBytes(io.FileIO(0, closefd=False))
    if is_url(path):
        found, inner = filesystem(path)
        return CountedBytes(found.open(inner, "rb"))
    return CountedBytes(io.FileIO(path))


def buffered(stream: io.RawIOBase) -> io.BufferedReader:
    """`stream` with `peek`, and with large reads that go around the buffer."""
    return io.BufferedReader(stream, _BUFFER_SIZE)
