"""What else `benchmarks/rnn.py` is to show: one function for each part, which gives its targets."""

import time
from collections.abc import Callable

import rnn_memory
import torch
from rnn_cases import KINDS, Case, CaseName, Work
from rnn_clock import Clock, medians, timed
from rnn_targets import Target, better_of_torch
from torch import nn

from varlen import LSTM, LSTMCell, dynamic_rnn

CALLS = 200
MOST_OF_TORCHS_STEP = 1.0
MOST_FOR_PADDING = 1.1
MOST_OF_TORCH = 1.0
MOST_OF_TORCHS_FUSED = 1.1  # its inference of an LSTM has a kernel of its own
MOST_OF_SAVED = 1.3
LEAST_OF_TWO_THREADS = 1.8
# What the gradient needs of each step, in units: the gates and the states.
SAVED = {"LSTM": 4 + 2, "GRU": 4 + 1}
AFTER = 0.05


def stream(repeats: int) -> list[Target]:
    """A step of one row, 256 units, as when sequences arrive live."""
    inputs, units = torch.randn(1, 128), 256
    theirs, their_layer = nn.LSTMCell(128, units), nn.LSTM(128, units, batch_first=True)
    cell, layer = LSTMCell(128, units), LSTM(128, units, batch_first=True)
    state = (torch.randn(1, units), torch.randn(1, units))
    state_of_layer = (state[0][None], state[1][None])
    cell_state = cell.zero_state(1)
    step = inputs[:, None]
    works: dict[str, Work] = {
        "torch.nn.LSTMCell": lambda: theirs(inputs, state),
        "torch.nn.LSTM": lambda: their_layer(step, state_of_layer),
        "varlen.LSTMCell": lambda: cell(inputs, cell_state),
        "varlen.LSTM": lambda: layer(step, state_of_layer),
        "dynamic_rnn": lambda: dynamic_rnn(cell, step, initial_state=cell_state),
    }
    clocks = {name: timed(lambda work=work: _many(work)) for name, work in works.items()}
    with torch.no_grad():
        found = medians(clocks, repeats)
    print("\nLSTM 128x256, 1 row, 1 step, without gradients")
    print(f"{'':20}{'us':>8}{'x torch.nn.LSTMCell':>22}")
    for name, seconds in found.items():
        ratio = seconds / found["torch.nn.LSTMCell"]
        print(f"{name:20}{1e6 * seconds / CALLS:>8.1f}{ratio:>22.2f}")
    ratio = found["varlen.LSTMCell"] / found["torch.nn.LSTMCell"]
    what = "one step, 1 row: of torch.nn.LSTMCell's time"
    return [Target(what, ratio, "<=", MOST_OF_TORCHS_STEP)]


def _many(work: Work) -> None:
    for _ in range(CALLS):
        work()


def padding(repeats: int) -> list[Target]:
    """What a step costs if lengths differ, over what it costs if they are equal."""
    targets = []
    print("\n128x256, 64 rows: time for a real step, in us, and their ratio, the padding score")
    print(f"{'':26}{'log-normal':>12}{'constant':>10}{'ratio':>8}")
    for cell in ("LSTM", "GRU"):
        differ = Case(CaseName(cell, 128, 256))
        mean = round(differ.num_steps / len(differ.lengths))
        equal = Case(differ.name, torch.full_like(differ.lengths, mean))
        for kind in KINDS:
            cases = {"log-normal": differ, "constant": equal}
            found = medians(
                {name: timed(_ours(case, kind)) for name, case in cases.items()}, repeats
            )
            costs = [1e6 * found[name] / case.num_steps for name, case in cases.items()]
            ratio = costs[0] / costs[1]
            what = f"varlen.{cell} {kind}"
            print(f"{what:26}{costs[0]:>12.2f}{costs[1]:>10.2f}{ratio:>8.2f}", flush=True)
            targets.append(Target(f"{what}: padding score", ratio, "<=", MOST_FOR_PADDING))
    return targets


