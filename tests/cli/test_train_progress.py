import io
import time
from pathlib import Path

import pytest

from varlen.cli._train_progress import TrainProgress
from varlen.train import EpochResult, Metric, Tally

ACCURACY = (Metric("accuracy", True, is_share=True),)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def result(epoch, *, best=True):
    return EpochResult(
        epoch=epoch,
        step=40 * epoch,
        train=tally(400.0, 900, 1000, 1250),
        valid=tally(50.0, 95, 100, 100),
        seconds=0.5,
        best=best,
        metrics=ACCURACY,
    )


def tally(loss, correct, live, padded):
    return Tally(loss, live, {"accuracy": (float(correct), float(live))}, live, padded)


def begun(stream, epoch=2):
    progress = TrainProgress(stream)
    progress.training_begins("120 sequences", ACCURACY)
    progress.epoch_begins(epoch, num_epochs=3, num_steps=1000)
    return progress


def batch_done(progress, *figures):
    progress.batch_done(tally(*figures), step=1, learning_rate=0.1, waiting=0.25)


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_an_epoch_ends_with_a_line(stream):
    progress = begun(stream, 1)
    batch_done(progress, 10.0, 50, 100, 100)
    progress.epoch_ends(result(1))
    assert stream.getvalue().startswith("120 sequences\n")
    assert stream.getvalue().endswith(
        "epoch 1: loss 0.4000, accuracy 90.00 %, padding 20.00 %, 2,000 steps/s; "
        "valid loss 0.5000, accuracy 95.00 %\n"
    )


def test_a_terminal_shows_a_bar_with_figures(monkeypatch):
    monkeypatch.setattr("varlen.cli._train_progress._SECONDS_BETWEEN_FIGURES", 0.0)
    stream = Terminal()
    progress = begun(stream)
    for live in (100, 200):
        time.sleep(0.12)  # a bar is drawn anew ten times a second
        batch_done(progress, 10.0, 50, live, 250)
    progress.close()
    assert "epoch 2/3   0%|" in stream.getvalue()
    assert " steps/s, " in stream.getvalue()
    assert "loss 0.100, acc 50.0%, pad 60%, wait 25%" in stream.getvalue()


def test_no_terminal_gets_a_line_now_and_then(monkeypatch):
    monkeypatch.setattr("varlen.cli._train_progress._SECONDS_BETWEEN_LINES", 0.0)
    stream = io.StringIO()
    progress = begun(stream)
    batch_done(progress, 10.0, 50, 100, 125)
    assert stream.getvalue().startswith(
        "120 sequences\nepoch 2 at 10%: loss 0.1000, accuracy 50.00 %, padding 20.00 %, "
    )
    assert stream.getvalue().endswith(" steps/s, waiting 25%\n")


def test_what_is_left_after_an_interrupt():
    progress, run = TrainProgress(io.StringIO()), Path("runs/a")
    assert "nothing was learned" in progress.what_is_left(run)
    progress.epoch_begins(1, num_epochs=3, num_steps=1000)
    left = progress.what_is_left(run)
    assert "interrupted in epoch 1; `varlen train --resume runs/a` goes on\n" in left
    assert "runs/a holds the weights of this moment" in left
    progress.epoch_ends(result(1))
    progress.epoch_begins(2, num_epochs=3, num_steps=1000)
    progress.epoch_ends(result(2, best=False))
    progress.epoch_begins(3, num_epochs=3, num_steps=1000)
    left = progress.what_is_left(run)
    assert "runs/a holds the weights of epoch 1, with accuracy 95.00 % on the split valid" in left


class Closed(Terminal):
    """A terminal that is closed after the first line."""

    def write(self, text):
        if self.getvalue():
            raise BrokenPipeError
        return super().write(text)


def test_training_goes_on_when_nobody_reads_any_more(monkeypatch):
    monkeypatch.setattr("varlen.cli._train_progress._SECONDS_BETWEEN_FIGURES", 0.0)
    stream = Closed()
    progress = begun(stream, 1)
    time.sleep(0.12)
    batch_done(progress, 10.0, 50, 100, 100)
    progress.epoch_ends(result(1))
    progress.says("something")
    assert stream.getvalue() == "120 sequences"
