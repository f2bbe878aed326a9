"""The exceptions of the library.

A message says what was expected and what was found; `at` says where; `hint` says what to do.
"""

import operator
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

_MOST_NAMES = 100


class VarlenError(Exception):
    """The base of all errors of this library.

    Args:
        problem: what was expected and what was found, in one sentence.
        at: where: a file and byte, a feature and step, an argument and row.
        hint: what else helps, or what to do about it.
    """

    def __init__(self, problem: str, *, at: str | None = None, hint: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at
        self.hint = hint

    def __str__(self) -> str:
        lines = [self.problem]
        if self.at:
            lines.append(f"  at {self.at}")
        if self.hint:
            lines.append(f"  {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        # Exception pickles its positional arguments only; worker processes must not lose the rest.
        return (type(self), (self.problem,), {"at": self.at, "hint": self.hint})


class CorruptRecordError(VarlenError, ValueError):
    """The bytes of a record file are damaged. `at` names the file and the byte."""


class FeatureError(VarlenError, ValueError):
    """A record is sound, but its features are not those that the specification asks for."""


class CheckpointError(VarlenError, ValueError):
    """A run folder or checkpoint is missing, damaged, or made by something else."""


class ConfigError(VarlenError, ValueError):
    """A setting has a value that cannot be used."""


class OutOfRangeError(VarlenError):
    """A queue is closed and holds too few elements, or a stream has ended."""


class CancelledError(VarlenError):
    """An operation was refused or ended because its queue was closed."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Ends a message about an unknown name: what there is, and the likeliest of it."""
    names = sorted(known)
    if not names:
        return "there are none"
    listed = ", ".join(repr(n) for n in names[:_MOST_NAMES])
    if more := names[_MOST_NAMES:]:
        listed += f" and {len(more):,} more"
    close = get_close_matches(name, names, n=1)
    return f"there are: {listed}" + (f". Did you mean {close[0]!r}?" if close else "")


def check_integer(value: Any, argument: str, *, at_least: int) -> None:
    """Refuses what is not an integer, or too small a one.

    Raises:
        TypeError: not an integer.
        ValueError: below `at_least`.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{argument}: expected an integer, found {value!r}") from None
    if isinstance(value, bool):
        raise TypeError(f"{argument}: expected an integer, found {value!r}")
    if number < at_least:
        raise ValueError(f"{argument}: expected at least {at_least}, found {value}")
