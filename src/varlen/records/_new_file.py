"""A file that appears under its name only when it is whole."""

import errno
import os
import secrets
import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from varlen.errors import ConfigError

from ._sources import is_local


def check_local(path: str | os.PathLike[str]) -> None:
    """Refuses what only readers take.

    Raises:
        ConfigError: a URL, or `-`.
    """
    if not is_local(os.fspath(path)):
        raise ConfigError(
            f"path: expected the name of a file to write, found {str(path)!r}, which can only be "
            "read from"
        )


class NewFile:
    """Written beside its target, under another name, and renamed when all is well.

    `seal` makes the bytes safe on the disk, `publish` gives them the name, and `discard` throws
    them away, as do an error and forgetting the object. Whatever stands at `path` stays until
    `publish`.

    Raises:
        FileNotFoundError: there is no such directory.
        IsADirectoryError: `path` is one.
        ConfigError: it is a URL, `-`, a device or a pipe, none of which can be written and renamed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        check_local(path)
        if self.path.exists() and not (self.path.is_file() or self.path.is_dir()):
            raise ConfigError(
                f"path: expected the name of a file, found {str(path)!r}, a device or a pipe"
            )
        if self.path.is_dir():
            raise IsADirectoryError(
                errno.EISDIR, "expected the name of a file, found a directory", str(path)
            )
        if not self.path.parent.is_dir():
            raise FileNotFoundError(
                errno.ENOENT, "no such directory to write into", str(self.path.parent)
            )
        self._beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.tmp")
        self._file: BinaryIO = open(self._beside, "xb")  # noqa: SIM115 - outlives this call
        self._forgotten = weakref.finalize(self, _forget, self._file, self._beside, self.path)

    @property
    def is_open(self) -> bool:
        return self._forgotten.alive

    def write(self, data: bytes) -> None:
        try:  # not `_discarded_on_error`, which takes longer than writing a small record
            self._file.write(data)
        except BaseException as error:
            self._give_up(error)
            raise

    def seal(self) -> None:
        """Writes everything through to the disk and closes the file."""
        with self._discarded_on_error():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def publish(self, path: Path | None = None) -> None:
        """Gives the sealed file its name, or the name `path`, in place of what had it before."""
        with self._discarded_on_error():
            os.replace(self._beside, path or self.path)
        self._forgotten.detach()

    def discard(self) -> None:
        """Removes the file. Discarding again, or after `publish`, does nothing."""
        if self._forgotten.detach() is not None:
            _remove(self._file, self._beside)

    @contextmanager
    def _discarded_on_error(self) -> Iterator[None]:
        # After a failed write, nobody must be able to publish what is there of the file.
        try:
            yield
        except BaseException as error:
            self._give_up(error)
            raise

    def _give_up(self, error: BaseException) -> None:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(self.path)  # a full disk does not say for what
        with suppress(OSError):  # which would hide the first one
            self.discard()


def _remove(file: BinaryIO, beside: Path) -> None:
    try:
        file.close()
    finally:
        beside.unlink(missing_ok=True)


def _forget(file: BinaryIO, beside: Path, path: Path) -> None:
    _remove(file, beside)
    warnings.warn(
        f"the writer of {str(path)!r} was never closed, so there is no such file\n"
        "  write in a `with` statement, or call close()",
        stacklevel=2,
    )
