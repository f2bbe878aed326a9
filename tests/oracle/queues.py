"""Queues, step by step, and producers."""

from typing import Any

import numpy as np
import pytest

from varlen import data
from varlen.errors import CancelledError, OutOfRangeError

from .case import Case, assert_equal
from .reasons import LeftOut

ERRORS: dict[str, Any] = {
    "Cancelled": CancelledError,
    "OutOfRange": OutOfRangeError,
    "InvalidArgument": ValueError,
}
BLOCKED_SECONDS = 0.05
NEVER_SECONDS = 10.0


def covers_script(case: Case) -> None:
    if case.name.endswith("queue_priority_up_to_quirk"):
        raise LeftOut("Q16")


def run_script(case: Case) -> None:
    make = getattr(data, case.entry["api"].removeprefix("tf."))
    queue = make(**case.entry["kwargs"])
    steps = case.entry["steps"]
    is_random = make is data.RandomShuffleQueue
    seen: list[Any] = []
    expected: list[Any] = []
    for number, step in enumerate(steps):
        if "error" in step:
            with pytest.raises(ERRORS[step["error"]]):
                _do(case, queue, number, step)
            continue
        if step.get("blocks"):
            with pytest.raises(TimeoutError):
                _do(case, queue, number, step)
            continue
        found = _do(case, queue, number, step)
        if "value" in step:
            assert found == step["value"], f"step {number}"
        components = _components(found) if "outs" in step else []
        assert len(components) == step.get("outs", 0)
        for i, component in enumerate(components):
            wanted = _array(case, f"step/{number:03}/out/{i}")
            if is_random:
                assert np.shape(component) == wanted.shape
                seen += np.ravel(component).tolist()
                expected += wanted.ravel().tolist()
            else:
                assert_equal(component, wanted, f"step {number}, component {i}")
                assert np.asarray(component).dtype == wanted.dtype or wanted.dtype == object
    if is_random and queue.is_closed():
        assert sorted(seen) == sorted(expected)


def covers_producer(case: Case) -> None:
    assert case.entry["end"] in (None, "OutOfRange", "InvalidArgument")


def run_producer(case: Case) -> None:
    make = getattr(data, case.entry["api"].removeprefix("tf.train."))
    arguments = dict(case.entry["kwargs"])
    if "tensor/0" in case.arrays:
        arguments["tensor_list"] = [case.arrays[f"tensor/{i}"] for i in range(2)]
    if "string_tensor" in arguments:
        arguments["string_tensor"] = [s.encode() for s in arguments["string_tensor"]]
    if case.entry["join_error"]:
        # An error at once, where TensorFlow's reached who joined the threads.
        with pytest.raises(ERRORS[case.entry["join_error"]]):
            make(**arguments)
        return
    items = iter(make(**arguments))
    for number in range(case.entry["items"]):
        for i, component in enumerate(_components(next(items))):
            key = f"item/{number:03}/{i}"
            assert_equal(component, _array(case, key), key)
    if case.entry["end"] is not None:
        ends = {**ERRORS, "OutOfRange": StopIteration}
        with pytest.raises(ends[case.entry["end"]]):
            next(items)


def _do(case: Case, queue: Any, number: int, step: dict[str, Any]) -> Any:
    """Calls the operation of a step, which ends in a TimeoutError if it blocks."""
    method = getattr(queue, step["op"])
    if step["op"] in ("size", "is_closed"):
        return method()
    if step["op"] == "close":
        return method(step["cancel_pending_enqueues"])
    arguments: list[Any] = [step["n"]] if "n" in step else []
    if "args" in step:
        values = [_array(case, f"step/{number:03}/arg/{i}") for i in range(step["args"])]
        names = case.entry["kwargs"].get("names")
        arguments = [values if names is None else dict(zip(names, values, strict=True))]
    timeout = BLOCKED_SECONDS if step.get("blocks") else NEVER_SECONDS
    return method(*arguments, timeout=timeout)


def _components(found: Any) -> list[Any]:
    if isinstance(found, dict):
        return list(found.values())
    return found if isinstance(found, list) else [found]


def _array(case: Case, key: str) -> np.ndarray:
    return case.strings(key) if f"{key}.bytes" in case.arrays else case.arrays[key]
