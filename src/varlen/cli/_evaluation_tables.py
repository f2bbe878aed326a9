"""The tables of an evaluation, for a terminal or a page."""

from collections.abc import Mapping, Sequence

from varlen.cli._shared import counted, percent, shown
from varlen.cli._text import between
from varlen.train import ClassResult, Evaluation, Interval, Metric

Table = tuple[list[str], list[list[str]]]
"""A header, and rows."""

NO_RANGES = "no ranges: there is one sequence only, of which others cannot be drawn"

NOTHING = "-"
"""What stands for a figure that there is not."""

_MOST_CLASSES = 40

_SHARES = ("precision", "recall", "F1", "count")


def frequent_classes(found: Evaluation, kind: str) -> tuple[Table, str]:
    """By class, the frequent first; of very many the most frequent, and how many are left out."""
    header, rows = class_table(found, kind)
    more = len(rows) - _MOST_CLASSES
    left_out = f"and {counted(more, f'less frequent {kind}')}; --json has all" if more > 0 else ""
    return (header, rows[:_MOST_CLASSES]), left_out


def class_table(found: Evaluation, kind: str) -> Table:
    """By class, the frequent first."""
    return [kind, *_SHARES], _class_rows(found.by_class())


def span_table(found: Evaluation) -> Table:
    """By kind of span, and all together in the last row; no rows where there are no spans."""
    return ["span", *_SHARES], _class_rows(found.by_span())


def _class_rows(results: Sequence[ClassResult]) -> list[list[str]]:
    return [
        [name, percent(precision), percent(recall), percent(f1), f"{count:,}"]
        for name, precision, recall, f1, count in results
    ]


def length_table(found: Evaluation, metric: Metric) -> Table:
    """By length."""
    rows = [
        [
            between(row.least, row.most),
            f"{row.num_sequences:,}",
            NOTHING if row.value is None else shown(metric, row.value),
            spread(metric, row.interval),
        ]
        for row in found.by_length(metric)
    ]
    return ["length", "sequences", metric.name, "range"], rows


def spread(metric: Metric, interval: Interval | None) -> str:
    """The ends of an interval; nothing without one."""
    return "" if interval is None else " to ".join(shown(metric, end) for end in interval)


def best_at(metric: Metric, aims: Mapping[str, float]) -> str:
    """What is said after a figure that can be too low and too high; nothing after others."""
    return f"best at {shown(metric, aims[metric.name])}" if metric.name in aims else ""
