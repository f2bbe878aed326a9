"""A part of `benchmarks/data.py`: begins a pass over a file, or resumes it at step 100,000.

    python benchmarks/data_resume.py FILE save STATE     goes there, and keeps where it is
    python benchmarks/data_resume.py FILE begin STATE    prints the seconds to the first batch
    python benchmarks/data_resume.py FILE resume STATE   likewise, of the batch after those

Batches are of 8, so that a million examples have as many steps.
"""

import json
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

from varlen import FixedLenFeature, FixedLenSequenceFeature, int64
from varlen.data import (
    BatchPlan,
    FollowPlan,
    IndexedRecords,
    Pad,
    Parse,
    Pipeline,
    Prefetch,
    StageIterator,
)

STEP = 100_000


def begin(path: str) -> StageIterator:
    return iter(
        Pipeline(
            IndexedRecords(path, "tokens"),
            FollowPlan(BatchPlan(8, buckets=10)),
            Parse(
                {"id": FixedLenFeature((), int64)},
                {name: FixedLenSequenceFeature((), int64) for name in ("tokens", "labels")},
            ),
            Pad(),
            Prefetch(4),
        )
    )


def save(path: str, state: Path) -> None:
    passing = begin(path)
    for _ in islice(passing, STEP):
        pass
    saved = {"state": passing.state_dict(), "next": _numbers(next(passing))}
    state.write_text(json.dumps(saved))


def resume(path: str, state: Path) -> None:
    began = time.perf_counter()
    passing = begin(path)
    saved = json.loads(state.read_text())
    passing.load_state_dict(saved["state"])
    batch = next(passing)
    seconds = time.perf_counter() - began
    if _numbers(batch) != saved["next"]:
        raise SystemExit(f"the batch after step {STEP} is another one than before")
    print(seconds)


def first(path: str) -> None:
    began = time.perf_counter()
    next(begin(path))
    print(time.perf_counter() - began)


def _numbers(batch: Any) -> list[Any]:
    return [batch["id"].tolist(), batch["tokens"].data.tolist()]


if __name__ == "__main__":
    path, what, state = sys.argv[1:]
    if what == "begin":
        first(path)
    else:
        {"save": save, "resume": resume}[what](path, Path(state))
