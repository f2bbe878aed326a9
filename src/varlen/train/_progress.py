"""What training says about itself while it runs. Whoever shows it is no business of the loop."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor


class Score(NamedTuple):
    """How a model did on one batch.

    Attributes:
        loss: a scalar to descend: the mean over live steps.
        correct: how many live steps are right.
        live: how many steps are real.
        padded: how many steps the batch has, with its padding.
    """

    loss: Tensor
    correct: int
    live: int
    padded: int


@dataclass
class Tally:
    """Sums of scores. The figures are those of all live steps so far, 0 where there are none."""

    loss_sum: float = 0.0
    correct: int = 0
    live: int = 0
    padded: int = 0

    def add(self, score: Score) -> None:
        self.loss_sum += float(score.loss.detach()) * score.live
        self.correct += score.correct
        self.live += score.live
        self.padded += score.padded

    @property
    def loss(self) -> float:
        """The mean loss of a live step."""
        return self.loss_sum / max(self.live, 1)

    @property
    def accuracy(self) -> float:
        """The share of live steps that are right."""
        return self.correct / max(self.live, 1)

    @property
    def padding(self) -> float:
        """The share of all steps that are padding."""
        return 1 - self.live / self.padded if self.padded else 0.0


@dataclass(frozen=True)
class EpochResult:
    """An epoch, done.

    Attributes:
        epoch: from 1.
        train: the tally of the training split, scored while it was learned.
        valid: the tally of the validation split, scored afterwards.
        seconds: how long the training took, validation left out.
        best: no epoch before had this validation accuracy.
    """

    epoch: int
    train: Tally
    valid: Tally
    seconds: float
    best: bool

    def to_json(self) -> dict[str, Any]:
        """One line of `metrics.jsonl`."""
        return {
            "epoch": self.epoch,
            "train_loss": self.train.loss,
            "train_accuracy": self.train.accuracy,
            "valid_loss": self.valid.loss,
            "valid_accuracy": self.valid.accuracy,
            "padding": self.train.padding,
            "live_steps": self.train.live,
            "seconds": self.seconds,
            "best": self.best,
        }


@runtime_checkable
class Observer(Protocol):
    """Is told how training goes."""

    def training_begins(self, summary: str) -> None:
        """`summary` says what there is to learn from."""

    def epoch_begins(self, epoch: int, *, num_epochs: int, num_steps: int) -> None:
        """`num_steps` is how many live steps the epoch will have."""

    def batch_done(self, tally: Tally) -> None:
        """`tally` is that of the epoch so far."""

    def epoch_ends(self, result: EpochResult) -> None:
        """Training and validation of the epoch are done."""
