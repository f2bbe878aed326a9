"""What the contestants of `benchmarks/train.py` share. Runs in interpreters without varlen."""

import json
import time
from typing import Any


def print_answer(**answer: Any) -> None:
    """The line that `benchmarks/train.py` reads."""
    print(json.dumps(answer), flush=True)


class Clock:
    """Seconds of each epoch, without what comes between epochs."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def begin(self) -> None:
        self._began = time.perf_counter()

    def end(self) -> None:
        self.seconds.append(time.perf_counter() - self._began)
