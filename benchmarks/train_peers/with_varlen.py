"""The works of `benchmarks/train.py`, done by its command line."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from answer import print_answer

import varlen


def options_of(task: str, epochs: str, sizes: list[str]) -> list[str]:
    training = ["--epochs", epochs, "--learning-rate", "3e-3", "--schedule", "linear"]
    training += ["--clip", "1.0"]
    if task == "tag":
        return [*training, "--batch-size", "32"]
    units, batch_size, dropout = sizes
    model = ["--cell", "lstm", "--units", units, "--layers", "1", "--dropout", dropout]
    return [*training, *model, "--no-bidirectional", "--batch-size", batch_size, "--average", "0"]


if __name__ == "__main__":
    task, path, epochs, *sizes = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        given = ["train", task, path, "--split-by", "split", "--run", str(run)]
        given += options_of(task, epochs, sizes)
        subprocess.run([sys.executable, "-m", "varlen", *given], check=True, capture_output=True)
        results = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        environment = json.loads((run / "config.json").read_text())["environment"]
    figure = "valid_accuracy" if task == "tag" else "valid_loss"
    print_answer(
        version=f"varlen {varlen.__version__}, torch {environment['torch']}",
        seconds=[result["seconds"] for result in results],
        figures=[result[figure] for result in results],
        live=results[-1]["live_steps"],
    )
