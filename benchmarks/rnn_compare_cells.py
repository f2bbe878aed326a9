"""All cells in the same rounds: the time for a FLOP of each, and our eager engine's beside it."""

from rnn_cases import CELLS, KINDS, Case, CaseName
from rnn_clock import medians, timed
from rnn_targets import Target, better_of_torch

MOST_OF_LSTM_PER_FLOP, LEAST_OF_EAGER = 1.5, 4.0
COLUMNS = (
    "native ms",
    "x bound",
    "eager / native",
    "torch / native",
    "GFLOP/s",
    "per FLOP, of the LSTM",
)


def compare_cells(around: CaseName, repeats: int) -> list[Target]:
    """Prints a table for each kind of work.

    The targets are for any other cell with at least a GRU's FLOPs.
    """
    cases = {cell: Case(around._replace(cell=cell)) for cell in CELLS}
    targets = []
    for kind in KINDS:
        clocks = {
            (cell, who): timed(work)
            for cell, case in cases.items()
            for who, work in case.works(kind).items()
        }
        found = medians(clocks, repeats)
        print(f"\nsize {around.input_size}x{around.units}, {around.batch_size} rows, ", end="")
        print(f"{around.lengths} lengths, {kind}")
        print(f"{'':8}" + "".join(f"{column:>{len(column) + 3}}" for column in COLUMNS))
        of_lstm = None
        for cell, case in cases.items():
            own = {who: seconds for (of, who), seconds in found.items() if of == cell}
            native, eager = (
                next(seconds for who, seconds in own.items() if who.endswith(engine))
                for engine in ("native", "eager")
            )
            flops = case.flops * (3 if kind == "training" else 1)
            of_lstm = of_lstm or native / flops
            per_flop = native / flops / of_lstm
            values = [
                f"{1000 * native:.2f}",
                f"{native / own['bound']:.2f}",
                f"{eager / native:.2f}",
                f"{better_of_torch(own) / native:.2f}" if case.layers else "-",
                f"{flops / native / 1e9:.0f}",
                f"{per_flop:.2f}",
            ]
            line = zip(COLUMNS, values, strict=True)
            print(f"{cell:8}" + "".join(f"{value:>{len(column) + 3}}" for column, value in line))
            if kind == "training" and cell != "LSTM" and case.flops >= cases["GRU"].flops:
                per_flop_target = f"{cell} {kind}: time per FLOP, of LSTM's"
                targets += [
                    Target(per_flop_target, per_flop, "<=", MOST_OF_LSTM_PER_FLOP),
                    Target(
                        f"{cell} {kind}: eager's, of native's time",
                        eager / native,
                        ">=",
                        LEAST_OF_EAGER,
                    ),
                ]
    return targets
