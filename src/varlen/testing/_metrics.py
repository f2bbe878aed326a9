"""The laws that every metric is held to."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from varlen.testing._sequences import FILLS, LENGTHS, MakeRow, padded_batch


def check_metric(metric: Callable[..., Any], make_row: MakeRow, *, seed: int = 0) -> None:
    """Holds a metric, whose results may be added, to the laws of variable length.

    Padding is invisible, whatever it holds; rows without steps change nothing; the order of the
    batch is free; the results of parts of a batch add up to that of the whole.

    Args:
        metric: called as `metric(*sequences)`, a `PaddedSequence` of each tensor of a row;
            returns a dataclass of counts.
        make_row: draws a row of so many steps.
        seed: of the draws.

    Raises:
        AssertionError: a law does not hold; the message names it.
    """
    torch.manual_seed(seed)
    for lengths in LENGTHS:
        rows = [make_row(n) for n in lengths]
        whole = metric(*padded_batch(make_row, rows))
        for fill in FILLS:
            loose = metric(*padded_batch(make_row, rows, extra=3, fill=fill))
            _assert_same(loose, whole, f"padding is invisible (padding {fill[0]} and {fill[1]})")
        with_empty = [*rows, *(make_row(0) for _ in rows)]
        found = metric(*padded_batch(make_row, with_empty))
        _assert_same(found, whole, "rows without steps change nothing")
        order = torch.randperm(len(rows)).tolist()
        other = metric(*padded_batch(make_row, [rows[i] for i in order]))
        _assert_same(other, whole, "the order of the batch is free")
        first, rest = (metric(*padded_batch(make_row, r)) for r in (rows[:1], rows[1:]))
        _assert_same(first + rest, whole, "batches add up")


def _assert_same(actual: Any, expected: Any, law: str) -> None:
    """Equal in kind and every count; sums of floating numbers, up to rounding."""
    assert type(actual) is type(expected), f"{law}: {type(actual)} against {type(expected)}"
    if dataclasses.is_dataclass(expected):
        for field in dataclasses.fields(expected):
            one, other = getattr(actual, field.name), getattr(expected, field.name)
            _assert_same(one, other, f"{law}: {field.name}")
    elif isinstance(expected, Mapping):
        assert set(actual) == set(expected), f"{law}: {set(actual)} against {set(expected)}"
        for key in expected:
            _assert_same(actual[key], expected[key], f"{law}: {key!r}")
    elif isinstance(expected, float):
        close = math.isclose(actual, expected, rel_tol=1e-9)
        assert close, f"{law}: {actual} against {expected}"
    else:
        assert actual == expected, f"{law}: {actual!r} against {expected!r}"
