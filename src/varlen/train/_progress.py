"""What training says about itself while it runs. Whoever shows it is no business of the loop."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor


class Score(NamedTuple):
    """How a model did on one batch. Everything adds up over batches and over ranks.

    Attributes:
        loss: a scalar to descend: the sum of the losses of what `total` counts.
        total: how many losses are in the sum: steps, or sequences.
        metrics: by name, a part and a whole, such as the right steps and all steps; numbers or
            scalar tensors.
        live: how many steps are real.
        padded: how many steps the batch would have, with its padding.
        carried: what the next batch of the same pass is scored with, detached, each
            `[batch, ...]`; None if nothing is.
    """

    loss: Tensor
    total: int
    metrics: Mapping[str, tuple[Any, Any]]
    live: int
    padded: int
    carried: Mapping[str, Tensor] | None = None


class Metric(NamedTuple):
    """A figure by which models are compared.

    Attributes:
        name: "loss", or one of the names in `Score.metrics`.
        higher_is_better: whether it is; None if it has an aim.
        is_share: whether people see it as a percentage.
        of: what is made of part / whole, such as `math.sqrt` for a root mean square; None for
            nothing.
        counted: what its whole counts, if it is not what the task says.
        aim: from the settings of its task alone (`Settings.task`), the value that is best, where it
            can be too low and too high; None if there is none.
    """

    name: str
    higher_is_better: bool | None
    is_share: bool = False
    of: Callable[[float], float] | None = None
    counted: str | None = None
    aim: Callable[[Any], float] | None = None

    def figure(self, part: Any, whole: Any) -> float:
        """The figure of a part of a whole; 0 of nothing."""
        ratio = float(part) / float(whole) if whole else 0.0
        return ratio if self.of is None else self.of(ratio)

    def is_better(self, value: float, than: float | None) -> bool:
        """Whether a value is better than another; NaN is better than nothing else.

        Raises:
            ValueError: the metric has an aim; it does not choose the best epoch.
        """
        if self.higher_is_better is None:
            raise ValueError(f"{self.name}: expected a metric that is best high or low")
        if than is None or math.isnan(than):
            return than is None or not math.isnan(value)
        return value > than if self.higher_is_better else value < than


def aims_of(metrics: Iterable[Metric], options: Any) -> dict[str, float]:
    """By metric, the value that is best, of those that have one.

    Args:
        metrics: of a task.
        options: the settings that this task alone has.
    """
    return {metric.name: metric.aim(options) for metric in metrics if metric.aim is not None}


@dataclass
class Tally:
    """Sums of scores. The figures are those of all batches so far, 0 where there are none."""

    loss_sum: float = 0.0
    total: int = 0
    metrics: dict[str, tuple[float, float]] = field(default_factory=dict)
    live: int = 0
    padded: int = 0

    @classmethod
    def of(cls, scores: Iterable[Score]) -> "Tally":
        """The sums of some scores."""
        tally = cls()
        for score in scores:
            tally.add(score)
        return tally

    def add(self, score: Score) -> None:
        self.loss_sum += float(score.loss.detach())
        self.total += score.total
        self.live += score.live
        self.padded += score.padded
        for name, (part, whole) in score.metrics.items():
            part_before, whole_before = self.metrics.get(name, (0.0, 0.0))
            self.metrics[name] = (part_before + float(part), whole_before + float(whole))

    def join(self, other: "Tally") -> None:
        """Adds the sums of another one."""
        self.loss_sum += other.loss_sum
        self.total += other.total
        self.live += other.live
        self.padded += other.padded
        for name, (part, whole) in other.metrics.items():
            part_before, whole_before = self.metrics.get(name, (0.0, 0.0))
            self.metrics[name] = (part_before + part, whole_before + whole)

    @property
    def loss(self) -> float:
        """The mean loss."""
        return self.loss_sum / max(self.total, 1)

    @property
    def padding(self) -> float:
        """The share of all steps that are padding."""
        return 1 - self.live / self.padded if self.padded else 0.0

    def value(self, metric: Metric) -> float:
        """The figure of a metric."""
        if metric.name == "loss":
            return metric.figure(self.loss_sum, self.total)
        return metric.figure(*self.metrics.get(metric.name, (0.0, 0.0)))

    def to_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        return {
            "loss_sum": self.loss_sum,
            "total": self.total,
            "metrics": {name: list(found) for name, found in self.metrics.items()},
            "live": self.live,
            "padded": self.padded,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Tally":
        """The inverse of `to_json`."""
        metrics = {name: (part, whole) for name, (part, whole) in stored["metrics"].items()}
        return cls(**{**stored, "metrics": metrics})


@dataclass(frozen=True)
class EpochResult:
    """An epoch, done.

    Attributes:
        epoch: from 1.
        step: how many steps the optimizer has taken in all.
        train: the tally of the training split, scored while it was learned.
        valid: the tally of the validation split, scored afterwards.
        seconds: how long the training took, validation left out.
        best: no epoch before was as good.
        metrics: those of the task; the first one chooses the best.
        stages: how many seconds each stage took, of data, learning, validation and saving.
        curve: steps within the epoch, each with the mean loss of the training split since the one
            before.
        num_epochs: how many there are in all; of a training that ends by its steps, judged by those
            that are done.
    """

    epoch: int
    step: int
    train: Tally
    valid: Tally
    seconds: float
    best: bool
    metrics: tuple[Metric, ...]
    stages: Mapping[str, float] = field(default_factory=dict)
    curve: Sequence[Sequence[int | float]] = ()
    num_epochs: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """One line of `metrics.jsonl`."""
        names = {"loss": Metric("loss", False)} | {metric.name: metric for metric in self.metrics}
        figures = {
            f"{split}_{name}": tally.value(metric)
            for split, tally in (("train", self.train), ("valid", self.valid))
            for name, metric in names.items()
        }
        return {
            "epoch": self.epoch,
            "step": self.step,
            **figures,
            "padding": self.train.padding,
            "live_steps": self.train.live,
            "seconds": self.seconds,
            "best": self.best,
            "stages": dict(self.stages),
            "curve": list(self.curve),
        }


@runtime_checkable
class Observer(Protocol):
    """Is told how training goes."""

    def training_begins(self, summary: str, metrics: tuple[Metric, ...]) -> None:
        """`summary` says what there is to learn from; the first metric chooses the best."""

    def training_resumes(self, *, epoch: int, step: int) -> None:
        """It goes on within, or at the beginning of, `epoch`, after `step` steps in all."""

    def epoch_begins(self, epoch: int, *, num_epochs: int | None, num_steps: int) -> None:
        """`num_steps` is how many live steps the epoch will have.

        Without `num_epochs`, the steps of the optimizer are counted instead.
        """

    def batch_done(self, tally: Tally, *, step: int, learning_rate: float, waiting: float) -> None:
        """`tally` is that of the epoch so far, `waiting` the share of the time without data."""

    def validation_advances(self, tally: Tally, *, num_steps: int) -> None:
        """`tally` is that of the validation so far, which will have `num_steps` live steps."""

    def epoch_ends(self, result: EpochResult) -> None:
        """Training and validation of the epoch are done."""

    def says(self, line: str) -> None:
        """Something that people should know."""
