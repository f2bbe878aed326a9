"""Bad calls of queues and of what runs them, by the words that describe them."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from varlen.data import (
    Coordinator,
    FIFOQueue,
    PaddingFIFOQueue,
    PriorityQueue,
    QueueRunner,
    RandomShuffleQueue,
    batch,
    batch_join,
    bucket_by_sequence_length,
    maybe_batch,
    range_input_producer,
    shuffle_batch,
    slice_input_producer,
    string_input_producer,
)
from varlen.errors import CancelledError, OutOfRangeError

API = "tf queues"


def enqueue(values: Any, **arguments: Any) -> Callable[[], Any]:
    return lambda: _two(**arguments).enqueue(values, timeout=10.0)


def enqueue_many(values: Any) -> Callable[[], Any]:
    return lambda: _two().enqueue_many(values, timeout=10.0)


def _two(**arguments: Any) -> FIFOQueue:
    return FIFOQueue(10, ["int32", "float32"], [[], [2]], **arguments)


def stopped_with(*errors: Exception) -> Callable[[], Any]:
    def call() -> None:
        coordinator = Coordinator()
        for error in errors:
            coordinator.request_stop(error)
        coordinator.join()

    return call


def stopped_with_straggler(**arguments: Any) -> Callable[[], Any]:
    def call() -> None:
        coordinator = Coordinator()
        may_end = threading.Event()
        thread = threading.Thread(target=may_end.wait)
        thread.start()
        coordinator.request_stop()
        try:
            coordinator.join([thread], stop_grace_period_secs=0.05, **arguments)
        finally:
            may_end.set()
            thread.join()

    return call


def reported_after_join() -> None:
    coordinator = Coordinator()
    coordinator.request_stop()
    coordinator.join()
    coordinator.request_stop(KeyError("a"))


def raised_inside() -> None:
    coordinator = Coordinator()
    with coordinator.stop_on_exception():
        raise KeyError("a")
    coordinator.join()


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
ROWS = [[1], [1, 2]]
CALLS |= {
    (function.__name__, what): lambda f=function, args=arguments, kw=keywords: list(f(*args, **kw))
    for function, what, arguments, keywords in [
        (batch, "no tensors", ([()], 2), {}),
        (batch, "unknown dimension without dynamic_pad", (ROWS, 2), {"dynamic_pad": False}),
        (batch, "unknown rank with dynamic_pad", ([1, [1]], 2), {}),
        (batch_join, "no tensor lists", ([], 2), {}),
        (batch_join, "different dtypes", ([[1], [1.5]], 2), {}),
        (batch_join, "different static shapes", ([ROWS, ROWS], 4), {"dynamic_pad": False}),
        (batch_join, "dicts with different keys", ([[{"a": 1}], [{"b": 1}]], 2), {}),
        (shuffle_batch, "capacity <= min_after_dequeue", ([1], 2, 4, 4), {}),
        (maybe_batch, "vector keep_input without enqueue_many", (ROWS, [True, False], 2), {}),
        (maybe_batch, "matrix keep_input", (ROWS, [[True]], 2), {"enqueue_many": True}),
        (bucket_by_sequence_length, "no boundaries", (len, ROWS, 2, []), {}),
        (bucket_by_sequence_length, "boundaries not a list", (len, ROWS, 2, 3), {}),
        (bucket_by_sequence_length, "non-integer boundaries", (len, ROWS, 2, [1.0, 2.0]), {}),
        (bucket_by_sequence_length, "a single non-integer boundary", (len, ROWS, 2, [1.5]), {}),
        (bucket_by_sequence_length, "boundaries not increasing", (len, ROWS, 2, [3, 3]), {}),
        (bucket_by_sequence_length, "batch_size list of the wrong length", (len, [], [2], [3]), {}),
        (
            bucket_by_sequence_length,
            "unknown dimension without dynamic_pad",
            (len, ROWS, 2, [3]),
            {"dynamic_pad": False},
        ),
    ]
}
CALLS |= {
    ("range_input_producer", "num_epochs=0"): lambda: range_input_producer(3, num_epochs=0),
    ("string_input_producer", "an empty python list"): lambda: string_input_producer([]),
    ("slice_input_producer", "no tensors"): lambda: slice_input_producer([]),
    ("QueueRunner", "no queue"): QueueRunner,
    ("QueueRunner", "queue_closed_exception_types not a tuple of errors"): lambda: QueueRunner(
        _two(), [print], queue_closed_exception_types=[ValueError]
    ),
}
CALLS |= {
    ("Coordinator", what): call
    for what, call in {
        "join with a thread still alive after the grace period": stopped_with_straggler(),
        "the same with ignore_live_threads=True": stopped_with_straggler(ignore_live_threads=True),
        "request_stop(KeyError) then join": stopped_with(KeyError("a")),
        "request_stop(OutOfRangeError) then join": stopped_with(OutOfRangeError("a")),
        "request_stop(CancelledError) then join": stopped_with(CancelledError("a")),
        "two exceptions reported: the first is raised by join": stopped_with(
            KeyError("a"), IndexError("b")
        ),
        "an exception reported after join is raised at once": reported_after_join,
        "exception inside stop_on_exception, raised by join": raised_inside,
    }.items()
}
SOUND: dict[tuple[str, str], Callable[[], Any]] = {
    (API, "an int32 tensor as priority"): lambda: PriorityQueue(10, "int32", [[]]).enqueue(
        [torch.tensor(3, dtype=torch.int32), 1]
    ),
}
