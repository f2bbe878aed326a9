"""Checkpoints: all that a training depends on, in one file each, of which the latest are kept."""

import time
from pathlib import Path
from typing import Any

from torch import Tensor

from varlen.errors import CheckpointError
from varlen.train._learner import Learner
from varlen.train._progress import Observer
from varlen.train._ranks import ALONE, Ranks
from varlen.train._settings import TrainingSettings
from varlen.train._standing import Standing
from varlen.train._stored import read_tensors, remove_partial, write_tensors

FORMAT = 1
_PATTERN = "step-*.safetensors"


class Checkpoints:
    """The folder of checkpoints of a run.

    A checkpoint is a safetensors file with the model, the moments of the optimizer, averages, what
    is carried from batch to batch; its metadata has the `Standing`, with the position in the data,
    which is the same for all ranks. The first rank writes it, beside, and renames it. What is
    drawn at random depends on the step alone, so there is no generator to keep.

    Args:
        folder: where; it need not be there yet.
        settings: when to save, and how many to keep.
        ranks: who learns together.
    """

    def __init__(self, folder: Path, settings: TrainingSettings, ranks: Ranks = ALONE) -> None:
        self._folder = folder
        self._settings = settings
        self._ranks = ranks
        self._saved_at = time.monotonic()

    def is_due(self, step: int) -> bool:
        """Whether enough time, or enough steps, will have gone by with this step."""
        steps = self._settings.save_steps
        is_late = time.monotonic() - self._saved_at >= self._settings.save_seconds
        return is_late or (steps is not None and step % steps == 0)

    def save(self, learner: Learner, standing: Standing) -> None:
        """Saves, and removes what is no longer to be kept. All ranks have to come.

        Raises:
            OSError: it cannot be written; the checkpoints before are still there.
        """
        carried = self._ranks.gather_rows(standing.carried or {})
        if self._ranks.is_first:
            self._write(learner, standing, carried)
        self._saved_at = time.monotonic()

    def _write(self, learner: Learner, standing: Standing, carried: dict[str, Tensor]) -> None:
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"step-{standing.step:010}-{standing.epoch:06}.safetensors"
        tensors = learner.state() | {f"carried.{name}": rows for name, rows in carried.items()}
        write_tensors(path, tensors, {"format": FORMAT, "standing": standing.to_json()})
        # Later ones were passed over, since they are damaged.
        until_now = [old for old in self._paths() if old <= path]
        for old in {*self._paths()} - {*until_now[: self._settings.keep]}:
            old.unlink(missing_ok=True)

    def load_last(self, learner: Learner, observer: Observer) -> Standing:
        """Puts back the latest checkpoint that is whole; damaged ones are told of, and passed over.

        Without any, training begins anew.

        Raises:
            CheckpointError: all are damaged, or it is of another version or model.
        """
        damaged = []
        if self._folder.exists() and self._ranks.is_first:
            remove_partial(self._folder)
        for path in self._paths():
            try:
                tensors, about = read_tensors(path)
            except CheckpointError as error:
                damaged.append(error)
                observer.says(f"passing over a damaged checkpoint: {error.problem}\n  at {path}")
                continue
            return self._restored(tensors, about, path, learner)
        if damaged:
            raise CheckpointError(
                f"all checkpoints are damaged, the last one: {damaged[0].problem}",
                at=str(self._folder),
                hint="without that folder, --resume begins anew",
            )
        observer.says("the run has no checkpoint yet, and begins anew")
        return Standing()

    def _restored(
        self, tensors: dict[str, Tensor], about: dict[str, Any], path: Path, learner: Learner
    ) -> Standing:
        if about.get("format") != FORMAT:
            raise CheckpointError(
                f"expected a checkpoint of format {FORMAT}, found {about.get('format')!r}",
                at=str(path),
                hint="it was written by another version of varlen",
            )
        try:
            learner.load_state(tensors)
            carried = self._ranks.own_rows(_of("carried.", tensors))
            return Standing.from_json(about["standing"], carried)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            problem = (
                str(error).splitlines()[:2][-1].strip()
            )  # torch names all tensors, below a title
            raise CheckpointError(
                f"the checkpoint is that of another model or version: {problem}", at=str(path)
            ) from error

    def _paths(self) -> list[Path]:
        """The latest first."""
        return sorted(self._folder.glob(_PATTERN), reverse=True)


def _of(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}
