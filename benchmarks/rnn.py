"""Recurrent layers on sequences of unequal length: ours, torch's, and the bound.

The bound is the time of torch's own matrix products over the real steps only: the input and the
recurrent product once for inference, three times (values, inputs, weights) for training. Rounds are
interleaved and medians are printed, so that ratios hold even where times do not. Run:

    python benchmarks/rnn.py                         # LSTM and GRU, 64 rows, log-normal lengths
    python benchmarks/rnn.py --sizes 64x64 128x512   # input size x units
    python benchmarks/rnn.py --cells lstm peephole   # see --help
"""

import argparse
import importlib.metadata
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from varlen import BasicRNNCell, GRUCell, LSTMCell, dynamic_rnn
from varlen.rnn import RNNCell

CELLS: dict[str, Callable[[int, int], RNNCell]] = {
    "rnn": BasicRNNCell,
    "gru": GRUCell,
    "lstm": LSTMCell,
    "peephole": lambda d, n: LSTMCell(
        d, n, use_peepholes=True, cell_clip=3.0, num_proj=n // 2, proj_clip=3.0
    ),
}
# The nearest that torch has. Its GRU resets after the product, ours before it, as TensorFlow's.
TORCH = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
GATES = {"rnn": 1, "gru": 3, "lstm": 4, "peephole": 4}


def draw_lengths(kind: str, batch_size: int) -> Tensor:
    rng = np.random.default_rng(0)
    drawn = {
        "log-normal": np.exp(rng.normal(np.log(30), 0.8, batch_size)).round(),
        "uniform": rng.integers(1, 100, batch_size),
        "constant": np.full(batch_size, 41),
        "one-long": np.r_[200, np.full(batch_size - 1, 20)],
    }
    return torch.from_numpy(drawn[kind].clip(1, 200).astype(np.int64))


def contestants(
    cell_name: str, input_size: int, units: int, lengths: Tensor
) -> dict[str, dict[str, Callable[[], object]]]:
    """By kind of work: by name, what is timed."""
    torch.manual_seed(0)
    cell = CELLS[cell_name](input_size, units)
    inputs = torch.randn(len(lengths), int(lengths.max()), input_size)
    learnt = inputs.clone().requires_grad_()
    work: dict[str, dict[str, Callable[[], object]]] = {"inference": {}, "training": {}}

    def infer(function: Callable[[Tensor], object]) -> Callable[[], object]:
        def timed() -> object:
            with torch.inference_mode():
                return function(inputs)

        return timed

    def train(function: Callable[[Tensor], Tensor]) -> Callable[[], object]:
        return lambda: function(learnt).sum().backward()

    for engine in ("native", "eager"):
        run = lambda x, engine=engine: dynamic_rnn(cell, x, lengths, engine=engine)[0]  # noqa: E731
        work["inference"][f"ours, {engine}"] = infer(run)
        work["training"][f"ours, {engine}"] = train(run)
    if cell_name in TORCH:
        layer = TORCH[cell_name](input_size, units, batch_first=True)
        packed = lambda x: pack_padded_sequence(  # noqa: E731
            x, lengths, batch_first=True, enforce_sorted=False
        )
        work["inference"]["torch, padded"] = infer(lambda x: layer(x)[0])
        work["inference"]["torch, packed"] = infer(lambda x: layer(packed(x))[0].data)
        work["training"]["torch, padded"] = train(lambda x: layer(x)[0])
        work["training"]["torch, packed"] = train(lambda x: layer(packed(x))[0].data)

    products = bound_products(cell_name, input_size, units, int(lengths.sum()))
    work["inference"]["bound"] = lambda: [a @ b for a, b in products[:2]]
    work["training"]["bound"] = lambda: [a @ b for a, b in products]
    return work


def bound_products(
    cell_name: str, input_size: int, units: int, num_steps: int
) -> list[tuple[Tensor, Tensor]]:
    columns = GATES[cell_name] * units
    x, h, g = (torch.randn(num_steps, n) for n in (input_size, units, columns))
    wx, wh = torch.randn(input_size, columns), torch.randn(units, columns)
    return [(x, wx), (h, wh), (g, wx.t()), (g, wh.t()), (x.t(), g), (h.t(), g)]


def medians(functions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) for name, each in times.items()}


def report(title: str, found: dict[str, float]) -> None:
    print(f"\n{title}")
    ours, bound = found["ours, native"], found["bound"]
    for name, seconds in found.items():
        line = f"  {name:16}{1000 * seconds:10.2f} ms{seconds / bound:8.2f} x the bound"
        print(line + ("" if name == "ours, native" else f"{seconds / ours:8.2f} x ours"))


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((x.split(": ")[1] for x in lines if x.startswith("model name")), "unknown")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=["lstm", "gru"])
    parser.add_argument("--sizes", nargs="+", default=["128x256", "64x64"])
    parser.add_argument(
        "--lengths", choices=["log-normal", "uniform", "constant", "one-long"], default="log-normal"
    )
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("varlen", "torch"))
    print(f"{processor()}, {given.threads} threads, {versions}, Python {platform.python_version()}")
    lengths = draw_lengths(given.lengths, given.batch)
    share = lengths.sum().item() / (len(lengths) * lengths.max().item())
    print(f"{given.batch} rows, {given.lengths} lengths, {share:.0%} of the padded block is real")
    for cell in given.cells:
        for size in given.sizes:
            input_size, units = map(int, size.split("x"))
            for kind, functions in contestants(cell, input_size, units, lengths).items():
                repeats = given.repeats
                report(f"{cell} {size}, {kind}", medians(functions, repeats))


if __name__ == "__main__":
    main()
