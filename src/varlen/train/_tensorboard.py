"""The figures of a training as event files for TensorBoard, where it is installed."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from varlen.train._progress import EpochResult, Metric, Observer, Tally

_STEPS_BETWEEN = 10


class TensorBoard:
    """An observer that writes event files; without the package tensorboard it does nothing.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._first_step: int | None = None
        self._writer: Any = None

    def training_begins(self, summary: str, metrics: tuple[Metric, ...]) -> None:
        pass

    def training_resumes(self, *, epoch: int, step: int) -> None:
        self._first_step = step + 1

    def epoch_begins(self, epoch: int, *, num_epochs: int, num_steps: int) -> None:
        if self._writer is None and find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            # What was written after the checkpoint is written again.
            self._writer = SummaryWriter(str(self._folder), purge_step=self._first_step)

    def batch_done(self, tally: Tally, *, step: int, learning_rate: float, waiting: float) -> None:
        if self._writer is not None and step % _STEPS_BETWEEN == 0:
            self._add("train/loss", tally.loss, step)
            self._add("train/learning_rate", learning_rate, step)

    def epoch_ends(self, result: EpochResult) -> None:
        if self._writer is None:
            return
        for name, value in result.to_json().items():
            if isinstance(value, float):
                self._add(f"epoch/{name}", value, result.step)
        self._writer.flush()

    def says(self, line: str) -> None:
        pass

    def _add(self, name: str, value: float, step: int) -> None:
        self._writer.add_scalar(name, value, step)


class Observers:
    """Tells several observers.

    Args:
        *observers: they.
    """

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def training_begins(self, summary: str, metrics: tuple[Metric, ...]) -> None:
        for observer in self._observers:
            observer.training_begins(summary, metrics)

    def training_resumes(self, *, epoch: int, step: int) -> None:
        for observer in self._observers:
            observer.training_resumes(epoch=epoch, step=step)

    def epoch_begins(self, epoch: int, *, num_epochs: int, num_steps: int) -> None:
        for observer in self._observers:
            observer.epoch_begins(epoch, num_epochs=num_epochs, num_steps=num_steps)

    def batch_done(self, tally: Tally, *, step: int, learning_rate: float, waiting: float) -> None:
        for observer in self._observers:
            observer.batch_done(tally, step=step, learning_rate=learning_rate, waiting=waiting)

    def epoch_ends(self, result: EpochResult) -> None:
        for observer in self._observers:
            observer.epoch_ends(result)

    def says(self, line: str) -> None:
        for observer in self._observers:
            observer.says(line)
