"""Several that are told how a training goes."""

from varlen.train._progress import EpochResult, Metric, Observer, Tally


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

    def epoch_begins(self, epoch: int, *, num_epochs: int | None, num_steps: int) -> None:
        for observer in self._observers:
            observer.epoch_begins(epoch, num_epochs=num_epochs, num_steps=num_steps)

    def batch_done(self, tally: Tally, *, step: int, learning_rate: float, waiting: float) -> None:
        for observer in self._observers:
            observer.batch_done(tally, step=step, learning_rate=learning_rate, waiting=waiting)

    def validation_advances(self, tally: Tally, *, num_steps: int) -> None:
        for observer in self._observers:
            observer.validation_advances(tally, num_steps=num_steps)

    def epoch_ends(self, result: EpochResult) -> None:
        for observer in self._observers:
            observer.epoch_ends(result)

    def says(self, line: str) -> None:
        for observer in self._observers:
            observer.says(line)
