"""Checkpoints: all that a training depends on, in one file each, of which the latest are kept."""

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from varlen.errors import CheckpointError
from varlen.train._learner import Learner
from varlen.train._progress import Observer
from varlen.train._settings import TrainingSettings
from varlen.train._standing import Standing
from varlen.train._stored import read_tensors, remove_partial, write_tensors

FORMAT = 1
_PATTERN = "step-*.safetensors"


class Checkpoints:
    """The folder of checkpoints of a run.

    A checkpoint is a safetensors file with the model, the moments of the optimizer, averages, what
    is carried from batch to batch, and the states of random generators; its metadata has the
    `Standing`, with the position in the data. It is written beside and renamed.

    Args:
        folder: where; it need not be there yet.
        settings: when to save, and how many to keep.
    """

    def __init__(self, folder: Path, settings: TrainingSettings) -> None:
        self._folder = folder
        self._settings = settings
        self._saved_at = time.monotonic()

    def save_if_due(self, learner: Learner, standing: Standing) -> None:
        """Saves if enough time, or enough steps, have gone by."""
        steps = self._settings.save_steps
        is_due = time.monotonic() - self._saved_at >= self._settings.save_seconds
        if is_due or (steps is not None and standing.step % steps == 0):
            self.save(learner, standing)

    def save(self, learner: Learner, standing: Standing) -> None:
        """Saves, and removes what is no longer to be kept.

        Raises:
            OSError: it cannot be written; the checkpoints before are still there.
        """
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"step-{standing.step:010}-{standing.epoch:06}.safetensors"
        tensors = learner.state() | _generators()
        tensors |= {f"carried.{name}": value for name, value in (standing.carried or {}).items()}
        write_tensors(path, tensors, {"format": FORMAT, "standing": standing.to_json()})
        # Later ones were passed over, since they are damaged.
        until_now = [old for old in self._paths() if old <= path]
        for old in {*self._paths()} - {*until_now[: self._settings.keep]}:
            old.unlink(missing_ok=True)
        self._saved_at = time.monotonic()

    def load_last(self, learner: Learner, observer: Observer) -> Standing:
        """Puts back the latest checkpoint that is whole; damaged ones are told of, and passed over.

        Without any, training begins anew.

        Raises:
            CheckpointError: all are damaged, or it is of another version or model.
        """
        damaged = []
        if self._folder.exists():
            remove_partial(self._folder)
        for path in self._paths():
            try:
                tensors, about = read_tensors(path)
            except CheckpointError as error:
                damaged.append(error)
                observer.says(f"passing over a damaged checkpoint: {error.problem}\n  at {path}")
                continue
            return _restored(tensors, about, path, learner)
        if damaged:
            raise CheckpointError(
                f"all checkpoints are damaged, the last one: {damaged[0].problem}",
                at=str(self._folder),
                hint="without that folder, --resume begins anew",
            )
        observer.says("the run has no checkpoint yet, and begins anew")
        return Standing()

    def _paths(self) -> list[Path]:
        """The latest first."""
        return sorted(self._folder.glob(_PATTERN), reverse=True)


def _restored(
    tensors: dict[str, Tensor], about: dict[str, Any], path: Path, learner: Learner
) -> Standing:
    if about.get("format") != FORMAT:
        raise CheckpointError(
            f"expected a checkpoint of format {FORMAT}, found {about.get('format')!r}",
            at=str(path),
            hint="it was written by another version of varlen",
        )
    try:
        learner.load_state(tensors)
        carried = _of("carried.", tensors)
        standing = Standing.from_json(about["standing"], carried)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"the checkpoint is that of another model or version: {error}", at=str(path)
        ) from error
    _set_generators(tensors)
    return standing


def _generators() -> dict[str, Tensor]:
    states = {"random.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        all_states = torch.cuda.get_rng_state_all()
        states |= {f"random.cuda.{i}": state for i, state in enumerate(all_states)}
    return states


def _set_generators(tensors: dict[str, Tensor]) -> None:
    torch.set_rng_state(tensors["random.cpu"])
    for name, state in _of("random.cuda.", tensors).items():
        if int(name) < torch.cuda.device_count():
            torch.cuda.set_rng_state(state, int(name))


def _of(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}
