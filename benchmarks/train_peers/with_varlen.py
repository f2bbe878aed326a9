"""The works of `benchmarks/train.py`, done by varlen: the command line, without its printing."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from answer import print_answer

import varlen
from varlen.train import EpochResult, make_settings, train


class Listener:
    """Keeps what epochs had to show."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.figures: list[float] = []
        self.live = 0

    def epoch_ends(self, result: EpochResult) -> None:
        self.seconds.append(result.seconds)
        self.figures.append(result.valid.value(result.metrics[0]))
        self.live = result.train.live

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: None


def settings_of(task: str, epochs: str, sizes: list[str]) -> dict[str, dict[str, Any]]:
    training: dict[str, Any] = {
        "epochs": int(epochs),
        "learning_rate": 3e-3,
        "schedule": "linear",
        "clip": 1.0,
    }
    if task == "tag":
        return {"training": {**training, "batch_size": 32}}
    units, batch_size, dropout = sizes
    model = {"cell": "lstm", "units": int(units), "layers": 1, "dropout": float(dropout)}
    return {
        "model": {**model, "bidirectional": False},
        "training": {**training, "batch_size": int(batch_size), "average": 0.0},
    }


if __name__ == "__main__":
    task, path, epochs, *sizes = sys.argv[1:]
    heard = Listener()
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "records"
        convert = [sys.executable, "-m", "varlen", "convert", path, str(records)]
        subprocess.run([*convert, "--split-by", "split"], check=True, capture_output=True)
        settings = make_settings(task, settings_of(task, epochs, sizes))
        train(task, records, Path(folder) / "run", settings, observer=heard)
    print_answer(
        version=f"varlen {varlen.__version__}, torch {torch.__version__}",
        seconds=heard.seconds,
        figures=heard.figures,
        live=heard.live,
    )
