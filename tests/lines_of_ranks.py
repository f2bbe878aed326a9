"""A task for several ranks: a line through points, with a batch whose loss is infinite."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from varlen.data import Batch, Pipeline
from varlen.train import (
    Dataset,
    Metric,
    Observers,
    RunFolder,
    Score,
    fit,
    joined_ranks,
    make_settings,
)

BROKEN = 5  # the point whose loss is infinite


class Model(nn.Module):
    """A line, and a number for each point in a table whose gradient is sparse."""

    def __init__(self):
        super().__init__()
        self.line = nn.Linear(1, 1)
        self.table = nn.Embedding(8, 1, sparse=True)
        for parameter in self.parameters():
            nn.init.ones_(parameter)

    def forward(self, x):
        return self.line(x) + self.table(x[:, 0].long())


class Points:
    metrics: ClassVar = (Metric("loss", False),)

    def __init__(self, on_nonfinite: str) -> None:
        training = {"epochs": 2, "on_nonfinite": on_nonfinite, "learning_rate": 0.1}
        self.settings = make_settings("tag", {"training": training})
        self.model = Model()

    def num_steps(self, data, split):
        return 8

    def batches(self, data, split, *, epoch):
        points = [{"x": np.float32(x)} for x in range(8 if split == "train" else 3)]
        return Pipeline(points, Batch(1))

    def score(self, batch, carried=None):
        x = torch.as_tensor(batch["x"])[:, None]
        loss = (self.model(x) - x).square().sum()
        if BROKEN in x:
            loss = loss * float("inf")
        return Score(loss, len(x), {}, len(x), len(x))


def learn(folder: Path, on_nonfinite: str) -> None:
    """Learns, and leaves the weights of each rank."""
    with joined_ranks() as ranks:
        with ranks.first_before_others():
            if ranks.is_first:
                run = RunFolder.create(folder / "run", task="points", config={}, vocabulary={})
            else:
                run = RunFolder.open(folder / "run")
        task = Points(on_nonfinite)
        standing = fit(task, Dataset(folder), run, observer=Observers(), ranks=ranks)
        torch.save([*task.model.parameters()], folder / f"weights-{ranks.rank}.pt")
    (folder / f"standing-{ranks.rank}").write_text(f"{standing.skipped} {standing.step}")
    threads = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    (folder / f"threads-{ranks.rank}").write_text("".join(threads))
