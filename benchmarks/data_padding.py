"""What there is to pad, by plans of a million log-normal lengths; nothing is read for it."""

from typing import NamedTuple

import numpy as np
from data_files import NUM_SYNTHETIC, draw_lengths
from numpy.typing import NDArray

from varlen.data import BatchPlan, PlannedBatches, best_boundaries

BATCH_SIZE = 64
NUM_BUCKETS = 10
PLANS = {
    "in random order": BatchPlan(BATCH_SIZE),
    "10 buckets": BatchPlan(BATCH_SIZE, buckets=NUM_BUCKETS),
    "10 buckets, not shuffled": BatchPlan(BATCH_SIZE, buckets=NUM_BUCKETS, shuffle=False),
    "32 buckets": BatchPlan(BATCH_SIZE, buckets=32),
    "32 buckets, not shuffled": BatchPlan(BATCH_SIZE, buckets=32, shuffle=False),
    "windows of 50": BatchPlan(BATCH_SIZE, windows=50),
    "windows of 50, noise 0.1": BatchPlan(BATCH_SIZE, windows=50, noise=0.1),
    "windows of 50, not shuffled": BatchPlan(BATCH_SIZE, windows=50, shuffle=False),
}


class Padding(NamedTuple):
    """Shares of padded steps that are not real.

    Attributes:
        least: with the best 10 buckets there are, if each is padded to its longest.
        found: with the 10 buckets that varlen finds, likewise.
        of_plans: of the batches of a plan, each padded to its own longest.
    """

    least: float
    found: float
    of_plans: dict[str, float]


def print_padding() -> Padding:
    lengths = draw_lengths(NUM_SYNTHETIC)
    planned = {name: plan.over(lengths) for name, plan in PLANS.items()}
    padding = Padding(
        _least_share(lengths, NUM_BUCKETS),
        _share_of_boundaries(lengths, best_boundaries(lengths, NUM_BUCKETS)),
        {name: _share_of_plan(lengths, batches) for name, batches in planned.items()},
    )
    print(
        f"\npadding of {NUM_SYNTHETIC:,} sequences in batches of {BATCH_SIZE}\n"
        f"{'10 buckets, each padded to its longest, at best':56}{padding.least:>8.2%}\n"
        f"{'10 buckets as found, each padded to its longest':56}{padding.found:>8.2%}"
    )
    print(f"{'':56}{'padding':>8}{'met again':>12}")
    for name, share in padding.of_plans.items():
        print(f"{name:56}{share:>8.2%}{_met_again(planned[name]):>12.3%}")
    return padding


def _least_share(lengths: NDArray[np.int64], num_buckets: int) -> float:
    """By going through all ends of every bucket, one more bucket at a time."""
    shorter = np.cumsum(np.bincount(lengths))  # or as long
    tops = np.arange(len(shorter))
    padded = tops * shorter
    # Of a last bucket with the lengths above the first number, up to the second.
    of_last = tops * (shorter - shorter[:, None])
    for _ in range(num_buckets - 1):
        padded = np.min(np.where(tops[:, None] <= tops, padded[:, None] + of_last, padded[-1]), 0)
    return 1 - float(lengths.sum() / padded[-1])


def _share_of_boundaries(lengths: NDArray[np.int64], boundaries: tuple[int, ...]) -> float:
    buckets = np.searchsorted(boundaries, lengths, side="right")
    within = [lengths[buckets == number] for number in range(len(boundaries) + 1)]
    return 1 - float(lengths.sum() / sum(len(those) * those.max(initial=0) for those in within))


def _share_of_plan(lengths: NDArray[np.int64], planned: PlannedBatches) -> float:
    batches = planned.batches(0)
    return 1 - float(lengths.sum() / (batches.sizes * batches.longest(lengths)).sum())


def _met_again(planned: PlannedBatches) -> float:
    """Of the pairs in one batch of an epoch, the share that are in one of the next epoch too."""
    batches, next_batches = planned.batches(0), planned.batches(1)
    number = np.empty(len(batches.positions), np.int64)
    for i, positions in enumerate(next_batches):
        number[positions] = i
    together = [np.unique(number[positions], return_counts=True)[1] for positions in batches]
    again = sum(int((counts * (counts - 1)).sum()) for counts in together)
    return again / int((batches.sizes * (batches.sizes - 1)).sum())
