"""Numbers of a pass while it runs: steps, padding, waiting, queues, and the time of each stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from varlen.sequences import JaggedSequence, PaddedSequence


@dataclass(frozen=True)
class PipelineStats:
    """What a pass has done so far. The rates are those of the whole time since its first item.

    Attributes:
        items: how many items it has handed out.
        live_steps: how many real steps they have. Of several sequences in a batch, the one with the
            most steps counts.
        padded_steps: the same with the padding.
        seconds: since the first item was asked for.
        waited: how many of these seconds the consumer waited for an item.
        stages: the seconds that each stage has worked, itself only, by its place and name; also in
            threads of this process, but not in other processes.
        queues: for each stage that works ahead, how many items are ready, and how many can be.
        counts: what stages have left out, cut or changed, as they say.
    """

    items: int
    live_steps: int
    padded_steps: int
    seconds: float
    waited: float
    stages: Mapping[str, float] = field(default_factory=dict)
    queues: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def live_steps_per_second(self) -> float:
        """Real steps."""
        return self.live_steps / self.seconds if self.seconds else 0.0

    @property
    def padded_steps_per_second(self) -> float:
        """Steps of the padded blocks."""
        return self.padded_steps / self.seconds if self.seconds else 0.0

    @property
    def padding_share(self) -> float:
        """The share of all steps that is padding."""
        return 1 - self.live_steps / self.padded_steps if self.padded_steps else 0.0

    @property
    def waiting_share(self) -> float:
        """The share of the time that the consumer waited for items."""
        return self.waited / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        """One line, for a progress bar."""
        return (
            f"{self.live_steps_per_second:,.0f} steps/s, padding {self.padding_share:.1%}, "
            f"waiting {self.waiting_share:.0%}"
        )


def steps_of(item: Any) -> tuple[int | Tensor, int]:
    """The real steps of a batch, and those with padding; of its sequence with the most steps.

    The first stays on the device that the lengths are on, so that nobody waits for it.
    """
    if not isinstance(item, Mapping):
        return 0, 0
    return max(map(_steps_of_value, item.values()), key=lambda steps: steps[1], default=(0, 0))


def _steps_of_value(value: Any) -> tuple[int | Tensor, int]:
    if isinstance(value, PaddedSequence):
        rows, steps = value.data.shape[:2]
        live = value.lengths.sum()
        if isinstance(live, Tensor) and live.device.type == "meta":  # which has no numbers
            return 0, rows * steps
        is_far = isinstance(live, Tensor) and live.device.type != "cpu"
        return live if is_far else int(live), rows * steps
    if isinstance(value, JaggedSequence):
        num_steps = int(np.shape(value.values)[0])
        return num_steps, num_steps
    if isinstance(value, PackedSequence):
        return len(value.data), len(value.data)
    if getattr(value, "is_nested", False):
        num_steps = int(value.values().shape[0])
        return num_steps, num_steps
    return 0, 0
