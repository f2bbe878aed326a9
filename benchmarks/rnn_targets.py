"""What `benchmarks/rnn.py` is to show, and whether it does."""

from typing import NamedTuple

from rnn_cases import CaseName


class Target(NamedTuple):
    what: str
    found: float
    sign: str  # "<=": at most `wanted`; ">=": at least
    wanted: float

    @property
    def is_reached(self) -> bool:
        return self.found <= self.wanted if self.sign == "<=" else self.found >= self.wanted


class Wanted(NamedTuple):
    """At most so many times the bound, and so many times faster than the better of torch."""

    bound: float
    torch: float
    onnxruntime: float | None = None


# Two cores with AVX-512 or AVX2, 64 rows, log-normal lengths.
TABLE: dict[CaseName, dict[str, Wanted]] = {
    CaseName("LSTM", 128, 256): {
        "inference": Wanted(1.15, 2, 2.2),
        "training": Wanted(1.25, 3),
    },
    CaseName("GRU", 128, 256): {"inference": Wanted(1.33, 1.8), "training": Wanted(1.4, 3.3)},
    CaseName("LSTM", 64, 64): {"inference": Wanted(2, 2), "training": Wanted(2, 2.6)},
    CaseName("GRU", 64, 64): {"inference": Wanted(2.5, 2.5), "training": Wanted(2.5, 5)},
    CaseName("LSTM", 128, 512): {"inference": Wanted(1.15, 2), "training": Wanted(1.2, 3)},
}


def table_targets(case: CaseName, kind: str, found: dict[str, float]) -> list[Target]:
    """Those of a case of the table, for each of our native contestants.

    Args:
        found: seconds, by contestant.
    """
    wanted = TABLE[case][kind]
    theirs = better_of_torch(found)
    targets = []
    for name in native(found):
        what = f"{case} {kind}, {name.removesuffix(', native')}"
        seconds = found[name]
        targets.append(Target(f"{what}: x the bound", seconds / found["bound"], "<=", wanted.bound))
        targets.append(
            Target(f"{what}: times faster than torch", theirs / seconds, ">=", wanted.torch)
        )
        if wanted.onnxruntime is not None and "ONNX Runtime" in found:
            ratio = found["ONNX Runtime"] / seconds
            what += ": times faster than ONNX Runtime"
            targets.append(Target(what, ratio, ">=", wanted.onnxruntime))
    return targets


def native(found: dict[str, float]) -> list[str]:
    """Our contestants on the native engine."""
    return [name for name in found if name.startswith("varlen.") or name.endswith(", native")]


def better_of_torch(found: dict[str, float]) -> float:
    """The seconds of torch's padded or packed path, whichever is faster."""
    return min(seconds for name, seconds in found.items() if name.startswith("torch"))


def print_targets(targets: list[Target]) -> None:
    print(f"\n{'targets':68}{'found':>8}{'target':>10}")
    for target in targets:
        wanted = f"{target.sign} {target.wanted:g}"
        verdict = "reached" if target.is_reached else "MISSED"
        print(f"{target.what:68}{target.found:>8.2f}{wanted:>10}  {verdict}")
    missed = sum(not target.is_reached for target in targets)
    print(f"{len(targets) - missed} of {len(targets)} reached")
