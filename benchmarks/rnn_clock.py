"""Rounds of contestants, in this process and in others, and the medians of their times."""

import json
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from rnn_cases import Case, Work

# Pools of threads spin for a while after their work, which must not fall into another process's.
PAUSE = 0.02
PEERS = Path(__file__).parent / "rnn_peers"
Clock = Callable[[], float]
K = TypeVar("K")


def timed(work: Work) -> Clock:
    """Does the work, and tells the seconds that it took."""

    def clock() -> float:
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin

    return clock


def medians(clocks: Mapping[K, Clock], repeats: int) -> dict[K, float]:
    """Seconds, by contestant, of rounds of all, after one to get warm.

    Each round has an order of its own, so that nobody always comes after the same one.
    """
    generator = random.Random(0)
    times: dict[K, list[float]] = {name: [] for name in clocks}
    for _ in range(repeats + 1):
        for name in generator.sample(list(clocks), len(clocks)):
            times[name].append(clocks[name]())
    return {name: statistics.median(each[1:]) for name, each in times.items()}


class Peer:
    """A contestant in an interpreter of its own, which answers lines with lines of JSON."""

    def __init__(self, name: str, python: str, script: str, num_threads: int) -> None:
        self.name = name
        try:
            self._process = subprocess.Popen(
                [python, str(PEERS / script), str(num_threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C is for us; it ends when its input does
            )
        except OSError as reason:
            raise SystemExit(f"{name}: expected an interpreter, found {python}: {reason}") from None
        hello = self._answer()
        self.missing, self.version = hello["missing"], hello["version"]
        self._cells, self._kinds = hello["cells"], hello["kinds"]

    def clock(self, case: Case, path: Path, kind: str) -> Clock | None:
        """Its work on the case that was saved to `path`; None if it has none."""
        if self.missing or case.name.cell not in self._cells or kind not in self._kinds:
            return None
        return lambda: self._run(file=str(path), cell=case.name.cell, kind=kind)

    def close(self) -> None:
        self._process.communicate()

    def _run(self, **order: str) -> float:
        assert self._process.stdin is not None
        time.sleep(PAUSE)
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        seconds: float = self._answer()["seconds"]
        time.sleep(PAUSE)
        return seconds

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} has ended; see its message above")
        answer: dict[str, Any] = json.loads(line)
        return answer
