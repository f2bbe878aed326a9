"""Items that were taken together: a list; or raw records as columns, without an object for each.

A window of ten thousand records is then no ten thousand objects, all of which Python's garbage
collector would look through again and again.
"""

from collections.abc import Sequence
from typing import Any

from varlen.data._record_batch import RecordBatch

Run = list[Any] | RecordBatch


def as_list(run: Run) -> list[Any]:
    """The items one by one."""
    return run.records() if isinstance(run, RecordBatch) else run


def item_of(run: Run, number: int) -> Any:
    """One of the items."""
    return run.record(number) if isinstance(run, RecordBatch) else run[number]


def part_of(run: Run, begin: int, end: int) -> Run:
    """The items from `begin` up to, and without, `end`."""
    return run.rows(begin, end) if isinstance(run, RecordBatch) else run[begin:end]


def reordered(run: Run, order: Sequence[int]) -> Run:
    """The items in another order."""
    return run.taken(order) if isinstance(run, RecordBatch) else [run[i] for i in order]


def joined(runs: Sequence[Run]) -> Run:
    """The items of all runs."""
    batches = [run for run in runs if isinstance(run, RecordBatch)]
    if batches and len(batches) == len(runs):
        return RecordBatch.joined(batches)
    return [item for run in runs for item in as_list(run)]
