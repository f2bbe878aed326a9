"""What happens when a loss or gradient is not finite: the batch is kept, or passed over."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from varlen.errors import ConfigError
from varlen.sequences import JaggedSequence
from varlen.train._cells import OVERFLOWING
from varlen.train._progress import Observer
from varlen.train._ranks import Ranks
from varlen.train._standing import Standing
from varlen.train._stored import write_tensors


class NonFinite:
    """Stops or skips.

    Args:
        policy: "stop" or "skip".
        folder: where the batch is saved.
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
            ConfigError: it is to stop; the batches of the step are in the folder.
        """
        where = f"epoch {standing.epoch}, step {standing.step + 1}"
        if self._policy == "skip":
            standing.skipped += 1
            self._observer.says(f"{where}: loss or gradient not finite, skipped")
            return
        share = "" if self._ranks.num_ranks == 1 else f"-rank-{self._ranks.rank}"
        path = self._folder / f"nonfinite-step-{standing.step + 1:010}{share}.safetensors"
        tensors = {
            f"{number}.{name}": tensor
            for number, batch in enumerate(batches)
            for name, tensor in _tensors(batch).items()
        }
        about = {"epoch": standing.epoch, "step": standing.step + 1, "position": standing.position}
        write_tensors(path, tensors, about)
        self._ranks.wait()
        raise ConfigError(
            "the loss or its gradient became nan or infinite, so nothing more can be learned",
            at=f"{where}; its batch is in {path}",
            hint=f"{self._advice()}; --on-nonfinite skip passes over such steps",
        )

    def _advice(self) -> str:
        if self._cell in OVERFLOWING:
            return (
                f"the gradient of {self._cell} overflows where a sequence begins with several "
                "steps of zeros: that of layer_norm_gru does not"
            )
        return "a smaller learning rate may help"


def _tensors(batch: Mapping[str, Any]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, value in batch.items():
        if isinstance(value, JaggedSequence):
            found |= {f"{name}.values": value.values, f"{name}.lengths": value.lengths}
        elif isinstance(value, torch.Tensor):
            found[name] = value
    return found
