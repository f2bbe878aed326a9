"""The files that a conversion reads: where they are, how far it came, and what they warn of."""

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from varlen.formats import Progress
from varlen.records import open_bytes


@contextmanager
def progress_bar(paths: Sequence[str], num_passes: int) -> Iterator[Progress]:
    """A bar along the bytes of files that are read several times, on a terminal."""
    sizes = [os.path.getsize(path) if os.path.isfile(path) else 0 for path in paths]
    # Of a pipe, nobody knows how much will come.
    total = num_passes * sum(sizes) if all(sizes) else None
    with tqdm(total=total, desc="convert", unit="B", unit_scale=True, disable=None) as bar:
        yield bar.update


@contextmanager
def local_files(paths: Sequence[str], *, pipes_too: bool) -> Iterator[list[str]]:
    """The files, with copies of what is none, as the standard input, if `pipes_too`."""
    if not pipes_too:
        yield list(paths)
        return
    with tempfile.TemporaryDirectory(prefix="varlen-") as folder:
        yield [
            path if os.path.isfile(path) else _copy(path, Path(folder) / _name(path, number))
            for number, path in enumerate(paths)
        ]


@contextmanager
def shown_warnings() -> Iterator[None]:
    """Shows warnings as this command line shows errors."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        tqdm.write(f"warning: {message}", file=sys.stderr)  # above a bar that is shown

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


def _copy(path: str, beside: Path) -> str:
    with open_bytes(path) as source, beside.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    return str(beside)


def _name(path: str, number: int) -> str:
    return "standard-input" if path == "-" else f"{number}-{os.path.basename(path)}"
