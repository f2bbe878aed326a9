"""A progress bar over the bytes of files, where somebody watches."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

# Work that is done sooner shows no bar.
_DELAY_SECONDS = 0.5


@contextmanager
def byte_bar(what: str, paths: Sequence[str]) -> Iterator[Callable[[int], None]]:
    """Shows a bar over the bytes of some files, if the standard error is a terminal.

    Gives what moves it on, by a number of bytes.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from tqdm import tqdm  # not before: it takes as long to import as a small file to read

    total = sum(os.stat(path).st_size for path in paths if os.path.isfile(path))
    with tqdm(
        total=total or None, desc=what, unit="B", unit_scale=True, delay=_DELAY_SECONDS
    ) as bar:

        def advance(num_bytes: int) -> None:
            bar.update(num_bytes)

        yield advance
