"""How training looks, on the standard error: bars on a terminal, plain lines elsewhere."""

import sys
import time
from io import TextIOBase
from pathlib import Path
from typing import TextIO

from varlen.cli._lasting_stream import LastingStream
from varlen.cli._shared import percent, shown
from varlen.cli._train_bar import Figure, TrainBar
from varlen.train import EpochResult, Metric, Tally

_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_BARS = 0.1
_WORTH_SAYING = 0.05  # that training waits for data; a bar has little room


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
        self._bar: TrainBar | None = None
        self._metrics: tuple[Metric, ...] = ()
        self._num_epochs: int | None = None
        self._num_steps = 0
        self._is_validating = False
        self._began = self._shown = 0.0
        # What a resumed epoch had done is not of this moment's rate; None until it says.
        self._done_before: int | None = 0

    def training_begins(self, summary: str, metrics: tuple[Metric, ...]) -> None:
        self._metrics = metrics
        self._print(summary)

    def training_resumes(self, *, epoch: int, step: int) -> None:
        self._done_before = None
        self._print(f"going on in epoch {epoch}, after step {step:,}")

    def epoch_begins(self, epoch: int, *, num_epochs: int | None, num_steps: int) -> None:
        self.epoch, self._num_epochs = epoch, num_epochs
        self._begin_pass("epoch", num_steps)

    def batch_done(self, tally: Tally, *, step: int, learning_rate: float, waiting: float) -> None:
        now = time.monotonic()
        if self._done_before is None:
            self._done_before, self._began = tally.live, now
        if not self._is_due(now):
            return
        pace = self._pace(tally.live, now)
        if self._bar is not None:
            self._bar.show(tally.live, [*self._bar_figures(tally), *pace, _padding(tally, waiting)])
        else:
            self._print(
                f"{self._name().full} at {self._share(tally):.0%}: "
                f"{self._figures(tally)}, {', '.join(figure.full for figure in pace)}, "
                f"waiting {waiting:.0%}"
            )

    def validation_advances(self, tally: Tally, *, num_steps: int) -> None:
        now = time.monotonic()
        if not self._is_validating:
            self._is_validating, self._done_before = True, 0
            self._begin_pass("validating", num_steps)
        if not self._is_due(now):
            return
        pace = self._pace(tally.live, now)
        if self._bar is not None:
            self._bar.show(tally.live, [*self._bar_figures(tally), *pace])
        else:
            self._print(
                f"{self._name().full}, validating at {self._share(tally):.0%}: "
                f"{', '.join(figure.full for figure in pace)}"
            )

    def epoch_ends(self, result: EpochResult) -> None:
        self.close()
        self._is_validating, self._done_before = False, 0
        if result.best:
            self.best = result
        rate = result.train.live / result.seconds
        seconds_left = sum(result.stages.values()) * (result.num_epochs - result.epoch)
        at_most = f"; at most {duration(seconds_left)} left" if seconds_left > 0 else ""
        self._print(
            f"epoch {result.epoch}: {self._figures(result.train)}, {rate:,.0f} steps/s; "
            f"valid loss {result.valid.loss:.4f}{self._metrics_of(result.valid)}{at_most}"
        )

    def says(self, line: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        self._print(line)

    def what_is_left(self, run: Path) -> str:
        """Where training stands when it is interrupted, and what the run folder is good for."""
        if self.epoch == 0 and (run / "checkpoints").exists():
            return f"interrupted before training went on; {run} is as it was"
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

    def _begin_pass(self, name: str, num_steps: int) -> None:
        self.close()
        self._num_steps = num_steps
        self._began = self._shown = time.monotonic()
        if self._stream.isatty():
            self._bar = TrainBar(self._stream, self._name(name), num_steps)

    def _name(self, name: str = "epoch") -> Figure:
        of_all = "" if self._num_epochs is None else f"/{self._num_epochs}"
        number = f"{self.epoch}{of_all}"
        return Figure(f"{name} {number}", f"valid {number}" if self._is_validating else number)

    def _is_due(self, now: float) -> bool:
        between = _SECONDS_BETWEEN_LINES if self._bar is None else _SECONDS_BETWEEN_BARS
        if now - self._shown < between:
            return False
        self._shown = now
        return True

    def _share(self, tally: Tally) -> float:
        return min(1.0, tally.live / max(1, self._num_steps))

    def _pace(self, done: int, now: float) -> tuple[Figure, Figure]:
        """Steps per second, and the time that is left of the pass."""
        done_now, seconds = done - (self._done_before or 0), now - self._began
        if not done_now or not seconds:
            return Figure("? steps/s", "?/s"), Figure("? left", "?")
        rate = done_now / seconds
        left = duration(max(0, self._num_steps - done) / rate)
        return Figure(f"{rate:,.0f} steps/s", f"{rate:,.0f}/s"), Figure(f"{left} left", left)

    def _bar_figures(self, tally: Tally) -> list[Figure]:
        shown = [f"loss {tally.loss:.3f}"]
        for metric in self._metrics[:1]:
            if metric.name != "loss":
                value = tally.value(metric)
                number = f"{value:.1%}" if metric.is_share else f"{value:.3f}"
                shown.append(f"{metric.name[:3]} {number}")
        return [Figure(text, text) for text in shown]

    def _metrics_of(self, tally: Tally) -> str:
        metrics = (metric for metric in self._metrics if metric.name != "loss")
        return "".join(f", {figure(metric, tally.value(metric))}" for metric in metrics)

    def _figures(self, tally: Tally) -> str:
        return f"loss {tally.loss:.4f}{self._metrics_of(tally)}, padding {percent(tally.padding)}"

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


def duration(seconds: float) -> str:
    """For people: `2:05` is two minutes and five seconds, `1:02:05` has an hour, too."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _padding(tally: Tally, waiting: float) -> Figure:
    """With the waiting for data beside it, where that is worth saying."""
    shown = f"pad {tally.padding:.0%}"
    return Figure(shown if waiting < _WORTH_SAYING else f"{shown}, wait {waiting:.0%}", shown)
