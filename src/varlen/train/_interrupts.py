"""Ctrl-C between two steps rather than within one, so that what is saved is of one moment."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Stopped(KeyboardInterrupt):
    """Ctrl-C, at a place where nothing is half done."""


@contextmanager
def deferred_interrupts() -> Iterator[Callable[[], None]]:
    """Holds back the first Ctrl-C or SIGTERM; gives what raises `Stopped` if there was one.

    A second one comes through at once. Other threads than the main one have no signals, and so
    nothing is held back.
    """
    pending: list[int] = []

    def hold(number: int, frame: Any) -> None:
        if pending:
            raise KeyboardInterrupt
        pending.append(number)

    def check() -> None:
        if pending:
            raise Stopped

    if threading.current_thread() is not threading.main_thread():
        yield check
        return
    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
