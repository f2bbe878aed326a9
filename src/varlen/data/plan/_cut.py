"""Examples in a given order, cut into batches that keep the limits, many at a time."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from varlen.buckets import rounded_up
from varlen.data.plan._lengths import ExampleLengths
from varlen.data.plan._limits import BatchLimits, budget_of

_End = Callable[[int], int]  # of the batch that begins with an example, by one of the limits


def exceeding(limits: BatchLimits, lengths: ExampleLengths) -> NDArray[np.bool_]:
    """Which examples exceed a budget even alone, `[examples]`."""
    exceeds = np.zeros(len(lengths), bool)
    if limits.max_bytes is not None and lengths.num_bytes is not None:
        exceeds |= lengths.num_bytes > limits.max_bytes
    for name, steps in lengths.steps.items():
        most = budget_of(limits.max_steps, name)
        if most is not None:
            exceeds |= steps > most
        most = budget_of(limits.max_padded_steps, name)
        if most is not None:
            exceeds |= rounded_up(steps, limits.multiple_of) > most
    return exceeds


def ends_of_batches(limits: BatchLimits, lengths: ExampleLengths) -> NDArray[np.int64]:
    """Where batches end if each takes examples as long as they fit, `[batches]`.

    As `OpenBatch` would, of examples of which each fits alone.
    """
    num = len(lengths)
    rules = list(_rules(limits, lengths))
    if len(rules) == 1 and limits.batch_size is not None:
        return np.minimum(np.arange(0, num, limits.batch_size) + limits.batch_size, num)
    ends = []
    end = 0
    while end < num:
        begin = end
        end = min(rule(begin) for rule in rules)
        ends.append(end)
    return np.array(ends, np.int64)


def _rules(limits: BatchLimits, lengths: ExampleLengths) -> list[_End]:
    rules: list[_End] = []
    if limits.batch_size is not None:
        rules.append(_by_count(len(lengths), limits.batch_size))
    if limits.max_bytes is not None and lengths.num_bytes is not None:
        rules.append(_by_sum(lengths.num_bytes, limits.max_bytes))
    for name, steps in lengths.steps.items():
        most = budget_of(limits.max_steps, name)
        if most is not None:
            rules.append(_by_sum(steps, most))
        most = budget_of(limits.max_padded_steps, name)
        if most is not None:
            rules.append(_by_block(rounded_up(steps, limits.multiple_of), most))
    return rules


def _by_count(num: int, most: int) -> _End:
    return lambda begin: min(num, begin + most)


def _by_sum(sizes: NDArray[np.int64], most: int) -> _End:
    sums = np.concatenate([[0], sizes.cumsum()])
    return lambda begin: int(sums.searchsorted(sums[begin] + most, side="right")) - 1


def _by_block(lengths: NDArray[np.int64], most: int) -> _End:
    """The rule for examples times the longest of them, looked for among the next few examples."""
    counts = np.arange(1, len(lengths) + 1)
    reach = 16

    def end(begin: int) -> int:
        nonlocal reach
        while True:
            window = lengths[begin : begin + reach]
            padded = np.maximum.accumulate(window) * counts[: len(window)]
            num_fitting = int(padded.searchsorted(most, side="right"))
            if num_fitting < len(window) or begin + len(window) == len(lengths):
                reach = num_fitting + num_fitting // 2 + 1
                return begin + num_fitting
            reach *= 2

    return end
