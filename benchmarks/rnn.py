"""Recurrent layers on sequences of unequal length: ours, others', and the bound.

    python benchmarks/rnn.py                          # everything
    python benchmarks/rnn.py --parts table            # the table with its targets
    python benchmarks/rnn.py --parts table --cases lstm-64x64 --repeats 5
    python benchmarks/rnn.py --tensorflow PYTHON --jax PYTHON

The bound is the time of torch's own matrix products over the real steps only: once for inference,
three times (values, inputs, weights) for training. A training step is forward and backward from a
gradient of the outputs. Rounds of all contestants take turns and medians are printed, so that
ratios hold even where times do not. Peers run in interpreters of their own, and what they compute
is compared with ours first; a peer without an interpreter is left out.

The parts:

    table      the cells and sizes that have targets; 64 rows, log-normal lengths
    wide       one axis at a time around LSTM 128x256:
      sizes      of inputs and units
      batches    rows
      lengths    uniform, constant, one long row among short ones
      cells      every cell, by the time for a FLOP, and beside our eager engine
    extras     what else is promised:
      stream     a single step of a single row
      padding    lengths that differ, against equal ones with as many steps
      constant   equal lengths, where torch has nothing to lose
      memory     the peak of a training step, against what must be saved
      threads    two threads against one, and ours right after torch's
"""

import argparse
import datetime
import importlib.metadata
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import rnn_extras
import torch
from machine import processor
from rnn_cases import KINDS, Case, CaseName
from rnn_clock import Peer, medians, timed
from rnn_compare_cells import compare_cells
from rnn_targets import TABLE, Target, print_targets, table_targets

from varlen import _native

CASES = {str(name).lower().replace(" ", "-"): name for name in TABLE}
AROUND = CaseName("LSTM", 128, 256)
AXES = {
    "sizes": [
        AROUND._replace(input_size=d, units=n) for d, n in ((64, 64), (128, 512), (256, 1024))
    ],
    "batches": [AROUND._replace(batch_size=n) for n in (1, 8, 32, 256)],
    "lengths": [AROUND._replace(lengths=kind) for kind in ("uniform", "constant", "one-long")],
}
GROUPS = {"wide": [*AXES, "cells"], "extras": list(rnn_extras.PARTS)}


def main() -> None:
    given = parse_arguments()
    if not _native.NATIVE:
        raise SystemExit("the compiled core is left out (VARLEN_NATIVE=0): nothing to compare")
    torch.set_num_threads(given.threads)
    begin = time.perf_counter()
    peers = start_peers(given)
    print_header(peers, given)
    parts = [name for part in given.parts for name in GROUPS.get(part, [part])]
    targets: list[Target] = []
    try:
        for part in dict.fromkeys(parts):
            targets.extend(run_part(part, peers, given))
    except KeyboardInterrupt:
        print("\nstopped; this is what was found until then")
    for peer in peers:
        peer.close()
    if targets:
        print_targets(targets)
    print(f"took {(time.perf_counter() - begin) / 60:.1f} minutes")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ["table", *GROUPS, *(name for group in GROUPS.values() for name in group)]
    parts = {"nargs": "+", "metavar": "PART", "choices": names, "default": ["table", *GROUPS]}
    parser.add_argument("--parts", help="see above; all is the default", **parts)
    parser.add_argument(
        "--cases", nargs="+", choices=CASES, default=list(CASES), help="of the table"
    )
    parser.add_argument("--repeats", type=count, default=15, help="rounds (15)")
    parser.add_argument("--wide-repeats", type=count, default=5, help="rounds of the wide part (5)")
    parser.add_argument("--threads", type=count, default=torch.get_num_threads())
    parser.add_argument(
        "--onnxruntime",
        metavar="PYTHON",
        default=sys.executable,
        help="an interpreter with onnxruntime and onnx (this one)",
    )
    parser.add_argument("--tensorflow", metavar="PYTHON", help="one with TensorFlow; table only")
    parser.add_argument("--jax", metavar="PYTHON", help="one with JAX; table only")
    return parser.parse_args()


def count(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, found {number}")
    return number


def start_peers(given: argparse.Namespace) -> list[Peer]:
    known = {"ONNX Runtime": "onnxruntime", "TensorFlow": "tensorflow", "JAX": "jax"}
    return [
        Peer(name, getattr(given, option), f"with_{option}.py", given.threads)
        for name, option in known.items()
        if getattr(given, option) is not None
    ]


def print_header(peers: list[Peer], given: argparse.Namespace) -> None:
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("varlen", "torch")]
    versions += [peer.version for peer in peers if not peer.missing]
    print(f"{processor()}, {given.threads} threads, {datetime.date.today()}")
    print(
        f"instructions: {_native.rnn.kernel_names()[0]} (ours), "
        f"{torch.backends.cpu.get_cpu_capability()} (torch)"
    )
    print(f"{', '.join(versions)}, Python {platform.python_version()}")
    for peer in peers:
        if peer.missing:
            print(f"{peer.name} is left out: {peer.missing}")
    for option in ("tensorflow", "jax"):
        if getattr(given, option) is None:
            print(f"{option} is left out: --{option} names no interpreter")


def run_part(part: str, peers: list[Peer], given: argparse.Namespace) -> Iterator[Target]:
    """Prints what a part finds; gives its targets as soon as they are known."""
    print(f"\n=== {part}", flush=True)
    if part in rnn_extras.PARTS:
        yield from rnn_extras.PARTS[part](given.repeats)
    elif part == "cells":
        yield from compare_cells(AROUND, given.wide_repeats)
    elif part == "table":
        for name in (CASES[case] for case in given.cases):
            for kind, found in measure(name, peers, given.repeats).items():
                yield from table_targets(name, kind, found)
    else:
        beside = [peer for peer in peers if peer.name == "ONNX Runtime"]
        for name in AXES[part]:
            measure(name, beside, given.wide_repeats)


def measure(name: CaseName, peers: list[Peer], repeats: int) -> dict[str, dict[str, float]]:
    """Prints the times of all contestants; gives seconds by kind and contestant."""
    case = Case(name)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.npz"
        case.save(path)
        for kind in KINDS:
            clocks = {who: timed(work) for who, work in case.works(kind).items()}
            for peer in peers:
                if (clock := peer.clock(case, path, kind)) is not None:
                    clocks[peer.name] = clock
            found[kind] = medians(clocks, repeats)
    print_case(case, found)
    return found


def print_case(case: Case, found: dict[str, dict[str, float]]) -> None:
    name, share = case.name, case.num_steps / case.inputs[..., 0].numel()
    rows = f"{name.batch_size} rows" if name.batch_size > 1 else "1 row"
    print(f"\n{name}, {rows}, {name.lengths} lengths, {share:.0%} of the padded block is real")
    print(f"{'':18}" + "".join(f"{kind + ' ms':>16}{'x bound':>9}{'x ours':>8}" for kind in KINDS))
    ours = next(iter(found["training"]))
    for who in dict.fromkeys(who for kind in KINDS for who in found[kind]):
        line = f"{who:18}"
        for kind in KINDS:
            seconds = found[kind].get(who)
            if seconds is None:
                line += f"{'-':>16}{'':17}"
            else:
                line += f"{1000 * seconds:>16.2f}{seconds / found[kind]['bound']:>9.2f}"
                line += f"{seconds / found[kind][ours]:>8.2f}"
        print(line.rstrip(), flush=True)


if __name__ == "__main__":
    main()
