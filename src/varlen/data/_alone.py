"""A source that would share itself among the workers of a DataLoader, kept from doing so."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from torch.utils.data import get_worker_info
from torch.utils.data._utils import worker

T = TypeVar("T")


class _Alone:
    """Tells this process for a while that it is the only worker. Any thread may, and within it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._num_calls = 0  # that are being made
        self._told: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._num_calls:
                self._told = told = worker._worker_info
                if told is not None:
                    worker._worker_info = worker.WorkerInfo(
                        id=0, num_workers=1, seed=told.seed, dataset=told.dataset
                    )
            self._num_calls += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._num_calls -= 1
            if not self._num_calls:
                worker._worker_info = self._told


_ALONE = _Alone()


def call_alone(function: Callable[[], T]) -> T:
    """What `function` returns, while `get_worker_info` says that there is no other worker.

    An iterable that asks for it, as those of Hugging Face do, gives each worker other items, and a
    pass whose workers take turns would lose most of them.
    """
    if get_worker_info() is None:
        return function()
    with _ALONE:
        return function()
