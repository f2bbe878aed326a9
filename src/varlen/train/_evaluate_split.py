"""Runs a model over a split, and keeps what is to be said of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from varlen.metrics import F1, bio_spans, span_f1
from varlen.sequences import JaggedSequence, pad
from varlen.train._batches import to_device
from varlen.train._calibration import Calibration
from varlen.train._confusion import Confusion
from varlen.train._dataset import Dataset
from varlen.train._evaluation import Evaluation, GroupResult, Judged
from varlen.train._progress import Metric, aims_of
from varlen.train.tasks import Examined, Task
from varlen.train.tasks._fit import device_of

Array = npt.NDArray[Any]


def evaluate_split(
    task: Task,
    data: Dataset,
    split: str,
    *,
    num_worst: int = 0,
    done: Callable[[int], object] = lambda _: None,
) -> Evaluation:
    """Runs the model on a split and compares.

    Args:
        task: with the weights that are to be judged.
        data: has the split.
        split: its name.
        num_worst: how many of the sequences with the highest losses are kept.
        done: told how many more sequences have been looked at.

    Raises:
        What `Task.check` raises.
    """
    task.check(data, split)
    found = _Sums(task, num_worst)
    task.model.eval()
    with torch.inference_mode():
        for batch in task.batches(data.ordered(), split, epoch=0):
            examined = task.examine(to_device(batch, device_of(task.model)))
            found.add(_on_host(examined))
            done(len(examined.lengths))
    return found.evaluation()


class _Sums:
    def __init__(self, task: Task, num_worst: int) -> None:
        others = (metric for metric in task.metrics if metric.name != "loss")
        self._settings = task.settings
        self._metrics = (*others, Metric("loss", False))
        self._names = tuple(task.class_names())
        self._pairs = Counter[int]()
        self._parts: dict[str, list[Array]] = {}
        self._wholes: dict[str, list[Array]] = {}
        self._lengths: list[Array] = []
        self._groups: dict[str, tuple[int, int]] = {}
        self._calibration: Calibration | None = None
        self._num_worst, self._worst = num_worst, list[Judged]()
        self._num_rows = 0
        self._spans = F1() if _is_bio(self._names) else None

    def add(self, examined: SimpleNamespace) -> None:
        losses = (examined.loss, examined.total)
        for name, (part, whole) in {**examined.metrics, "loss": losses}.items():
            self._parts.setdefault(name, []).append(part.astype(np.float64))
            self._wholes.setdefault(name, []).append(whole.astype(np.float64))
        self._lengths.append(examined.lengths)
        if self._num_worst:
            self._keep_worst(examined)
        self._num_rows += len(examined.lengths)
        if examined.true is None:
            return
        keys = examined.true.astype(np.int64) * len(self._names) + examined.given
        self._pairs.update(keys.tolist())
        right = examined.true == examined.given
        calibration = Calibration.of(examined.confidence, right)
        before = self._calibration
        self._calibration = calibration if before is None else before.joined(calibration)
        if self._spans is not None and len(examined.true) == examined.lengths.sum():
            given, true = (
                _padded(classes, examined.lengths) for classes in (examined.given, examined.true)
            )
            self._spans += span_f1(given, true, examined.lengths, tags=self._names)
        for name, chosen in examined.groups.items():
            correct, total = self._groups.get(name, (0, 0))
            self._groups[name] = correct + int(right[chosen].sum()), total + int(chosen.sum())

    def _keep_worst(self, examined: SimpleNamespace) -> None:
        means = examined.loss / np.maximum(examined.total, 1)
        rows = np.argsort(-means, kind="stable")[: self._num_worst].tolist()
        self._worst += [
            Judged(self._num_rows + row, float(means[row]), **_said(examined, row))
            for row in rows
            if examined.total[row]
        ]
        self._worst.sort(key=lambda judged: (-judged.loss, judged.number))
        del self._worst[self._num_worst :]

    def evaluation(self) -> Evaluation:
        sums = {
            name: (np.concatenate(self._parts[name]), np.concatenate(self._wholes[name]))
            for name in self._parts
        }
        known = {metric.name for metric in self._metrics}
        more = (Metric(name, False) for name in sums if name not in known)
        return Evaluation(
            (*self._metrics, *more),
            sums,
            np.concatenate(self._lengths),
            self._names,
            Confusion.of_keys(self._pairs, len(self._names)),
            tuple(GroupResult(name, *found) for name, found in self._groups.items()),
            self._calibration,
            tuple(self._worst),
            self._spans,
            aims_of(self._metrics, self._settings.task),
        )


def _is_bio(names: Sequence[str]) -> bool:
    """Whether classes are those of the BIO scheme."""
    try:
        return bool(bio_spans(names))
    except ValueError:
        return False


def _padded(classes: Array, lengths: Array) -> torch.Tensor:
    return torch.from_numpy(pad(JaggedSequence(classes, lengths)).data)


def _said(examined: SimpleNamespace, row: int) -> dict[str, Array]:
    """What the model said of a sequence, by the names of `Judged`."""
    if examined.numbers is not None:
        return {"numbers": examined.numbers[row]}
    if examined.true is None:
        return {}
    chosen = examined.rows == row
    return {
        "true": examined.true[chosen],
        "given": examined.given[chosen],
        "confidence": examined.confidence[chosen].astype(float),
    }


def _on_host(examined: Examined) -> SimpleNamespace:
    """The same with arrays in the places of tensors."""

    def array(value: Any) -> Any:
        return value.numpy(force=True) if isinstance(value, torch.Tensor) else value

    arrays = {name: array(value) for name, value in examined._asdict().items()}
    arrays["metrics"] = {
        name: (array(part), array(whole)) for name, (part, whole) in examined.metrics.items()
    }
    arrays["groups"] = {name: array(chosen) for name, chosen in examined.groups.items()}
    return SimpleNamespace(**arrays)
