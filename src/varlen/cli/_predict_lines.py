"""Lines as they come, in as large chunks as are ready; and predictions of like lengths together."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from varlen.errors import FeatureError, VarlenError

_MOST_LINES = 1024
_BATCH_SIZE = 64

T = TypeVar("T")
Line = tuple[int, str]
Predict = Callable[[Sequence[Mapping[str, Any]]], list[dict[str, Any]]]


def lines_of(file: Iterable[bytes | str], name: str) -> Iterator[Line]:
    """The lines of a file of UTF-8 without their ends, numbered from 1.

    Raises:
        FeatureError: a line is other bytes.
    """
    for number, line in enumerate(file, 1):
        try:
            text = line.decode() if isinstance(line, bytes) else line
        except UnicodeDecodeError as error:
            raise FeatureError(
                "expected text in utf-8, found other bytes", at=f"{name}, line {number}"
            ) from error
        yield number, text.rstrip("\r\n")


def ready_chunks(lines: Iterable[Line], most: int = _MOST_LINES) -> Iterator[list[Line]]:
    """Lists of the lines that are there, so that whoever sends one line gets an answer.

    A thread reads ahead, by as many lines as a list can have.
    """
    ready: queue.Queue[Line | BaseException | None] = queue.Queue(most)

    def read() -> None:
        try:
            for line in lines:
                ready.put(line)
            ready.put(None)
        except BaseException as error:  # raised where the lines are wanted
            ready.put(error)

    threading.Thread(target=read, name="varlen-lines", daemon=True).start()
    chunk: list[Line] = []
    while True:
        try:
            item = ready.get(block=not chunk)
        except queue.Empty:
            yield chunk
            chunk = []
            continue
        if isinstance(item, tuple):
            chunk.append(item)
            if len(chunk) < most:
                continue
        if chunk:
            yield chunk
            chunk = []
        if item is None:
            return
        if isinstance(item, BaseException):
            raise item


def until_error(items: Iterable[T], errors: list[VarlenError]) -> Iterator[T]:
    """The items before an error, which is put into the list for whoever has dealt with them."""
    try:
        yield from items
    except VarlenError as error:
        errors.append(error)


def in_order(
    examples: Sequence[Mapping[str, Any]], places: Sequence[str], predict: Predict
) -> Iterator[dict[str, Any]]:
    """The prediction of each example, made in batches of like length.

    Raises:
        FeatureError: an example that cannot be predicted, after the predictions of those before it;
            `at` is its place.
    """
    try:
        found = _in_batches(examples, predict)
    except VarlenError:
        for example, place in zip(examples, places, strict=True):
            yield _predict_alone(example, place, predict)
    else:
        yield from found


def _in_batches(examples: Sequence[Mapping[str, Any]], predict: Predict) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{}] * len(examples)
    order = sorted(range(len(examples)), key=lambda i: _size(examples[i]))
    for begin in range(0, len(order), _BATCH_SIZE):
        numbers = order[begin : begin + _BATCH_SIZE]
        results = predict([examples[i] for i in numbers])
        for i, result in zip(numbers, results, strict=True):
            found[i] = result
    return found


def _predict_alone(example: Mapping[str, Any], place: str, predict: Predict) -> dict[str, Any]:
    try:
        [found] = predict([example])
    except FeatureError as error:
        at = (error.at or "").removeprefix("example 0").removeprefix(": ")
        raise FeatureError(
            error.problem, at=f"{place}: {at}" if at else place, hint=error.hint
        ) from error
    return found


def _size(example: Mapping[str, Any]) -> int:
    return max(
        (len(value) for value in example.values() if isinstance(value, str | list | np.ndarray)),
        default=0,
    )
