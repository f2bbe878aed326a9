"""How the examples of an epoch become batches: in order, in buckets, or in sorted windows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from varlen.data.plan._cut import ends_of_batches, exceeding
from varlen.data.plan._epoch import EpochBatches
from varlen.data.plan._lengths import ExampleLengths
from varlen.data.plan._limits import BatchLimits
from varlen.data.plan._windows import SortedWindows, contents, cut_window


def in_order(
    limits: BatchLimits, lengths: ExampleLengths, order: NDArray[np.int64], *, full_only: bool
) -> EpochBatches:
    """Batches of examples that follow each other.

    Args:
        limits: what fills a batch. Examples that exceed them even alone have batches of their own,
            and those around them go together.
        lengths: of all examples.
        order: positions of examples.
        full_only: leave out the last batch if nothing says that it is full.
    """
    here = lengths.at(order)
    alone = exceeding(limits, here)
    together = np.flatnonzero(~alone)
    ends = ends_of_batches(limits, here.at(together))
    begins = np.concatenate([[0], ends[:-1]]).astype(np.int64)[: len(ends)]
    if full_only and len(ends) and ends[-1] - begins[-1] != limits.batch_size:
        begins, ends = begins[:-1], ends[:-1]
    if not alone.any():
        return EpochBatches(order, begins, ends)
    singles = np.flatnonzero(alone)
    own = len(together) + np.arange(len(singles))
    # A batch comes where its first example is.
    firsts = np.concatenate([together[begins], singles])
    return EpochBatches(
        order[np.concatenate([together, singles])],
        np.concatenate([begins, own]),
        np.concatenate([ends, own + 1]),
    ).taken(np.argsort(firsts))


def in_buckets(
    limits: BatchLimits,
    lengths: ExampleLengths,
    order: NDArray[np.int64],
    numbers: NDArray[np.int64],
    *,
    full_only: bool,
) -> EpochBatches:
    """Batches of examples of one bucket each, from the first bucket to the last.

    Args:
        numbers: the bucket of each of all examples.
    """
    # NumPy sorts small integers in one pass.
    of_order = numbers[order].astype(np.min_scalar_type(int(numbers.max(initial=0))))
    by_bucket = order[np.argsort(of_order, kind="stable")]
    splits = np.bincount(of_order, minlength=1).cumsum()[:-1]
    return joined(
        [
            in_order(limits, lengths, bucket, full_only=full_only)
            for bucket in np.split(by_bucket, splits)
        ]
    )


def in_windows(
    windows: SortedWindows,
    lengths: ExampleLengths,
    order: NDArray[np.int64],
    features: Sequence[str],
    *,
    full_only: bool,
) -> EpochBatches:
    """Batches of sorted windows, as `SortedWindows` says.

    Examples that exceed the limits even alone have batches of their own, before all others.

    Args:
        features: those whose lengths are sorted by.
    """
    alone = exceeding(windows.limits, lengths.at(order))
    singles, order = order[alone], order[~alone]
    here = lengths.at(order)
    by = [here.steps[name] for name in features]
    keys = windows.keys(by, np.arange(len(order)))
    sums = [
        (np.concatenate([[0], sizes.cumsum()]), sizes, windows.num_batches * limit)
        for sizes, limit in contents(windows.limits, here)
    ]
    batches: list[NDArray[np.int64]] = [singles[i : i + 1] for i in range(len(singles))]
    waits = np.zeros(len(order), np.int64)
    waiting = np.empty(0, np.int64)
    end = number = 0
    while end <= len(order):
        begin = end
        # Where the sum of any first reaches what a window holds; past the end if it does not.
        end = max(
            begin,
            min(
                int(total.searchsorted(total[begin] + most - sizes[waiting].sum()))
                for total, sizes, most in sums
            ),
        )
        window = np.concatenate([waiting, np.arange(begin, min(end, len(order)))])
        cut = cut_window(
            windows,
            here.at(window),
            [steps[window] for steps in by],
            keys[window],
            waits[window],
            number,
            is_last=end > len(order),
            full_only=full_only,
        )
        batches += [order[window[batch]] for batch in cut.batches]
        waiting = np.sort(window[cut.waiting])
        waits[waiting] += 1
        number += 1
    ends = np.cumsum([len(batch) for batch in batches], dtype=np.int64)
    begins = np.concatenate([[0], ends[:-1]]).astype(np.int64)[: len(ends)]
    return EpochBatches(np.concatenate([np.empty(0, np.int64), *batches]), begins, ends)


def joined(parts: list[EpochBatches]) -> EpochBatches:
    """The batches of all parts, one after the other."""
    offsets = np.concatenate([[0], np.cumsum([len(part.positions) for part in parts])])
    return EpochBatches(
        np.concatenate([part.positions for part in parts]),
        np.concatenate([p.begins + at for p, at in zip(parts, offsets[:-1], strict=True)]),
        np.concatenate([p.ends + at for p, at in zip(parts, offsets[:-1], strict=True)]),
    )


def shuffled_in_groups(
    batches: EpochBatches, cost: NDArray[np.int64], group: int, groups_order: NDArray[np.int64]
) -> EpochBatches:
    """Batches in another order, in which `group` of like cost follow each other.

    An incomplete group, if there is one, comes last.

    Args:
        cost: of each batch.
        groups_order: a permutation of the `ceil(len(batches) / group)` groups.
    """
    by_cost = np.argsort(cost, kind="stable") if group > 1 else np.arange(len(batches))
    if not len(groups_order):
        return batches
    sizes = np.full(len(groups_order), group)
    sizes[groups_order[-1]] = len(batches) - group * (len(groups_order) - 1)
    begins = sizes.cumsum() - sizes
    # Of each group the batches begins[g], ..., begins[g] + sizes[g] - 1.
    sizes = sizes[groups_order]
    within = np.arange(len(batches)) - np.repeat(sizes.cumsum() - sizes, sizes)
    return batches.taken(by_cost[np.repeat(begins[groups_order], sizes) + within])
