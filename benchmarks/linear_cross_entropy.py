"""The last layer and cross-entropy of 30,000 classes: memory and time of a training step.

Ours beside the plain form (all scores, then `masked_cross_entropy`), over the padded block and over
real steps only, and torch's own `linear_cross_entropy` over real steps, plain and in chunks. Losses
and gradients are compared with float64 first. Memory is by how much that of a fresh process grows
at most. Time is the median of forward and backward, everybody in turns, in processor time of one
thread, which other work on the machine disturbs least. Run:

    python benchmarks/linear_cross_entropy.py
"""

import argparse
import ctypes
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date

import torch
import torch.nn.functional as F
from machine import forget_peak_memory, memory, processor
from rnn_cases import draw_lengths
from rnn_memory import ENVIRONMENT
from torch import Tensor

from varlen import masked_cross_entropy, masked_linear_cross_entropy, sequence_mask


class Layer:
    """A last layer, and a batch for it."""

    def __init__(self, num_rows: int, num_features: int, num_classes: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.lengths = draw_lengths("log-normal", num_rows)
        shape = (num_rows, int(self.lengths.max()))
        self.targets = torch.randint(num_classes, shape, generator=generator)
        self.inputs = torch.randn(*shape, num_features, generator=generator).requires_grad_()
        self.weight = torch.randn(num_classes, num_features, generator=generator) / 16
        self.bias = torch.randn(num_classes, generator=generator).requires_grad_()
        self.weight.requires_grad_()
        self.leaves = (self.inputs, self.weight, self.bias)

    def contestants(self) -> dict[str, Callable[[], Tensor]]:
        found: dict[str, Callable[[], Tensor]] = {
            "ours": self.ours,
            "plain, padded": self.plain_padded,
            "plain, real steps": self.plain_real,
        }
        if hasattr(F, "linear_cross_entropy"):
            found["torch, real steps"] = lambda: self.torchs(None)
            found["torch, in chunks"] = lambda: self.torchs(torch.nn.LinearCrossEntropyOptions())
        return found

    def ours(self) -> Tensor:
        return masked_linear_cross_entropy(
            self.inputs, self.weight, self.bias, self.targets, self.lengths, reduction="token"
        )

    def plain_padded(self) -> Tensor:
        logits = F.linear(self.inputs, self.weight, self.bias)
        return masked_cross_entropy(logits, self.targets, self.lengths, reduction="token")

    def plain_real(self) -> Tensor:
        live = sequence_mask(self.lengths, self.targets.shape[1])
        logits = F.linear(self.inputs[live], self.weight, self.bias)
        return F.cross_entropy(logits, self.targets[live])

    def torchs(self, options: object) -> Tensor:
        live = sequence_mask(self.lengths, self.targets.shape[1])
        loss: Tensor = F.linear_cross_entropy(
            self.inputs[live],
            self.weight,
            self.targets[live],
            linear_bias=self.bias,
            options=options,
        )
        return loss

    def step(self, contestant: str) -> tuple[Tensor, ...]:
        """The loss, and the gradients of inputs, weight and bias."""
        loss = self.contestants()[contestant]()
        return (loss.detach(), *torch.autograd.grad(loss, self.leaves))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--classes", type=int, default=30_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.memory_of:
        print(json.dumps(growth(given.memory_of, given.rows, given.features, given.classes)))
        return
    layer = Layer(given.rows, given.features, given.classes)
    num_steps, block = int(layer.lengths.sum()), layer.targets.numel()
    print(f"{processor()}, one thread, {date.today()}")
    print(f"torch {torch.__version__}, Python {platform.python_version()}, float32")
    print(
        f"{given.classes:,} classes, {given.features} features, {given.rows} rows, "
        f"{num_steps:,} real steps of {block:,} ({num_steps / block:.0%})"
    )
    results = sum(tensor.nbytes for tensor in layer.leaves) / 2**20
    print(
        f"all scores of the real steps: {num_steps * given.classes * 4 / 2**20:.0f} MiB; ", end=""
    )
    print(f"the gradients: {results:.0f} MiB")
    differences = compare(layer)
    seconds = in_turns(layer, given.repeats)
    print(f"\n{'':20}{'training ms':>12}{'x ours':>8}{'MiB':>8}{'x ours':>8}{'difference':>12}")
    peaks = {name: measured_growth(name, given) for name in seconds}
    for name, its_seconds in seconds.items():
        print(
            f"{name:20}{its_seconds * 1e3:12.1f}{its_seconds / seconds['ours']:8.2f}"
            f"{peaks[name] / 2**20:8.0f}{peaks[name] / peaks['ours']:8.2f}{differences[name]:12.1e}"
        )


def compare(layer: Layer) -> dict[str, float]:
    """The largest difference of losses and gradients from the plain form's in float64."""
    exact = Layer.__new__(Layer)
    exact.lengths, exact.targets = layer.lengths, layer.targets
    exact.leaves = tuple(leaf.detach().double().requires_grad_() for leaf in layer.leaves)
    exact.inputs, exact.weight, exact.bias = exact.leaves
    expected = exact.step("plain, real steps")
    return {
        name: max(
            float((a - b).abs().max() / b.abs().max())
            for a, b in zip(layer.step(name), expected, strict=True)
        )
        for name in layer.contestants()
    }


def in_turns(layer: Layer, repeats: int) -> dict[str, float]:
    """Median seconds of processor time of a training step."""
    times: dict[str, list[float]] = {name: [] for name in layer.contestants()}
    for _ in range(repeats):
        for name, its_times in times.items():
            start = time.process_time()
            layer.step(name)
            its_times.append(time.process_time() - start)
    return {name: statistics.median(its_times) for name, its_times in times.items()}


def measured_growth(contestant: str, given: argparse.Namespace) -> int:
    sizes = ["--rows", given.rows, "--features", given.features, "--classes", given.classes]
    answer = subprocess.run(
        [sys.executable, __file__, "--memory-of", contestant, *map(str, sizes)],
        env={**os.environ, **ENVIRONMENT},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(json.loads(answer.stdout))


def growth(contestant: str, num_rows: int, num_features: int, num_classes: int) -> int:
    """By how many bytes this process grows at most during a step; a small one has run before."""
    layer = Layer(num_rows, num_features, num_classes)
    Layer(2, 8, 10).step(contestant)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    forget_peak_memory()
    before = memory("VmRSS")
    layer.step(contestant)
    return memory("VmHWM") - before


if __name__ == "__main__":
    main()
