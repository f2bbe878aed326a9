"""pyarrow, which is an extra, and how its errors are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from varlen.errors import CorruptRecordError


def pyarrow() -> Any:
    """The module.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import pyarrow as arrow  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            "Parquet and Arrow files need the package pyarrow\n  pip install 'varlen[arrow]'"
        ) from error
    return arrow


@contextmanager
def named_damage(path: str) -> Iterator[None]:
    """Makes a CorruptRecordError, which names the file, of what pyarrow has to say against it."""
    try:
        yield
    except (pyarrow().ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # not the file's contents but the file
        raise CorruptRecordError(f"the file is damaged: {error}", at=path) from error