def constant(repeats: int) -> list[Target]:
    """Equal lengths: nobody has anything to skip."""
    targets = []
    print("\n64 rows of 41 steps, ms, and how much of torch's time ours is")
    print(f"{'':26}{'ours':>8}{'torch':>8}{'ratio':>8}")
    for cell in ("LSTM", "GRU", "RNN"):
        for size in ((64, 64), (128, 256)):
            case = Case(CaseName(cell, *size, lengths="constant"))
            for kind in KINDS:
                works = {
                    name: work
                    for name, work in case.works(kind).items()
                    if name.startswith(("varlen.", "torch"))
                }
                found = medians({name: timed(work) for name, work in works.items()}, repeats)
                ours, theirs = found[f"varlen.{cell}"], better_of_torch(found)
                what = f"{case.name} {kind}"
                print(f"{what:26}{1e3 * ours:>8.2f}{1e3 * theirs:>8.2f}{ours / theirs:>8.2f}")
                fused = cell == "LSTM" and kind == "inference"
                wanted = MOST_OF_TORCHS_FUSED if fused else MOST_OF_TORCH
                what += ", equal lengths: of torch's time"
                targets.append(Target(what, ours / theirs, "<=", wanted))
    return targets


def memory(repeats: int) -> list[Target]:
    """The peak of a training step, in a process of its own; once, for it does not vary."""
    targets = []
    print("\n128x256, 256 rows, log-normal lengths: MB that a training step needs")
    print("saved: gates and states of the real steps; results: outputs and gradients, the caller's")
    print(f"{'':26}{'peak':>8}{'saved':>8}{'results':>9}{'(peak - results) / saved':>26}")
    for cell, units in SAVED.items():
        for who in (f"varlen.{cell}", "torch, padded", "torch, packed"):
            found = rnn_memory.measure(cell, who)
            saved = found.num_steps * units * 256 * 4
            ratio = (found.peak - found.results) / saved
            sizes = [number / 1e6 for number in (found.peak, saved, found.results)]
            what = f"{cell}, {who}"
            print(f"{what:26}{sizes[0]:>8.1f}{sizes[1]:>8.1f}{sizes[2]:>9.1f}{ratio:>26.2f}")
            if who.startswith("varlen"):
                what = f"{who} training: peak memory, of what must be saved"
                targets.append(Target(what, ratio, "<=", MOST_OF_SAVED))
    return targets


def threads(repeats: int) -> list[Target]:
    """Two threads against one; then ours right after torch's products, and the reverse."""
    before, targets = torch.get_num_threads(), []
    print("\n128x256, 64 rows, log-normal lengths: ms with one thread and with two")
    print(f"{'':26}{'one':>8}{'two':>8}{'ratio':>8}")
    for cell in ("LSTM", "GRU"):
        case = Case(CaseName(cell, 128, 256))
        for kind in KINDS:
            works = {f"varlen.{cell}": _ours(case, kind), "bound": case.bound(kind)}
            clocks: dict[tuple[str, int], Clock] = {
                (name, number): _with_threads(number, work)
                for name, work in works.items()
                for number in (1, 2)
            }
            found = medians(clocks, repeats)
            for name in works:
                ratio = found[name, 1] / found[name, 2]
                what = f"{name} {kind}" if name != "bound" else f"  its bound, {kind}"
                print(f"{what:26}", end="")
                print(f"{1e3 * found[name, 1]:>8.2f}{1e3 * found[name, 2]:>8.2f}{ratio:>8.2f}")
                if name != "bound":
                    what += ": two threads, times faster than one"
                    targets.append(Target(what, ratio, ">=", LEAST_OF_TWO_THREADS))
    torch.set_num_threads(before)
    _print_neighbours(repeats)
    return targets


def _with_threads(number: int, work: Work) -> Clock:
    def clock() -> float:
        torch.set_num_threads(number)
        return timed(work)()

    return clock


def _print_neighbours(repeats: int) -> None:
    case = Case(CaseName("LSTM", 128, 256))
    ours, products = _ours(case, "inference"), case.bound("inference")
    clocks = {
        "ours after a rest": _after(lambda: time.sleep(AFTER), ours),
        "ours after ours": _after(ours, ours),
        "ours after torch's products": _after(products, ours),
        "products after a rest": _after(lambda: time.sleep(AFTER), products),
        "products after products": _after(products, products),
        "products after ours": _after(ours, products),
    }
    print("\nLSTM 128x256 inference, and torch's products, each right after something else: ms")
    for name, seconds in medians(clocks, repeats).items():
        print(f"{name:30}{1e3 * seconds:>8.2f}")


def _after(first: Callable[[], object], work: Work) -> Clock:
    def clock() -> float:
        first()
        return timed(work)()

    return clock


def _ours(case: Case, kind: str) -> Work:
    name, run = next(iter(case.ours().items()))
    return case.work(kind, name, run)


PARTS: dict[str, Callable[[int], list[Target]]] = {
    "stream": stream,
    "padding": padding,
    "constant": constant,
    "memory": memory,
    "threads": threads,
}
