"""Where a training stands: all that the loop counts, as JSON data and a few tensors."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any

from torch import Tensor

from varlen.train._progress import Metric, Tally
from varlen.train._settings import TrainingSettings

_CURVE_POINTS = 200  # of a whole training


@dataclass
class Standing:
    """Where a training stands, between two steps.

    Attributes:
        epoch: the one that is under way, from 1.
        step: how many steps the optimizer has taken, skipped ones included.
        train: the tally of the epoch so far.
        seconds: how long the training of the epoch has taken so far.
        stages: the seconds of each stage of it; those of the checkpoint at its end are the next
            epoch's.
        curve: points of the loss within the epoch: the step, and the sum and number of losses
            until then.
        position: of the pass over the training split; None before its first batch.
        carried: `Score.carried` of the last batch.
        best: the value of the metric in the best epoch.
        best_loss: the loss of the validation split in it, which decides between equal values.
        best_epoch: which one that was; 0 for none yet.
        skipped: how many steps were left out, since something was not finite.
        rows: how many lines of `metrics.jsonl` belong to this training so far.
    """

    epoch: int = 1
    step: int = 0
    train: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    curve: list[list[int | float]] = field(default_factory=list)
    position: dict[str, Any] | None = None
    carried: Mapping[str, Tensor] | None = None
    best: float | None = None
    best_loss: float | None = None
    best_epoch: int = 0
    skipped: int = 0
    rows: int = 0

    def progress(self, settings: TrainingSettings, num_steps: int) -> float:
        """How much of the training is done, from 0 to 1.

        Args:
            settings: say when it ends.
            num_steps: how many live steps an epoch has.
        """
        if settings.steps is not None:
            return min(1.0, self.step / settings.steps)
        within = min(1.0, self.train.live / max(num_steps, 1))
        return (self.epoch - 1 + within) / settings.epochs

    def num_epochs(self, settings: TrainingSettings) -> float:
        """How many epochs there are in all, at the end of one of them."""
        if settings.steps is None:
            return float(settings.epochs)
        return self.epoch * settings.steps / max(self.step, 1)

    def is_out_of_patience(self, settings: TrainingSettings) -> bool:
        """Whether no epoch was better than the best for too long."""
        epochs_since = self.epoch - 1 - self.best_epoch
        patience = settings.patience
        return patience is not None and self.best_epoch > 0 and epochs_since >= patience

    def is_over(self, settings: TrainingSettings) -> bool:
        """Whether there is no further epoch."""
        if self.is_out_of_patience(settings):
            return True
        if settings.steps is not None:
            # With a position, the epoch is still to be validated.
            return self.step >= settings.steps and self.position is None
        return self.epoch > settings.epochs

    def is_best(self, metric: Metric, valid: Tally) -> bool:
        """Whether no epoch before was as good; of equal ones, that of the least loss is."""
        value = valid.value(metric)
        if self.best_loss is not None and value == self.best:
            return valid.loss < self.best_loss
        return metric.is_better(value, self.best)

    def begin_epoch(self) -> None:
        """Goes on to the next epoch."""
        self.epoch += 1
        self.train, self.seconds = Tally(), 0.0
        self.stages, self.curve = {}, []
        self.position = self.carried = None

    def add_to_curve(self, settings: TrainingSettings, num_steps: int) -> None:
        """Adds a point, if the epoch has come far enough since the last one.

        Args:
            settings: say how many epochs share the points.
            num_steps: how many live steps an epoch has.
        """
        points = _CURVE_POINTS // settings.epochs
        if self.train.live * points >= num_steps * (len(self.curve) + 1):
            self.curve.append([self.step, self.train.loss_sum, self.train.total])

    def losses(self) -> list[list[int | float]]:
        """The curve of the epoch: steps, each with the mean loss since the one before."""
        begin: list[int | float] = [0, 0, 0]
        return [
            [now[0], (now[1] - before[1]) / max(now[2] - before[2], 1)]
            for before, now in pairwise([begin, *self.curve])
        ]

    def to_json(self) -> dict[str, Any]:
        """What `from_json` takes, without `carried`."""
        return {**asdict(replace(self, carried=None)), "train": self.train.to_json()}

    @classmethod
    def from_json(
        cls, stored: Mapping[str, Any], carried: Mapping[str, Tensor] | None
    ) -> "Standing":
        """The inverse of `to_json`."""
        train = Tally.from_json(stored["train"])
        return cls(**{**stored, "train": train, "carried": dict(carried) if carried else None})
