"""What `benchmarks/data.py` is to show, and whether it does."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from data_padding import Padding

# By data, contestant and processors.
Found = dict[tuple[str, str, int], dict[str, Any]]

TIMES_TENSORFLOW = 5.0
TIMES_DATALOADER = 10.0
OVER_LEAST_PADDING = 1.01
MOST_PADDING = {"32 buckets": 0.04, "windows of 50": 0.03}
MOST_SECONDS = 1.0
STARTS = 5


class Target(NamedTuple):
    what: str
    found: float
    wanted: float
    is_reached: bool


def targets(found: Found, padding: Padding, joined: Path) -> Iterator[Target]:
    """Those of which the peer was there to be measured."""
    for data in ("ewt", "synthetic"):
        for ours in ("streamed", "indexed, buckets"):
            for processors in (1, 2):
                yield from _ratios(found, data, ours, processors)
    yield _at_most(
        "boundaries: padding, of the least there is",
        padding.found / padding.least,
        OVER_LEAST_PADDING,
    )
    for name, wanted in MOST_PADDING.items():
        yield _at_most(f"{name}: share of padding", padding.of_plans[name], wanted)
    starts, resumes = _starts(joined)
    yield _at_most("first batch of a file of a million: s", starts, MOST_SECONDS)
    yield _at_most("resuming it at step 100,000, first batch: s", resumes, MOST_SECONDS)


def print_targets(found: Iterator[Target]) -> None:
    print(f"\n{'':56}{'found':>9}{'target':>8}")
    for what, value, wanted, is_reached in found:
        print(f"{what:56}{value:>9.3f}{wanted:>8}  {'reached' if is_reached else 'MISSED'}")


def _ratios(found: Found, data: str, ours: str, processors: int) -> Iterator[Target]:
    own = found[data, f"varlen {ours}", processors]["examples"]
    orders = ("tf.data, buckets", "tf.data, buckets, any order")
    loaders = ("DataLoader, files", "DataLoader, files, 2 workers")
    peers = (
        ("tf.data's buckets", orders, TIMES_TENSORFLOW),
        ("DataLoader", loaders, TIMES_DATALOADER),
    )
    for peer, names, wanted in peers:
        # The best of its ways, those that leave a processor idle too.
        theirs = [
            found[data, name, num]["examples"]
            for name in names
            for num in range(1, processors + 1)
            if (data, name, num) in found
        ]
        if theirs:
            ratio = own / max(theirs)
            what = f"{data}, {ours}, {processors}: times {peer}"
            yield Target(what, ratio, wanted, ratio >= wanted)


def _at_most(what: str, value: float, wanted: float) -> Target:
    return Target(what, value, wanted, value <= wanted)


def _starts(joined: Path) -> tuple[float, float]:
    """Seconds to a first batch, from the beginning and where a pass was left, in new processes."""
    script = [sys.executable, str(Path(__file__).parent / "data_resume.py"), str(joined)]
    state = joined.with_name("state.json")
    subprocess.run([*script, "save", str(state)], check=True)
    seconds = {}
    for what in ("begin", "resume"):
        answers = [
            subprocess.run([*script, what, str(state)], check=True, capture_output=True, text=True)
            for _ in range(STARTS)
        ]
        seconds[what] = statistics.median(json.loads(answer.stdout) for answer in answers)
    return seconds["begin"], seconds["resume"]
