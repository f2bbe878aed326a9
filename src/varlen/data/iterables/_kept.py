"""Which elements are kept: what `keep_input` means to the batch functions."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from varlen.data.iterables._blocks import rows


def elements_of(items: Iterable[Any], *, enqueue_many: bool) -> Iterator[Any]:
    """The items, or the elements that each of them holds."""
    return rows(items) if enqueue_many else iter(items)


def kept(owner: str, items: Iterable[Any], keep_input: Any, *, enqueue_many: bool) -> Iterator[Any]:
    """The elements that are to be kept, as soon as they are asked for.

    Args:
        owner: how the function is called in messages.
        items: give the elements.
        keep_input: a function that is asked for each item, or one answer for all.
        enqueue_many: whether an item holds many elements. There may be an answer for each then.

    Raises:
        ValueError: answers that are not one for the item or, with `enqueue_many`, one for each
            row: at once if it is no function, otherwise while iterating.
    """
    if not callable(keep_input):
        _checked(owner, keep_input, enqueue_many)
    return _kept(owner, items, keep_input, enqueue_many)


def _kept(owner: str, items: Iterable[Any], keep_input: Any, enqueue_many: bool) -> Iterator[Any]:
    for item in items:
        answer = keep_input(item) if callable(keep_input) else keep_input
        flags = _checked(owner, answer, enqueue_many)
        if not enqueue_many:
            if flags:
                yield item
            continue
        elements = list(rows([item]))
        if flags.ndim and len(flags) != len(elements):
            raise ValueError(
                f"{owner}: keep_input: expected an answer for each of the {len(elements)} rows, "
                f"found {len(flags)}"
            )
        flags = np.broadcast_to(flags, len(elements))
        yield from (element for element, keep in zip(elements, flags, strict=True) if keep)


def _checked(owner: str, answer: Any, enqueue_many: bool) -> Any:
    flags = np.asarray(answer, bool)
    if flags.ndim > int(enqueue_many):
        expected = "one answer, or one for each row" if enqueue_many else "one answer"
        raise ValueError(f"{owner}: keep_input: expected {expected}, found shape {flags.shape}")
    return flags
