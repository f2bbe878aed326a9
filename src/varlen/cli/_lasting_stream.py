"""A stream that may lose its reader while work goes on."""

from collections.abc import Callable
from io import TextIOBase
from typing import Any, TextIO


class LastingStream:
    """Writes as long as somebody reads; afterwards what is written is lost, and nothing else.

    A training is not to end because a terminal was closed, or the program behind a pipe.

    Args:
        stream: where to.
    """

    def __init__(self, stream: TextIO | TextIOBase) -> None:
        self._stream = stream
        self._is_read = True

    def write(self, text: str) -> int:
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, action: Callable[[], object]) -> None:
        if self._is_read:
            try:
                action()
            except OSError:
                self._is_read = False
