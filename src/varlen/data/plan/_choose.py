"""Which examples are in batches: what becomes of those that are too long, or too large."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlen.data.plan._cut import exceeding
from varlen.data.plan._lengths import ExampleLengths, title
from varlen.data.plan._limits import BatchLimits, Budget, TooLong, budget_of
from varlen.data.plan._open_batch import excess_alone, refuse_oversize


@dataclass(frozen=True, eq=False)
class ChosenExamples:
    """The examples that batches are made of.

    Attributes:
        lengths: of all examples, truncated where that is the policy.
        kept: positions of those that are in batches, int64, in rising order.
        too_long: of those longer than `max_length`; left out or truncated, as the policy says.
        oversize: of those that exceed a budget even alone; left out or alone, as the policy says.
    """

    lengths: ExampleLengths
    kept: NDArray[np.int64]
    too_long: NDArray[np.int64]
    oversize: NDArray[np.int64]


def choose(
    lengths: ExampleLengths, limits: BatchLimits, max_length: Budget | None, too_long: TooLong
) -> ChosenExamples:
    """Applies both policies, that of `max_length` first.

    Raises:
        ValueError: a policy is "error" and there is such an example.
    """
    longer = _longer(lengths, max_length, too_long)
    if too_long == "truncate":
        lengths = _truncated(lengths, max_length)
    left_out = longer if too_long == "skip" else np.zeros(len(lengths), bool)
    exceeds = exceeding(limits, lengths) & ~left_out
    if limits.oversize == "error" and exceeds.any():
        raise _refusal(limits, lengths, exceeds)
    if limits.oversize == "skip":
        left_out = left_out | exceeds
    return ChosenExamples(
        lengths, np.flatnonzero(~left_out), np.flatnonzero(longer), np.flatnonzero(exceeds)
    )


def _longer(
    lengths: ExampleLengths, max_length: Budget | None, too_long: TooLong
) -> NDArray[np.bool_]:
    longer = np.zeros(len(lengths), bool)
    for name, steps in lengths.steps.items():
        most = budget_of(max_length, name)
        if most is not None:
            longer |= steps > most
            if too_long == "error" and longer.any():
                i = int(np.argmax(longer))
                raise ValueError(
                    f"{title(name)}: expected at most {most} (max_length), "
                    f"found {steps[i]} in {_examples(longer)}\n"
                    "  too_long='truncate' counts such examples as max_length, 'skip' leaves "
                    "them out"
                )
    return longer


def _truncated(lengths: ExampleLengths, max_length: Budget | None) -> ExampleLengths:
    steps = {}
    for name, array in lengths.steps.items():
        most = budget_of(max_length, name)
        steps[name] = array if most is None else np.minimum(array, most)
    return ExampleLengths(steps, lengths.num_bytes)


def _refusal(
    limits: BatchLimits, lengths: ExampleLengths, exceeds: NDArray[np.bool_]
) -> ValueError:
    i = int(np.argmax(exceeds))
    excess = excess_alone(
        limits,
        {name: int(steps[i]) for name, steps in lengths.steps.items()},
        0 if lengths.num_bytes is None else int(lengths.num_bytes[i]),
    )
    return refuse_oversize(_examples(exceeds), excess or "")


def _examples(which: NDArray[np.bool_]) -> str:
    """The first of some examples, and how many there are."""
    num_others = int(which.sum()) - 1
    others = f" (and in {num_others} more)" if num_others else ""
    return f"example {int(np.argmax(which))}{others}"
