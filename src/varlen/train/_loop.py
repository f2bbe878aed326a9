"""The training loop. It knows batches, scores and a run folder; what is learned is the task's."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from varlen.errors import ConfigError
from varlen.train._progress import EpochResult, Observer, Score, Tally
from varlen.train._run_folder import RunFolder

_MAX_GRADIENT_NORM = 1.0


@runtime_checkable
class Task(Protocol):
    """What there is to learn, and from what."""

    @property
    def model(self) -> nn.Module:
        """What learns."""

    def num_steps(self, split: str) -> int:
        """How many live steps a pass over the split has."""

    def batches(self, split: str, *, epoch: int) -> Iterator[Any]:
        """One pass over the split; a training split comes in another order in each epoch."""

    def score(self, batch: Any) -> Score:
        """Runs the model on a batch that came from `batches`."""


def fit(
    task: Task, run: RunFolder, *, num_epochs: int, learning_rate: float, observer: Observer
) -> EpochResult:
    """Trains `task.model`; `run` then holds the weights of the best epoch by validation.

    Adam, with the norm of the gradient clipped at 1 and a learning rate that falls in a straight
    line to zero over all epochs. A KeyboardInterrupt passes through; before the end of the first
    epoch it leaves the weights of that moment in `run`.

    Returns:
        The best epoch.
    """
    optimizer = torch.optim.Adam(task.model.parameters(), lr=learning_rate)
    num_steps = task.num_steps("train")
    best: EpochResult | None = None
    try:
        for epoch in range(1, num_epochs + 1):
            observer.epoch_begins(epoch, num_epochs=num_epochs, num_steps=num_steps)
            begin = perf_counter()
            train = Tally()
            task.model.train()
            for batch in task.batches("train", epoch=epoch):
                progress = (epoch - 1 + train.live / num_steps) / num_epochs
                optimizer.param_groups[0]["lr"] = learning_rate * (1 - progress)
                train.add(_learn(task, batch, optimizer))
                observer.batch_done(train)
            seconds = perf_counter() - begin
            valid = evaluate(task, "valid")
            is_best = best is None or valid.accuracy > best.valid.accuracy
            result = EpochResult(epoch, train, valid, seconds, is_best)
            if is_best:
                run.save_model(task.model)
                best = result
            run.append_metrics(result.to_json())
            observer.epoch_ends(result)
    except KeyboardInterrupt:
        if best is None:
            run.save_model(task.model)
        raise
    assert best is not None, "there is an epoch at least"
    return best


def evaluate(task: Task, split: str) -> Tally:
    """One pass over a split without learning."""
    tally = Tally()
    task.model.eval()
    with torch.inference_mode():
        for batch in task.batches(split, epoch=0):
            tally.add(task.score(batch))
    return tally


def _learn(task: Task, batch: Any, optimizer: torch.optim.Optimizer) -> Score:
    score = task.score(batch)
    if not score.loss.isfinite():
        raise ConfigError(
            f"the loss became {score.loss.item()}, so nothing more can be learned",
            hint="a smaller learning rate may help",
        )
    optimizer.zero_grad()
    score.loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(task.model.parameters(), _MAX_GRADIENT_NORM)
    optimizer.step()
    return score
