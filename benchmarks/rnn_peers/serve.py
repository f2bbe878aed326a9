"""What the peers of `benchmarks/rnn.py` share: they are told a case, and tell the time of its work.

Runs in interpreters without varlen and torch.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

TOLERANCE = 1e-4
Arrays = Mapping[str, np.ndarray]
# By kind of work; that of inference returns the outputs, `[batch, time, units]`.
Works = Mapping[str, Callable[[], object]]


def say(**answer: object) -> None:
    print(json.dumps(answer), flush=True)


def say_missing(reason: object) -> None:
    """There is nothing here that could do the work."""
    say(missing=str(reason), version="", cells=[], kinds=[])


def serve(
    prepare: Callable[[str, Arrays, int], Works],
    *,
    version: str,
    cells: Sequence[str],
    kinds: Sequence[str],
    like: str,
) -> None:
    """Answers each line of the standard input.

    Args:
        prepare: from a cell, the arrays of a case and the number of threads to the works.
        version: of what does them.
        cells: that it has.
        kinds: of works.
        like: whose parameters and outputs it shares: "torch" or "tf".
    """
    num_threads = int(sys.argv[1])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:num_threads])
    say(missing=None, version=version, cells=cells, kinds=kinds)
    works, of = {}, None
    for line in sys.stdin:
        order = json.loads(line)
        if order["file"] != of:
            arrays, of = dict(np.load(order["file"])), order["file"]
            works = prepare(order["cell"], arrays, num_threads)
            check(works["inference"](), arrays, like)
        begin = time.perf_counter()
        works[order["kind"]]()
        say(seconds=time.perf_counter() - begin)


def check(outputs: object, arrays: Arrays, like: str) -> None:
    """Only who finds what we find is compared; what stands past the end may differ."""
    expected = arrays[f"{like}/outputs"]
    live = np.arange(expected.shape[1]) < arrays["lengths"][:, None]
    worst = np.abs(np.asarray(outputs)[live] - expected[live]).max()
    if not worst < TOLERANCE:
        raise SystemExit(f"{sys.argv[0]}: outputs differ from varlen's by up to {worst}")


def parameters(arrays: Arrays, like: str) -> dict[str, np.ndarray]:
    """By name, without the outputs."""
    found = {
        key.removeprefix(f"{like}/"): value
        for key, value in arrays.items()
        if key.startswith(f"{like}/")
    }
    del found["outputs"]
    return found
