"""How training looks, on the standard error: bars on a terminal, plain lines elsewhere."""

import sys
import time
from io import TextIOBase
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from varlen.cli._lasting_stream import LastingStream
from varlen.cli._shared import percent, shown
from varlen.train import EpochResult, Metric, Tally

_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_FIGURES = 0.2
_WORTH_SAYING = 0.05  # that training waits for data; a bar has little room
_BAR = "{desc} {percentage:3.0f}%|{bar}| {rate_fmt}, {remaining} left{postfix}"


def figure(metric: Metric, value: float) -> str:
    """A metric with its value: `accuracy 95.31 %`."""
    return f"{metric.name} {shown(metric, value)}"


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
        self._stream = LastingStream(stream or sys.stderr)
        self._bar: tqdm[Any] | None = None
        self._metrics: tuple[Metric, ...] = ()
        self._num_steps = 0
        self._done_before = 0
        self._began = self._shown = 0.0

    def training_begins(self, summary: str, metrics: tuple[Metric, ...]) -> None:
        self._metrics = metrics
        self._print(summary)

    def training_resumes(self, *, epoch: int, step: int) -> None:
        self._print(f"going on in epoch {epoch}, after step {step:,}")

    def epoch_begins(self, epoch: int, *, num_epochs: int, num_steps: int) -> None:
        self.epoch = epoch
        self._num_steps = num_steps
        self._done_before = -1
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

    def batch_done(self, tally: Tally, *, step: int, learning_rate: float, waiting: float) -> None:
        now = time.monotonic()
        if self._done_before < 0:  # what a resumed epoch had done is not of this moment's rate
            self._done_before = tally.live
        if self._bar is not None:
            self._bar.update(tally.live - self._bar.n)
            if now - self._shown >= _SECONDS_BETWEEN_FIGURES:
                self._bar.set_postfix_str(
                    f"{self._short_figures(tally)}, wait {waiting:.0%}", refresh=False
                )
                self._shown = now
        elif now - self._shown >= _SECONDS_BETWEEN_LINES:
            share = tally.live / self._num_steps
            rate = (tally.live - self._done_before) / (now - self._began)
            self._print(
                f"epoch {self.epoch} at {share:.0%}: {self._figures(tally)}, {rate:,.0f} steps/s, "
                f"waiting {waiting:.0%}"
            )
            self._shown = now

    def epoch_ends(self, result: EpochResult) -> None:
        self.close()
        if result.best:
            self.best = result
        rate = result.train.live / result.seconds
        self._print(
            f"epoch {result.epoch}: {self._figures(result.train)}, {rate:,.0f} steps/s; "
            f"valid loss {result.valid.loss:.4f}{self._metrics_of(result.valid)}"
        )

    def says(self, line: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        self._print(line)

    def what_is_left(self, run: Path) -> str:
        """Where training stands when it is interrupted, and what the run folder is good for."""
        if self.epoch == 0:
            return "interrupted before training began; nothing was learned"
        kept = "the weights of this moment"
        if self.best is not None:
            value = self.best.valid.value(self.best.metrics[0])
            kept = (
                f"the weights of epoch {self.best.epoch}, with "
                f"{figure(self.best.metrics[0], value)} on the split valid"
            )
        return (
            f"interrupted in epoch {self.epoch}; `varlen train --resume {run}` goes on\n"
            f"  {run} holds {kept}, for `varlen evaluate` and `varlen predict`"
        )

    def close(self) -> None:
        """Takes the bar away, if there is one."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _metrics_of(self, tally: Tally) -> str:
        metrics = (metric for metric in self._metrics if metric.name != "loss")
        return "".join(f", {figure(metric, tally.value(metric))}" for metric in metrics)

    def _figures(self, tally: Tally) -> str:
        return f"loss {tally.loss:.4f}{self._metrics_of(tally)}, padding {percent(tally.padding)}"

    def _short_figures(self, tally: Tally) -> str:
        """For a bar in a line of 80 characters."""
        shown = f"loss {tally.loss:.3f}"
        for metric in self._metrics[:1]:
            if metric.name != "loss":
                value = tally.value(metric)
                number = f"{value:.1%}" if metric.is_share else f"{value:.3f}"
                shown += f", {metric.name[:3]} {number}"
        return f"{shown}, pad {tally.padding:.0%}"

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
