"""Ctrl-C between two steps rather than within one, so that what is saved is of one moment."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Stopped(KeyboardInterrupt):
    """Ctrl-C, at a place where nothing is half done."""


@contextmanager
def deferred_interrupts(*, only_first: bool) -> Iterator[Callable[[], bool]]:
    """Holds back Ctrl-C, SIGTERM and SIGHUP; gives what says whether there was one.

    Other threads than the main one have no signals, and so nothing is held back.

    Args:
        only_first: whether a second one comes through at once. `torchrun` hands Ctrl-C on to
            processes that have had it from the terminal.
    """
    pending: list[int] = []

    def hold(number: int, frame: Any) -> None:
        if pending and only_first:
            raise KeyboardInterrupt
        pending.append(number)

    def is_pending() -> bool:
        return bool(pending)

    if threading.current_thread() is not threading.main_thread():
        yield is_pending
        return
    before = {
        number: signal.signal(number, hold)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) != signal.SIG_IGN  # as `nohup` has it
    }
    try:
        yield is_pending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
