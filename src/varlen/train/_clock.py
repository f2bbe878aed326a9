"""What the time of a training goes to."""

from collections.abc import MutableMapping
from time import perf_counter


class Clock:
    """Tells how long each stage takes, where one begins when another ends."""

    def __init__(self) -> None:
        self._last = perf_counter()

    def lap(self, stage: str, seconds: MutableMapping[str, float]) -> None:
        """Adds the time since the last lap to the seconds of the stage that it went to."""
        now = perf_counter()
        seconds[stage] = seconds.get(stage, 0.0) + now - self._last
        self._last = now
