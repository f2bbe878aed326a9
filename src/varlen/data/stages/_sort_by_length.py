"""`SortByLength`: examples of like length after each other, within windows."""

from dataclasses import dataclass

import numpy as np

from varlen.data._collate import sequence_lengths
from varlen.data._run import Run, as_list, reordered
from varlen.data._stage import StageIterator
from varlen.data.plan._permutation import uniform
from varlen.data.stages._windows import WindowsIterator
from varlen.errors import check_integer


@dataclass(frozen=True)
class SortByLength:
    """Sorts consecutive windows of `window` examples by length, so that there is little to pad.

    For batches of a stream without buckets, of which `Shuffle` then mixes the order:

        Pipeline(
            Records("train-*.tfrecord"),
            SortByLength("tokens", window=3200, noise=0.1, seed=7),
            Batch(BatchLimits(max_padded_steps={"tokens": 4096})),
            Shuffle(window=50, seed=7),
            Parse(...),
        )

    Every second window begins with the longest, so that a batch across two windows has like
    lengths too. A window is held in memory. `BatchPlan(windows=...)` does more where there is an
    index.

    Args:
        name: the feature that has the length, a JaggedSequence.
        window: how many examples to hold.
        noise: lengths are multiplied by random numbers from `1 - noise` to `1 + noise` before they
            are sorted, so that examples of one length do not always meet.
        seed: of the noise, at least 0; every epoch has another.

    Raises:
        TypeError: a window or a seed that is not an integer; while iterating, a feature that is
            not a JaggedSequence.
        ValueError: a window below 1, a seed below 0, or a noise that is not from 0 to below 1;
            while iterating, no such feature.
    """

    name: str
    window: int
    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_integer(self.window, "SortByLength: window", at_least=1)
        check_integer(self.seed, "SortByLength: seed", at_least=0)
        if not 0 <= self.noise < 1:
            raise ValueError(f"SortByLength: noise: expected from 0 to below 1, found {self.noise}")

    def iterate(self, upstream: StageIterator) -> StageIterator:
        return WindowsIterator(upstream, self.window, self._sorted)

    def _sorted(self, items: Run, number: int, epoch: int) -> Run:
        keys = np.array(sequence_lengths(as_list(items), self.name), np.float64)
        if self.noise:
            numbers = number * self.window + np.arange(len(keys))
            keys *= 1 + self.noise * (2 * uniform(numbers, self.seed, epoch) - 1)
        return reordered(items, np.argsort(-keys if number % 2 else keys, kind="stable").tolist())
