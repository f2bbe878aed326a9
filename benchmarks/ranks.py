"""Two processes that learn together, beside one that makes the same steps.

    python benchmarks/ranks.py

Both train a classifier of JapaneseVowels: `torchrun` with two processes, and one process that
accumulates two batches per step. Prints the losses of each epoch, and at the end the largest
difference of weights. What dropout draws depends on the step and the place of a batch in it, not on
who has the batch; only a last step with a single batch, which ranks divide, draws otherwise.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from machine import processor
from safetensors.torch import load_file

import varlen

DATA = Path(__file__).parents[1] / "data" / "japanese_vowels"


def train(run: Path, num_ranks: int, options: list[str]) -> float:
    """Trains, and gives the seconds that it took."""
    began = time.monotonic()
    command = [sys.executable, "-m"]
    if num_ranks > 1:
        command += ["torch.distributed.run", "--nproc-per-node", str(num_ranks), "-m", "--"]
    arguments = ["varlen", "train", "classify", str(DATA), "--run", str(run), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, *arguments], check=True, env=environment, capture_output=True)
    return time.monotonic() - began


def losses(run: Path) -> list[tuple[float, float]]:
    rows = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [(row["train_loss"], row["valid_loss"]) for row in rows]


def weights(run: Path) -> dict[str, torch.Tensor]:
    tensors = load_file(max((run / "checkpoints").iterdir()))
    return {name: tensor for name, tensor in tensors.items() if name.startswith("model.")}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=5)
    given = parser.parse_args()
    print(
        f"{processor()}, {os.cpu_count()} processors, varlen {varlen.__version__}, "
        f"torch {torch.__version__}, gloo, one thread each"
    )
    for dropout in (0.0, 0.3):
        options = ["--units", "64", "--batch-size", "9", "--epochs", str(given.epochs)]
        options += ["--dropout", str(dropout)]
        with tempfile.TemporaryDirectory() as name:
            two, one = Path(name, "two"), Path(name, "one")
            seconds = train(two, 2, options), train(one, 1, [*options, "--accumulate", "2"])
            print(
                f"\ndropout {dropout}: {seconds[0]:.0f} and {seconds[1]:.0f} seconds, "
                "start included"
            )
            print(
                f"{'epoch':>5}{'train loss of two':>20}{'of one':>12}"
                f"{'valid loss of two':>20}{'of one':>12}"
            )
            for epoch, (ours, theirs) in enumerate(zip(losses(two), losses(one), strict=True), 1):
                print(f"{epoch:5}{ours[0]:20.8f}{theirs[0]:12.8f}{ours[1]:20.8f}{theirs[1]:12.8f}")
            expected = weights(one)
            apart = max(
                float((tensor - expected[name]).abs().max())
                for name, tensor in weights(two).items()
            )
            largest = max(float(tensor.abs().max()) for tensor in expected.values())
            print(f"largest difference of weights {apart:.1e}, of weights up to {largest:.2f}")


if __name__ == "__main__":
    main()
