"""How training looks, on the standard error: bars on a terminal, plain lines elsewhere."""

import sys
import time
from io import TextIOBase
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from varlen.cli._shared import percent
from varlen.train import EpochResult, Tally

_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_FIGURES = 0.2
_BAR = "{desc} {percentage:3.0f}%|{bar}| {rate_fmt}, {remaining} left{postfix}"


class TrainProgress:
    """Shows what it is told as an `Observer`, and remembers how far training came.

    Args:
        stream: where to; None for the standard error.

    Attributes:
        epoch: the epoch that has begun, from 1; 0 before the first.
        best: the best epoch that is done.
    """

    def __init__(self, stream: TextIO | TextIOBase | None = None) -> None:
        self.epoch = 0
        self.best: EpochResult | None = None
        self._stream = stream or sys.stderr
        self._bar: tqdm[Any] | None = None
        self._num_steps = 0
        self._began = self._shown = 0.0

    def training_begins(self, summary: str) -> None:
        self._print(summary)

    def epoch_begins(self, epoch: int, *, num_epochs: int, num_steps: int) -> None:
        self.epoch = epoch
        self._num_steps = num_steps
        self._began = self._shown = time.monotonic()
        if self._stream.isatty():
            self._bar = tqdm(
                total=num_steps,
                desc=f"epoch {epoch}/{num_epochs}",
                unit=" steps",
                unit_scale=True,
                bar_format=_BAR,
                dynamic_ncols=True,
                file=self._stream,
                leave=False,
            )

    def batch_done(self, tally: Tally) -> None:
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(tally.live - self._bar.n)
            if now - self._shown >= _SECONDS_BETWEEN_FIGURES:
                self._bar.set_postfix_str(_short_figures(tally), refresh=False)
                self._shown = now
        elif now - self._shown >= _SECONDS_BETWEEN_LINES:
            share = tally.live / self._num_steps
            rate = tally.live / (now - self._began)
            self._print(
                f"epoch {self.epoch} at {share:.0%}: {_figures(tally)}, {rate:,.0f} steps/s"
            )
            self._shown = now

    def epoch_ends(self, result: EpochResult) -> None:
        self.close()
        if result.best:
            self.best = result
        rate = result.train.live / result.seconds
        self._print(
            f"epoch {result.epoch}: {_figures(result.train)}, {rate:,.0f} steps/s; "
            f"valid loss {result.valid.loss:.4f}, accuracy {percent(result.valid.accuracy)}"
        )

    def what_is_left(self, run: Path) -> str:
        """Where training stands when it is interrupted, and what the run folder is good for."""
        if self.epoch == 0:
            return "interrupted before training began; nothing was learned"
        kept = "the weights of this moment"
        if self.best is not None:
            kept = (
                f"the weights of epoch {self.best.epoch}, with an accuracy of "
                f"{percent(self.best.valid.accuracy)} on the split valid"
            )
        return (
            f"interrupted in epoch {self.epoch}; {run} holds {kept}\n"
            f"  `varlen evaluate {run}` and `varlen predict {run}` work with them"
        )

    def close(self) -> None:
        """Takes the bar away, if there is one."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


def _short_figures(tally: Tally) -> str:
    """For a bar in a line of 80 characters."""
    return f"loss {tally.loss:.3f}, acc {tally.accuracy:.1%}, pad {tally.padding:.0%}"


def _figures(tally: Tally) -> str:
    return (
        f"loss {tally.loss:.4f}, accuracy {percent(tally.accuracy)}, "
        f"padding {percent(tally.padding)}"
    )
