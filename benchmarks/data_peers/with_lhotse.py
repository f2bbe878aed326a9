"""What Lhotse can do of `benchmarks/data.py`: say which examples go together. It reads none."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
from clock import Counts, run
from lhotse import CutSet, MonoCut
from lhotse.dataset.sampling import DynamicBucketingSampler

BATCH_SIZE = 64
NUM_BUCKETS = 10
SECONDS_PER_STEP = 0.01


def sampled(folder: Path, _: int) -> Iterator[Counts]:
    with np.load(folder / "facts.npz") as facts:
        lengths = facts["lengths"].tolist()

    def cuts() -> Iterator[MonoCut]:
        for i, length in enumerate(lengths):
            yield MonoCut(str(i), start=0, duration=length * SECONDS_PER_STEP, channel=0)

    while True:
        sampler = DynamicBucketingSampler(
            CutSet(Again(cuts)), max_cuts=BATCH_SIZE, num_buckets=NUM_BUCKETS, shuffle=True
        )
        for batch in sampler:
            steps = [round(cut.duration / SECONDS_PER_STEP) for cut in batch]
            yield Counts(len(steps), sum(steps), len(steps) * max(steps))


class Again:
    """What a generator function yields, as often as it is asked for."""

    def __init__(self, function) -> None:
        self._function = function

    def __iter__(self):
        return self._function()


if __name__ == "__main__":
    run({"sampling": sampled}, f"lhotse {version('lhotse')}")
