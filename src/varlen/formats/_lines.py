"""The lines of text files, plain or gzip."""

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader

from varlen.errors import CorruptRecordError
from varlen.records import open_bytes

from ._row import Progress

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_LINE = 1 << 28


def read_lines(path: str, progress: Progress) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers, from 1, as they come; a byte order mark is left out.

    Args:
        path: a file, a URL, or `-` for the standard input.
        progress: told of the bytes that are read.

    Raises:
        OSError: the file is missing or cannot be read.
        CorruptRecordError: the gzip file is damaged or cut, or a line is endless.
    """
    with open_bytes(path) as counted, BufferedReader(counted) as file:
        is_gzip = file.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
        stream = gzip.GzipFile(fileobj=file) if is_gzip else file
        number, num_told = 0, 0
        try:
            while line := stream.readline(_LONGEST_LINE):
                number += 1
                if len(line) == _LONGEST_LINE:
                    raise CorruptRecordError(
                        f"expected lines below {_LONGEST_LINE} bytes, found a longer one",
                        at=f"{path}, line {number}",
                    )
                if counted.num_read != num_told:
                    progress(counted.num_read - num_told)
                    num_told = counted.num_read
                yield number, line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise CorruptRecordError(f"the gzip file is damaged: {error}", at=path) from error


def decode_line(line: bytes, place: str) -> str:
    """A line as text.

    Raises:
        CorruptRecordError: it is no UTF-8.
    """
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise CorruptRecordError(
            f"expected UTF-8, found byte {line[error.start]:#04x} at column {error.start + 1}",
            at=place,
        ) from error
