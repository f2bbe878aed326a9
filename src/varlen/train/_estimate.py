"""What a training will take: counted from its batches, and measured on the first of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from varlen.sequences import JaggedSequence
from varlen.train._batches import Batches
from varlen.train._dataset import Dataset
from varlen.train._learner import Learner
from varlen.train._loop import score_batch
from varlen.train.tasks import Learnable
from varlen.train.tasks._fit import device_of, padded_size

_SECONDS = 3.0  # of each split, that are worth measuring
_WARM_UP = 2  # batches, which are slower than all others


@dataclass(frozen=True)
class Pass:
    """A pass over a split.

    Attributes:
        num_batches: in it.
        num_rows: in all of them; of long sequences, pieces and chunks count.
        live: steps that are real.
        padded: steps that its batches would have, with padding.
        seconds: it takes, about.
    """

    num_batches: int
    num_rows: int
    live: int
    padded: int
    seconds: float

    @property
    def padding(self) -> float:
        """The share of all steps that are padding."""
        return 1 - self.live / self.padded if self.padded else 0.0


@dataclass(frozen=True)
class Estimate:
    """What a training will take on this machine.

    Attributes:
        train: the first pass over the training split.
        valid: the pass over the split for validation that follows it.
        num_steps: of the optimizer in an epoch.
        num_epochs: passes, of which the last may be a part; patience may end them earlier.
        num_bytes: what this process held at its peak, with the largest batch of all; to write a
            checkpoint takes no more.
        num_device_bytes: likewise of an accelerator; None without one.
    """

    train: Pass
    valid: Pass
    num_steps: int
    num_epochs: float
    num_bytes: int
    num_device_bytes: int | None

    @property
    def seconds(self) -> float:
        """Of all epochs."""
        return (self.train.seconds + self.valid.seconds) * self.num_epochs


def estimate(task: Learnable, data: Dataset) -> Estimate:
    """Learns for a moment, which changes the weights of the task's model, and counts the rest.

    Raises:
        FeatureError, CorruptRecordError: a record cannot be learned from.
    """
    training = task.settings.training
    learner = Learner(task.model, training)

    def learn(batch: Any) -> None:
        score = score_batch(task, batch, None)
        score.loss.backward()  # type: ignore[no-untyped-call]
        learner.step(score.total, progress=0.5, num_before=0)

    def judge(batch: Any) -> None:
        with torch.inference_mode():
            score_batch(task, batch, None)

    task.model.train()
    train = _measured(task.batches(data, "train", epoch=1), learn)
    task.model.eval()
    valid = _measured(task.batches(data, "valid", epoch=0), judge)
    num_steps = -(-train.num_batches // training.accumulate)
    num_epochs = float(training.epochs)
    if training.steps is not None:
        num_epochs = training.steps / num_steps
    device = device_of(task.model)
    on_device = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    return Estimate(train, valid, num_steps, num_epochs, _peak_bytes(), on_device)


def _measured(batches: Batches, run: Callable[[Any], None]) -> Pass:
    """Goes through a pass, of which some batches are run: the first ones, and the largest."""
    num_batches = num_rows = live = padded = most = live_timed = 0
    largest: Any = None
    seconds = 0.0
    began = now = perf_counter()
    until_first = 0.0
    for batch in batches.for_rank(0, 1):
        lengths = _lengths(batch)
        if not num_batches:
            until_first = perf_counter() - began
        if num_batches < _WARM_UP or seconds < _SECONDS:
            run(batch)
            before, now = now, perf_counter()
            if num_batches >= _WARM_UP:
                seconds += now - before
                live_timed += int(lengths.sum())
        size = padded_size(lengths)
        if size >= most:
            most, largest = size, batch
        num_batches += 1
        num_rows += len(lengths)
        live += int(lengths.sum())
        padded += size
    began = perf_counter()
    run(largest)
    if not live_timed:
        seconds, live_timed = perf_counter() - began, max(1, int(_lengths(largest).sum()))
    return Pass(num_batches, num_rows, live, padded, until_first + seconds * live / live_timed)


def _lengths(batch: Mapping[str, Any]) -> Tensor:
    """Of the rows of a batch, in which all sequences of a row have the same."""
    found: Tensor
    _, found = next(value for value in batch.values() if isinstance(value, JaggedSequence))
    return found


def _peak_bytes() -> int:
    """The most memory that this process has held."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
