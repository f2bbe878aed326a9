"""What happens when a loss or gradient is not finite: the batch is kept, or passed over."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from varlen.errors import ConfigError
from varlen.features import sequence_examples
from varlen.records import RecordWriter
from varlen.sequences import JaggedSequence
from varlen.train._cells import OVERFLOWING
from varlen.train._progress import Observer
from varlen.train._ranks import Ranks
from varlen.train._standing import Standing


class NonFinite:
    """Stops or skips.

    Args:
        policy: "stop" or "skip".
        folder: the run folder, where the batch is saved.
        observer: is told of what is skipped.
        ranks: each of which saves its own share.
        cell: the name of the cell that is learned, which may be the cause.
    """

    def __init__(
        self, policy: str, folder: Path, observer: Observer, ranks: Ranks, *, cell: str
    ) -> None:
        self._policy = policy
        self._folder = folder
        self._observer = observer
        self._ranks = ranks
        self._cell = cell

    def found(self, batches: list[Mapping[str, Any]], standing: Standing) -> None:
        """Counts the step, or ends the training.

        Raises:
            ConfigError: it is to stop; the batches of the step are in the folder, as records of
                what the model was given.
        """
        where = f"epoch {standing.epoch}, step {standing.step + 1}"
        if self._policy == "skip":
            standing.skipped += 1
            self._observer.says(f"{where}: loss or gradient not finite, skipped")
            return
        share = "" if self._ranks.num_ranks == 1 else f"-rank-{self._ranks.rank}"
        path = self._folder / f"nonfinite-step-{standing.step + 1:010}{share}.tfrecord"
        with RecordWriter(path) as writer:
            for batch in batches:
                writer.write_many(_records(batch))
        self._ranks.wait()
        raise ConfigError(
            "the loss or its gradient became nan or infinite, so nothing more can be learned",
            at=f"{where}; its batch is in {path}",
            hint=f"{self._advice()}; "
            f"`varlen train --resume {self._folder} --on-nonfinite skip` passes over such steps",
        )

    def _advice(self) -> str:
        if self._cell in OVERFLOWING:
            return (
                f"the gradient of {self._cell} overflows where a sequence begins with several "
                "steps of zeros: that of layer_norm_gru does not"
            )
        return "a smaller learning rate may help"


def _records(batch: Mapping[str, Any]) -> list[bytes]:
    """A record for each row, with what can be stored of it."""
    sequences = {
        name: JaggedSequence(_array(value.values), _array(value.lengths))
        for name, value in batch.items()
        if isinstance(value, JaggedSequence)
    }
    context = {
        name: _array(value)
        for name, value in batch.items()
        if isinstance(value, torch.Tensor | np.ndarray)
    }
    return sequence_examples(context, sequences) if context or sequences else []


def _array(value: Any) -> Any:
    return value.numpy() if isinstance(value, torch.Tensor) else value
