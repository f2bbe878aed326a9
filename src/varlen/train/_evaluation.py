"""How good a model is on a split: in all, class by class, by length, and how sure that is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varlen.metrics import F1, Hits
from varlen.train._calibration import Calibration
from varlen.train._progress import Metric

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_RESAMPLINGS = 1000
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
        value: the figure of the metric.
        low: where its interval begins.
        high: where it ends.
    """

    least: int
    most: int
    num_sequences: int
    value: float
    low: float
    high: float


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
    """

    number: int
    loss: float
    true: Ints | None = None
    given: Ints | None = None
    confidence: Floats | None = None


@dataclass(frozen=True)
class Evaluation:
    """The counts of an evaluation, sequence by sequence, and of decisions by class.

    Attributes:
        metrics: the loss, and those of the task.
        sums: by metric, part and whole of each sequence, `[sequences]`, in their order.
        lengths: steps of each sequence.
        class_names: the classes; () if there are none.
        confusion: `[true, given]`, how many decisions.
        groups: decisions that are looked at apart.
        calibration: of all decisions; None if there are no classes.
        worst: the sequences of the highest mean loss, the highest first, as many as were asked for.
        spans: where the classes of steps are in the BIO scheme, whole spans by kind.
    """

    metrics: tuple[Metric, ...]
    sums: dict[str, tuple[Floats, Floats]]
    lengths: Ints
    class_names: tuple[str, ...]
    confusion: Ints
    groups: tuple[GroupResult, ...] = ()
    calibration: Calibration | None = None
    worst: tuple[Judged, ...] = ()
    spans: F1 | None = None

    def value(self, metric: Metric, rows: Any = slice(None)) -> float:
        """The figure of a metric, over all sequences or some of them."""
        part, whole = self.sums[metric.name]
        return metric.figure(part[rows].sum(), whole[rows].sum())

    def whole(self, metric: Metric) -> int:
        """How many steps or sequences a metric is over."""
        return int(self.sums[metric.name][1].sum())

    def interval(
        self, metric: Metric, rows: Any = slice(None), *, seed: int = 0
    ) -> tuple[float, float]:
        """The middle 95 % of what the figure is when sequences are drawn again, with return.

        The percentile bootstrap of Efron (1979), over sequences, since the steps of one are not
        independent.
        """
        part, whole = (sums[rows] for sums in self.sums[metric.name])
        return _middle(
            metric.figure(part[drawn].sum(), whole[drawn].sum())
            for drawn in _draws(len(part), seed)
        )

    def difference(
        self, other: "Evaluation", metric: Metric, *, seed: int = 0
    ) -> tuple[float, float, float]:
        """By how much the figure is above that of another evaluation, and its interval.

        Both are drawn again with the same sequences each time, so that what is hard for both makes
        no difference (the paired bootstrap).

        Raises:
            ValueError: it is not of the same sequences, as their lengths show.
        """
        if not np.array_equal(self.lengths, other.lengths):
            raise ValueError(
                "expected evaluations of the same sequences, found "
                f"{len(self.lengths):,} and {len(other.lengths):,} of other lengths"
            )
        ours, theirs = self.sums[metric.name], other.sums[metric.name]
        low, high = _middle(
            metric.figure(ours[0][drawn].sum(), ours[1][drawn].sum())
            - metric.figure(theirs[0][drawn].sum(), theirs[1][drawn].sum())
            for drawn in _draws(len(self.lengths), seed)
        )
        return self.value(metric) - other.value(metric), low, high

    def by_class(self) -> list[ClassResult]:
        """The table by class, the frequent first; those that neither occur nor were given aside."""
        counts, given = self.confusion.sum(1), self.confusion.sum(0)
        correct = np.diag(self.confusion)
        rows = [
            ClassResult(
                name,
                _share(correct[i], given[i]),
                _share(correct[i], counts[i]),
                _share(2 * correct[i], counts[i] + given[i]),
                int(counts[i]),
            )
            for i, name in enumerate(self.class_names)
            if counts[i] or given[i]
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
            value, interval = self.value(metric, rows), self.interval(metric, rows)
            results.append(
                LengthResult(int(found.min()), int(found.max()), len(rows), value, *interval)
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


def _draws(size: int, seed: int) -> Iterator[Ints]:
    """Numbers of sequences, drawn with return, many times."""
    draw = np.random.default_rng(seed)
    return (draw.integers(size, size=size) for _ in range(_RESAMPLINGS))


def _middle(values: Iterable[float]) -> tuple[float, float]:
    low, high = np.quantile(list(values), (0.025, 0.975))
    return float(low), float(high)


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else 0.0
