"""Bad calls of queues, by the words that describe them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from varlen.data import FIFOQueue, PaddingFIFOQueue, PriorityQueue, RandomShuffleQueue

API = "tf queues"


def enqueue(values: Any, **arguments: Any) -> Callable[[], Any]:
    return lambda: _two(**arguments).enqueue(values, timeout=10.0)


def enqueue_many(values: Any) -> Callable[[], Any]:
    return lambda: _two().enqueue_many(values, timeout=10.0)


def _two(**arguments: Any) -> FIFOQueue:
    return FIFOQueue(10, ["int32", "float32"], [[], [2]], **arguments)


CALLS: dict[tuple[str, str], Callable[[], Any]] = {
    (API, what): call
    for what, call in {
        "a dict into a queue without names": enqueue({"a": 1, "b": [1.0, 2.0]}),
        "too few components": enqueue([1]),
        "a list into a queue with names": enqueue([1, [1.0, 2.0]], names=["a", "b"]),
        "components of different batch size": enqueue_many([[1, 2], np.zeros((3, 2))]),
        "enqueue_many of a scalar": enqueue_many([1, [[1.0, 2.0]]]),
        "enqueue of a wrong static shape": enqueue([1, [1.0, 2.0, 3.0]]),
        "a string into an int queue": enqueue(["a", [1.0, 2.0]]),
        "a dict with the wrong keys": enqueue({"a": 1, "c": [1.0, 2.0]}, names=["a", "b"]),
        "one name for two components": lambda: FIFOQueue(10, ["int32", "int32"], names=["a"]),
        "FIFOQueue with an unknown dimension": lambda: FIFOQueue(10, "int32", [[None]]),
        "one shape for two components": lambda: FIFOQueue(10, ["int32", "int32"], [[]]),
        "PaddingFIFOQueue without shapes": lambda: PaddingFIFOQueue(10, "int32", None),
        "PaddingFIFOQueue with unknown rank": lambda: PaddingFIFOQueue(10, "int32", [None]),
        "enqueue without a priority": lambda: PriorityQueue(10, "int32", [[]]).enqueue([1]),
        "min_after_dequeue >= capacity": lambda: RandomShuffleQueue(4, 4, "int32"),
        "min_after_dequeue < 0": lambda: RandomShuffleQueue(4, -1, "int32"),
    }.items()
}
SOUND: dict[tuple[str, str], Callable[[], Any]] = {
    (API, "an int32 tensor as priority"): lambda: PriorityQueue(10, "int32", [[]]).enqueue(
        [torch.tensor(3, dtype=torch.int32), 1]
    ),
}
