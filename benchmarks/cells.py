"""A training step of every cell and wrapper beside that of the LSTM, at 128 inputs x 256 units.

Forward and backward over 64 sequences of log-normal lengths, on one thread, on the engine that
`dynamic_rnn` takes. Each cell takes turns with `LSTMCell`, so that both meet the same machine; the
times are medians, and the ratio is what the catalogue of cells shows (2 x: twice as fast).

    python benchmarks/cells.py                          # all, a few minutes
    python benchmarks/cells.py --cells GRUCell NASCell  # these; their rows take the old ones' place
"""

import argparse
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch
from machine import processor
from rnn_cases import draw_lengths

from varlen import RNNCell, dynamic_rnn
from varlen.rnn import _nest, explain

sys.path.append(str(Path(__file__).parents[1] / "docs"))
from catalogue.zoo import INPUT_SIZE, UNITS, core, draw_inputs, example, is_wrapper, public_cells

BATCH = 64
RESULTS = Path(__file__).parent / "results" / "cells.txt"
ROW = re.compile(r"^(\w+) +[\d.]+ ms", re.MULTILINE)


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    names = sorted(
        public_cells(), key=lambda name: (is_wrapper(public_cells()[name]), name.lower())
    )
    rows = {}
    if arguments.cells and RESULTS.exists():
        rows = {m[1]: line for line in RESULTS.read_text().split("\n") if (m := ROW.match(line))}
    lstm = training_step("LSTMCell")
    head = (
        f"{processor()}, torch {torch.__version__}, Python {platform.python_version()}, "
        f"{date.today()}."
    )
    print(head)
    for name in arguments.cells or names:
        ours, theirs, engine = measure(name, lstm, seconds=arguments.seconds)
        rows[name] = f"{name:32}{1000 * ours:9.1f} ms {theirs / ours:8.3f} x   {engine}"
        print(rows[name], flush=True)
    table = [rows[name] for name in names if name in rows]
    RESULTS.write_text("\n".join([head, "", *table]) + "\n")


def measure(name: str, lstm: Callable[[], None], *, seconds: float) -> tuple[float, float, str]:
    """Medians of a step's and of the LSTM's seconds in the same time, and the engine."""
    step = training_step(name)
    ours, theirs = [_timed(step)], [_timed(lstm)]  # warm
    begin = time.perf_counter()
    while len(ours) < 4 or time.perf_counter() - begin < seconds:
        ours.append(_timed(step))
        theirs.append(_timed(lstm))
        if len(ours) >= 3 and time.perf_counter() - begin > 3 * seconds:
            break
    return (
        statistics.median(ours[1:]),
        statistics.median(theirs[1:]),
        explain(core(example(name))).engine,
    )


def training_step(name: str) -> Callable[[], None]:
    """Forward and backward of an example of the cell, as `dynamic_rnn` runs it."""
    torch.manual_seed(0)
    cell = example(name)
    lengths = draw_lengths("log-normal", BATCH)
    steps, cell_dtype = int(lengths.max()), torch.float32
    inputs = draw_inputs(core(cell), BATCH, steps)

    def step() -> None:
        cell.zero_grad()
        if isinstance(cell, RNNCell):
            outputs, _ = dynamic_rnn(cell, inputs, lengths)
        else:  # it is called on a whole sequence, time first
            outputs, _ = cell(inputs.transpose(0, 1), sequence_length=lengths, dtype=cell_dtype)
        torch.stack([leaf.sum() for leaf in _nest.leaves(outputs)]).sum().backward()

    return step


def _timed(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cells", nargs="+", metavar="NAME", choices=list(public_cells()), help="only these"
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="for each, at least (default 2)")
    return parser.parse_args()


assert (INPUT_SIZE, UNITS) == (128, 256), "what the text above says"

if __name__ == "__main__":
    main()
