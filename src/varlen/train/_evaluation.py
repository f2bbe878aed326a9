"""How good a model is on a split: in all, class by class, by length, and how sure that is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from varlen.train._batches import to_device
from varlen.train._dataset import Dataset
from varlen.train._progress import Metric
from varlen.train.tasks import Examined, Task
from varlen.train.tasks._fit import device_of

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
    """

    least: int
    most: int
    num_sequences: int
    value: float


class GroupResult(NamedTuple):
    """How many decisions of a group are right."""

    name: str
    correct: int
    total: int


@dataclass(frozen=True)
class Evaluation:
    """The counts of an evaluation, sequence by sequence, and of decisions by class.

    Attributes:
        metrics: the loss, and those of the task.
        sums: by metric, part and whole of each sequence, `[sequences]`.
        lengths: steps of each sequence.
        class_names: the classes; () if there are none.
        confusion: `[true, given]`, how many decisions.
        groups: decisions that are looked at apart.
    """

    metrics: tuple[Metric, ...]
    sums: dict[str, tuple[Floats, Floats]]
    lengths: Ints
    class_names: tuple[str, ...]
    confusion: Ints
    groups: tuple[GroupResult, ...] = field(default=())

    def value(self, metric: Metric, rows: Any = slice(None)) -> float:
        """The figure of a metric, over all sequences or some of them."""
        part, whole = self.sums[metric.name]
        total = float(whole[rows].sum())
        ratio = float(part[rows].sum()) / total if total else 0.0
        return ratio if metric.of is None else metric.of(ratio)

    def whole(self, metric: Metric) -> int:
        """How many steps or sequences a metric is over."""
        return int(self.sums[metric.name][1].sum())

    def interval(self, metric: Metric, *, seed: int = 0) -> tuple[float, float]:
        """The middle 95 % of what the figure is when sequences are drawn again, with return.

        The percentile bootstrap of Efron (1979), over sequences, since the steps of one are not
        independent.
        """
        part, whole = self.sums[metric.name]
        draw = np.random.default_rng(seed)
        values = []
        for _ in range(_RESAMPLINGS):
            rows = draw.integers(len(part), size=len(part))
            total = whole[rows].sum()
            ratio = float(part[rows].sum() / total) if total else 0.0
            values.append(ratio if metric.of is None else metric.of(ratio))
        low, high = np.quantile(values, (0.025, 0.975))
        return float(low), float(high)

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
            results.append(
                LengthResult(
                    int(found.min()), int(found.max()), len(rows), self.value(metric, rows)
                )
            )
        return results


def evaluate_split(
    task: Task, data: Dataset, split: str, *, done: Callable[[int], object] = lambda _: None
) -> Evaluation:
    """Runs the model on a split and compares.

    Args:
        task: with the weights that are to be judged.
        data: has the split.
        split: its name.
        done: told how many more live steps have been looked at.

    Raises:
        What `Task.check` raises.
    """
    task.check(data, split)
    found = _Sums(task)
    task.model.eval()
    with torch.inference_mode():
        for batch in task.batches(data, split, epoch=0):
            examined = task.examine(to_device(batch, device_of(task.model)))
            found.add(examined)
            done(int(examined.lengths.sum()))
    return found.evaluation()


def open_data(path: Path, task: Task) -> Dataset:
    """The data folder at `path`, as the task splits it."""
    return Dataset(path, valid_share=task.settings.data.valid_share)


class _Sums:
    def __init__(self, task: Task) -> None:
        others = (metric for metric in task.metrics if metric.name != "loss")
        self._metrics = (*others, Metric("loss", False))
        self._names = task.class_names()
        self._confusion = np.zeros((len(self._names),) * 2, np.int64)
        self._parts: dict[str, list[Floats]] = {}
        self._wholes: dict[str, list[Floats]] = {}
        self._lengths: list[Ints] = []
        self._groups: dict[str, tuple[int, int]] = {}

    def add(self, examined: Examined) -> None:
        for name, (part, whole) in {
            **examined.metrics,
            "loss": (examined.loss, examined.total),
        }.items():
            self._parts.setdefault(name, []).append(_array(part).astype(np.float64))
            self._wholes.setdefault(name, []).append(_array(whole).astype(np.float64))
        self._lengths.append(_array(examined.lengths))
        if examined.true is None or examined.given is None:
            return
        true, given = _array(examined.true), _array(examined.given)
        np.add.at(self._confusion, (true, given), 1)
        for name, mask in examined.groups.items():
            chosen = _array(mask)
            correct, total = self._groups.get(name, (0, 0))
            right = int((chosen & (true == given)).sum())
            self._groups[name] = correct + right, total + int(chosen.sum())

    def evaluation(self) -> Evaluation:
        sums = {
            name: (_joined(self._parts[name]), _joined(self._wholes[name])) for name in self._parts
        }
        groups = tuple(GroupResult(name, *found) for name, found in self._groups.items())
        lengths = np.concatenate(self._lengths)
        return Evaluation(self._metrics, sums, lengths, tuple(self._names), self._confusion, groups)


def _array(tensor: torch.Tensor) -> Any:
    return tensor.numpy(force=True)


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate(parts)


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else 0.0
