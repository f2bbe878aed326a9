"""Folders and files that appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from varlen.errors import ConfigError


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Says, before any work, whether `whole_folder` may put a folder there.

    Raises:
        ConfigError: there is something that is not to be lost.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ConfigError("expected a path for a new folder, found a file", at=str(folder))
    names = sorted(path.name for path in folder.iterdir())
    if names and not overwrite:
        raise ConfigError(
            "the folder is there already, and is not empty",
            at=str(folder),
            hint="give another one, or --overwrite to lose what is in this one",
        )
    ours = (".tfrecord", ".tfrecord.index")
    if foreign := [name for name in names if not name.endswith(ours)]:
        raise ConfigError(
            f"only a folder of .tfrecord files can be overwritten, found {foreign[0]!r}",
            at=str(folder),
        )


def check_file(file: Path, *, overwrite: bool | None) -> None:
    """Says, before any work, whether `whole_file` may put a file there.

    Args:
        file: where.
        overwrite: whether one that is there may be lost; None if the command never does that.

    Raises:
        ConfigError: there is something that is not to be lost.
    """
    if file.is_dir():
        raise ConfigError("expected a path for a new file, found a folder", at=str(file))
    if file.exists() and not overwrite:
        raise ConfigError(
            "the file is there already",
            at=str(file),
            hint="give another one" + (", or --overwrite to lose it" if overwrite is False else ""),
        )


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` to write into, which takes its place if all goes well."""
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    beside.mkdir()
    try:
        yield beside
        if folder.exists():
            before = folder.with_name(f".{folder.name}.replaced-{os.getpid()}")
            folder.rename(before)
            beside.rename(folder)
            shutil.rmtree(before)
        else:
            beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """A file beside `file` to write, which takes its place if all goes well."""
    beside = file.with_name(f".{file.name}.partial-{os.getpid()}")
    try:
        yield beside
        with beside.open("rb+") as written:
            os.fsync(written.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
