"""Which files a pattern means."""

import errno
import glob
import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Literal

from ._reader import Record, RecordReader
from ._sources import filesystem, is_local, is_url

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def expand_paths(paths: Paths) -> list[str]:
    """The files that `paths` names, in an order that is the same every time.

    A name is that of a file, or a pattern with `*`, `?`, `[...]`, and `**` for any number of
    directories, whose matches come sorted by name. The names of a list keep their order. URLs and
    `-` are such names as `RecordReader` takes.

    Raises:
        FileNotFoundError: a name or pattern has no file; the message says which are near.
        IsADirectoryError: a name is that of a directory.
        ValueError: an empty list.
    """
    names = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not names:
        raise ValueError("paths: expected at least one file or pattern, found an empty list")
    return [path for name in names for path in _matches(os.fspath(name))]


def open_records(
    paths: Paths, *, compression: Literal["auto", "GZIP", "ZLIB"] | None = "auto"
) -> Iterator[Record]:
    """Iterates over the records of several files, one file after the other.

    Args:
        paths: files and patterns, as for `expand_paths`. They are looked up at once.
        compression: as for `RecordReader`; "auto" sees it for each file by itself.

    Raises:
        What `expand_paths` and `RecordReader` raise.
    """
    return _read_all(expand_paths(paths), compression)


def _read_all(
    files: list[str], compression: Literal["auto", "GZIP", "ZLIB"] | None
) -> Iterator[Record]:
    for file in files:
        with RecordReader(file, compression=compression) as reader:
            yield from reader.records()


def _matches(name: str) -> list[str]:
    if is_url(name):
        return _url_matches(name)
    if not is_local(name):
        return [name]
    if os.path.isdir(name):
        raise IsADirectoryError(
            errno.EISDIR, f"expected files, found a directory; perhaps {name}/*", name
        )
    # Looked at first, since a file may have a name that is a pattern too.
    if os.path.exists(name):
        return [name]
    if glob.has_magic(name):
        matches = sorted(path for path in glob.glob(name, recursive=True) if os.path.isfile(path))
        if matches:
            return matches
        raise FileNotFoundError(errno.ENOENT, f"no file matches{_near(name)}", name)
    raise FileNotFoundError(errno.ENOENT, f"no such file{_near(name)}", name)


def _url_matches(url: str) -> list[str]:
    # Whether there is a file of a plain name is seen when it is opened; to ask takes a journey.
    if not glob.has_magic(url):
        return [url]
    found, pattern = filesystem(url)
    matches = sorted(found.glob(pattern))
    if not matches:
        raise FileNotFoundError(errno.ENOENT, "no file matches", url)
    return [found.unstrip_protocol(path) for path in matches]


def _near(name: str) -> str:
    directory, wanted = os.path.split(name)
    try:
        names = sorted(os.listdir(directory or "."))
    except OSError:
        return "" if glob.has_magic(directory) else f", nor can directory {directory!r} be listed"
    near = get_close_matches(wanted, names, n=3, cutoff=0.5)
    return f"; near: {', '.join(repr(n) for n in near)}" if near else ""
