"""How good a model is on a split: in all, class by class, by length, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.metrics import F1, Hits
from varlen.train._calibration import Calibration
from varlen.train._confusion import Confusion
from varlen.train._progress import Metric

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

Interval = tuple[float, float]

_RESAMPLINGS = 1000
_MOST_DRAWN = 10_000
_MOST_BUCKETS = 5


class ClassResult(NamedTuple):
    """One class's line of the table; a share of nothing is 0.

    Attributes:
        name: of the class.
        precision: the share of right ones among what was given the class.
        recall: the share of right ones among what has the class.
        f1: the harmonic mean of both.
        total: how many have the class.
    """

    name: str
    precision: float
    recall: float
    f1: float
    total: int


class LengthResult(NamedTuple):
    """The line of one range of lengths.

    Attributes:
        least: the shortest length in it.
        most: the longest.
        num_sequences: how many there are.
        value: the figure of the metric; None if it is over nothing.
        interval: of it; None for one sequence, or over nothing.
    """

    least: int
    most: int
    num_sequences: int
    value: float | None
    interval: Interval | None


class Difference(NamedTuple):
    """By how much a figure is above another one.

    Attributes:
        value: by so much.
        interval: of it; None if there is none.
        is_better: whether it is the better one; None if that may well be chance.
    """

    value: float
    interval: Interval | None
    is_better: bool | None


class GroupResult(NamedTuple):
    """How many decisions of a group are right."""

    name: str
    correct: int
    total: int


class Judged(NamedTuple):
    """One sequence, and what the model made of it.

    Attributes:
        number: of its record in the split, from 0.
        loss: the mean of its losses.
        true: the classes that are right, as numbers; None if there are no classes.
        given: those that the model chose.
        confidence: the probabilities that it gave to these.
        numbers: `[numbers, 3]`, the lowest quantile, the median and the highest one of each number
            that it predicted; None if it predicts none of the sequence as a whole.
    """

    number: int
    loss: float
    true: Ints | None = None
    given: Ints | None = None
    confidence: Floats | None = None
    numbers: Floats | None = None


@dataclass(frozen=True)
class Evaluation:
    """The counts of an evaluation, sequence by sequence, and of decisions by class.

    Attributes:
        metrics: the loss, and those of the task.
        sums: by metric, part and whole of each sequence, `[sequences]`, in their order.
        lengths: steps of each sequence.
        class_names: the classes; () if there are none.
        confusion: which classes were taken for which.
        groups: decisions that are looked at apart.
        calibration: of all decisions; None if there are no classes.
        worst: the sequences of the highest mean loss, the highest first, as many as were asked for.
        spans: where the classes of steps are in the BIO scheme, whole spans by kind.
        aims: by metric, the value that is best, of those that can be too low and too high.
    """

    metrics: tuple[Metric, ...]
    sums: dict[str, tuple[Floats, Floats]]
    lengths: Ints
    class_names: tuple[str, ...]
    confusion: Confusion
    groups: tuple[GroupResult, ...] = ()
    calibration: Calibration | None = None
    worst: tuple[Judged, ...] = ()
    spans: F1 | None = None
    aims: Mapping[str, float] = field(default_factory=dict)

    def value(self, metric: Metric, rows: Any = slice(None)) -> float:
        """The figure of a metric, over all sequences or some of them."""
        part, whole = self.sums[metric.name]
        return metric.figure(part[rows].sum(), whole[rows].sum())

    def whole(self, metric: Metric) -> int:
        """How many steps or sequences a metric is over."""
        return int(self.sums[metric.name][1].sum())

    def interval(
        self, metric: Metric, rows: Any = slice(None), *, seed: int = 0
    ) -> Interval | None:
        """The middle 95 % of what the figure is when sequences are drawn again, with return.

        The percentile bootstrap of Efron (1979), over sequences, since the steps of one are not
        independent. Of one sequence others cannot be drawn: None. Draws of which the metric is over
        nothing have no figure.
        """
        sums = np.stack([sums[rows] for sums in self.sums[metric.name]])
        if sums.shape[1] < 2:
            return None
        drawn = _drawn(sums, seed)
        return _middle(_figures(metric, drawn[:, drawn[1] > 0]))

    def difference(self, other: "Evaluation", metric: Metric, *, seed: int = 0) -> Difference:
        """By how much the figure is above that of another evaluation.

        Both are drawn again with the same sequences each time, so that what is hard for both makes
        no difference (the paired bootstrap). One is better if it is nearly always: of a metric with
        an aim, if it is nearer to that.

        Raises:
            ValueError: it is not of the same sequences, as their lengths show.
        """
        if not np.array_equal(self.lengths, other.lengths):
            raise ValueError(
                "expected evaluations of the same sequences, found "
                f"{len(self.lengths):,} and {len(other.lengths):,} of other lengths"
            )
        value = self.value(metric) - other.value(metric)
        if len(self.lengths) < 2:
            return Difference(value, None, None)
        drawn = _drawn(np.stack([*self.sums[metric.name], *other.sums[metric.name]]), seed)
        drawn = drawn[:, (drawn[1] > 0) & (drawn[3] > 0)]
        ours, theirs = _figures(metric, drawn[:2]), _figures(metric, drawn[2:])
        if metric.name in self.aims:
            aim = self.aims[metric.name]
            gain = np.abs(theirs - aim) - np.abs(ours - aim)
        else:
            gain = ours - theirs if metric.higher_is_better else theirs - ours
        interval = _middle(ours - theirs)
        least, most = _middle(gain) or (0.0, 0.0)
        return Difference(value, interval, True if least > 0 else False if most < 0 else None)

    def by_class(self) -> list[ClassResult]:
        """The table by class, the frequent first; those that neither occur nor were given aside."""
        counts, given = self.confusion.totals, self.confusion.times_given
        correct = self.confusion.correct
        rows = [
            ClassResult(
                name,
                _share(correct[i], given[i]),
                _share(correct[i], counts[i]),
                _share(2 * correct[i], counts[i] + given[i]),
                int(counts[i]),
            )
            for i in np.flatnonzero(counts + given).tolist()
            for name in [self.class_names[i]]
        ]
        return sorted(rows, key=lambda row: (-row.total, row.name))

    def by_span(self) -> list[ClassResult]:
        """The table by kind of span, the frequent first, and last a line of all kinds together."""
        if self.spans is None:
            return []
        rows = [_span_result(str(kind), hits) for kind, hits in self.spans.by_label.items()]
        rows.sort(key=lambda row: (-row.total, row.name))
        return [*rows, _span_result("all spans", self.spans.micro)]

    def by_length(self, metric: Metric) -> list[LengthResult]:
        """The figure for up to five ranges of lengths with about as many sequences in each."""
        edges = np.unique(
            np.quantile(self.lengths, np.linspace(0, 1, _MOST_BUCKETS + 1), method="lower")
        )
        results = []
        for i, most in enumerate(edges):
            least = -1 if i == 0 else edges[i - 1]
            rows = np.flatnonzero((self.lengths > least) & (self.lengths <= most))
            # The first edge is the shortest length of all, which goes with the second.
            if i == 0 and len(edges) > 1:
                continue
            if i == 1:
                rows = np.flatnonzero(self.lengths <= most)
            found = self.lengths[rows]
            _, whole = self.sums[metric.name]
            value = self.value(metric, rows) if whole[rows].any() else None
            results.append(
                LengthResult(
                    int(found.min()),
                    int(found.max()),
                    len(rows),
                    value,
                    self.interval(metric, rows),
                )
            )
        return results


def _span_result(name: str, hits: Hits) -> ClassResult:
    return ClassResult(
        name,
        _share(hits.correct, hits.predicted),
        _share(hits.correct, hits.actual),
        _share(2 * hits.correct, hits.predicted + hits.actual),
        hits.actual,
    )


def _drawn(columns: Floats, seed: int) -> Floats:
    """What columns sum to when their rows are drawn again, with return, many times.

    Of very many rows, random groups are drawn in their place: their sums vary as much, and it takes
    no longer for more.

    Args:
        columns: `[columns, rows]`.
        seed: of the draws, which are the same for all columns.

    Returns:
        `[columns, resamplings]`.
    """
    draw = np.random.default_rng(seed)
    size = columns.shape[1]
    if size > _MOST_DRAWN:
        begins = np.arange(_MOST_DRAWN) * size // _MOST_DRAWN
        columns = np.add.reduceat(columns[:, draw.permutation(size)], begins, axis=1)
        size = _MOST_DRAWN
    sums = [columns[:, draw.integers(size, size=size)].sum(1) for _ in range(_RESAMPLINGS)]
    return np.stack(sums, axis=1)


def _figures(metric: Metric, sums: Floats) -> Floats:
    """The figures of parts and wholes, `[2, resamplings]`."""
    return np.array([metric.figure(part, whole) for part, whole in sums.T.tolist()])


def _middle(values: Floats) -> Interval | None:
    if not len(values):
        return None
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else 0.0
