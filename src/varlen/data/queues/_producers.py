"""TensorFlow 1's input producers: numbers, strings or rows, for some epochs, in some order."""

import random
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import torch

from varlen.data._stack import as_array
from varlen.data.queues._fill import fill
from varlen.data.queues._queues import FIFOQueue
from varlen.errors import OutOfRangeError, check_integer


def range_input_producer(
    limit: int,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
) -> FIFOQueue:
    """A queue of the int32 numbers from 0 to `limit - 1`, again and again.

        >>> list(range_input_producer(3, num_epochs=1, shuffle=False))
        [np.int32(0), np.int32(1), np.int32(2)]

    A thread fills the queue. It ends with the last epoch, or when the queue is closed or forgotten.

    Args:
        limit: how many numbers. 0 ends at once.
        num_epochs: how often, before the queue closes; None goes on for ever.
        shuffle: whether each epoch has an order of its own.
        seed: the same seed gives the same orders.
        capacity: of the queue.

    Raises:
        TypeError: an argument that is not an integer.
        ValueError: no epochs, or a negative limit.
    """
    check_integer(limit, "range_input_producer: limit", at_least=0)
    _check_epochs("range_input_producer", num_epochs)
    queue = FIFOQueue(capacity, "int32", [[]])
    fill(queue, _epochs(limit, num_epochs, shuffle, seed))
    return queue


def string_input_producer(
    string_tensor: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
) -> FIFOQueue:
    """A queue of the given strings, such as file names, again and again.

    A thread fills the queue. It ends with the last epoch, or when the queue is closed or forgotten.

    Args:
        string_tensor: a list or array of bytes or text. (An empty array is an error at once; in
            TensorFlow it was one when threads were joined.)
        num_epochs: how often, before the queue closes; None goes on for ever.
        shuffle: whether each epoch has an order of its own.
        seed: the same seed gives the same orders.
        capacity: of the queue.

    Raises:
        TypeError: what is no string, or an argument that is not an integer.
        ValueError: no strings, not one axis of them, or no epochs.
    """
    strings = as_array(string_tensor, lambda _: "string_input_producer: string_tensor", 0)
    if strings.ndim != 1 or not len(strings):
        raise ValueError(
            "string_input_producer: string_tensor: expected a list of at least one string, found "
            f"shape {strings.shape}"
        )
    for i, string in enumerate(strings):
        if not isinstance(string, bytes | str):
            raise TypeError(
                f"string_input_producer: string_tensor[{i}]: expected a string, found {string!r}"
            )
    _check_epochs("string_input_producer", num_epochs)
    queue = FIFOQueue(capacity, "string", [[]])
    numbers = _epochs(len(strings), num_epochs, shuffle, seed)
    fill(queue, (strings[i] for i in numbers))
    return queue


def slice_input_producer(
    tensor_list: Sequence[Any],
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
) -> "Slices":
    """An iterator over rows: each time a list of the same row of every tensor.

        >>> for x, y in slice_input_producer([[1, 2], ["a", "b"]], num_epochs=1, shuffle=False):
        ...     print(x, y)
        1 a
        2 b

    The rows are those of the first tensor; what others have more is never used.

    Args:
        tensor_list: arrays, tensors or lists with at least one axis.
        num_epochs: how often, before the end; None goes on for ever.
        shuffle: whether each epoch has an order of its own.
        seed: the same seed gives the same orders.
        capacity: how many rows are chosen ahead.

    Returns:
        An iterator that several threads may use. When a tensor lacks the row, it raises a
        ValueError.

    Raises:
        TypeError: an argument that is not an integer.
        ValueError: no tensors, a tensor without an axis, or no epochs.
    """
    if not tensor_list:
        raise ValueError(
            "slice_input_producer: tensor_list: expected at least one tensor, found none"
        )
    tensors = [
        tensor
        if isinstance(tensor, torch.Tensor)
        else as_array(tensor, lambda i: f"slice_input_producer: tensor_list[{i}]", i)
        for i, tensor in enumerate(tensor_list)
    ]
    for i, tensor in enumerate(tensors):
        if not tensor.ndim:
            raise ValueError(
                f"slice_input_producer: tensor_list[{i}]: expected rows, found a scalar"
            )
    _check_epochs("slice_input_producer", num_epochs)
    queue = FIFOQueue(capacity, "int64", [[]])
    fill(queue, _epochs(len(tensors[0]), num_epochs, shuffle, seed))
    return Slices(queue, tensors)


class Slices(Iterator[list[Any]]):
    """What `slice_input_producer` returns: rows, as a queue gives their numbers."""

    def __init__(self, queue: FIFOQueue, tensors: Sequence[Any]) -> None:
        self._queue = queue
        self._tensors = tensors

    def __next__(self) -> list[Any]:
        try:
            number = self._queue.dequeue()
        except OutOfRangeError:
            raise StopIteration from None
        for i, tensor in enumerate(self._tensors):
            if number >= len(tensor):
                raise ValueError(
                    f"slice_input_producer: tensor_list[{i}]: expected {len(self._tensors[0])} "
                    f"rows, as in the first tensor, found {len(tensor)}"
                )
        return [tensor[number] for tensor in self._tensors]


def _epochs(limit: int, num_epochs: int | None, shuffle: bool, seed: int | None) -> Iterator[int]:
    """The numbers below `limit`, once for each epoch; none at all end an endless stream, too."""
    chance = random.Random(seed)
    for _ in range(num_epochs) if num_epochs is not None else count():
        if not limit:
            return
        yield from chance.sample(range(limit), limit) if shuffle else range(limit)


def _check_epochs(owner: str, num_epochs: int | None) -> None:
    if num_epochs is not None:
        check_integer(num_epochs, f"{owner}: num_epochs", at_least=1)
