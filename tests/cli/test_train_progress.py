import fcntl
import io
import os
import pty
import re
import struct
import termios
from contextlib import contextmanager
from dataclasses import replace
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
        stages={"learning": 10.0, "validation": 2.0},
        num_epochs=3.0,
    )


def tally(loss, correct, live, padded):
    return Tally(loss, live, {"accuracy": (float(correct), float(live))}, live, padded)


def begun(stream, epoch=2):
    progress = TrainProgress(stream)
    progress.training_begins("120 sequences", ACCURACY)
    progress.epoch_begins(epoch, num_epochs=3, num_steps=1000)
    return progress


def batch_done(progress, *figures, waiting=0.25):
    progress.batch_done(tally(*figures), step=1, learning_rate=0.1, waiting=waiting)


@contextmanager
def terminal(columns):
    """A terminal so wide, and what gives the lines that were drawn on it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def lines():
        end = b"\x04"  # a terminal hands on in pieces what it is given
        stream.write(end.decode())
        stream.flush()
        drawn = b""
        while not drawn.endswith(end):
            drawn += os.read(ours, 65536)
        return re.split(r"[\r\n]+", drawn[:-1].decode())

    with open(theirs, "w") as stream, open(ours, "rb"):
        yield stream, lines


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_an_epoch_ends_with_a_line(stream):
    progress = begun(stream, 1)
    batch_done(progress, 10.0, 50, 100, 100)
    progress.epoch_ends(result(1))
    assert stream.getvalue().startswith("120 sequences\n")
    assert stream.getvalue().endswith(
        "epoch 1: loss 0.4000, accuracy 90.00 %, padding 20.00 %, 2,000 steps/s; "
        "valid loss 0.5000, accuracy 95.00 %; at most 0:24 left\n"
    )


def test_the_last_epoch_leaves_no_time():
    stream = io.StringIO()
    begun(stream, 3).epoch_ends(result(3))
    assert stream.getvalue().endswith("valid loss 0.5000, accuracy 95.00 %\n")


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr("varlen.cli._train_progress.time", self)

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (
            100,
            "epoch 2/3  20%|█████▊                       | "
            "loss 0.050, acc 25.0%, 50 steps/s, 0:16 left, pad 20%",
        ),
        (80, "epoch 2/3  20%|█▊       | loss 0.050, acc 25.0%, 50 steps/s, 0:16 left, pad 20%"),
        (70, "epoch 2/3  20%|██        | loss 0.050, acc 25.0%, 50/s, 0:16, pad 20%"),
        (60, "2/3  20% loss 0.050, acc 25.0%, 50/s, 0:16, pad 20%"),
        (40, "2/3  20% loss 0.050, acc 25.0%, 50/s"),
        (5, "2/3"),
    ],
)
def test_a_terminal_shows_a_bar_with_what_there_is_room_for(clock, columns, line):
    with terminal(columns) as (stream, lines):
        progress = begun(stream)
        clock.now += 4
        batch_done(progress, 10.0, 50, 200, 250, waiting=0.01)
        progress.close()
        assert lines()[2].strip() == line


def test_a_training_that_ends_by_its_steps_has_no_number_of_epochs(clock):
    stream = io.StringIO()
    progress = TrainProgress(stream)
    progress.epoch_begins(2, num_epochs=None, num_steps=1000)
    clock.now += 10
    batch_done(progress, 10.0, 50, 200, 250)
    progress.epoch_ends(replace(result(2), num_epochs=2.5))
    first, last = stream.getvalue().splitlines()
    assert first.startswith("epoch 2 at 20%: ")
    assert last.endswith("; at most 0:06 left")


def test_a_bar_says_what_waiting_is_worth_saying(clock):
    with terminal(120) as (stream, lines):
        progress = begun(stream)
        clock.now += 4
        batch_done(progress, 10.0, 50, 200, 250, waiting=0.25)
        progress.close()
        assert lines()[2].endswith("pad 20%, wait 25%")


def test_a_resumed_epoch_shows_the_pace_of_this_moment(clock):
    stream = io.StringIO()
    progress = TrainProgress(stream)
    progress.training_begins("120 sequences", ACCURACY)
    progress.training_resumes(epoch=2, step=70)
    progress.epoch_begins(2, num_epochs=3, num_steps=1000)
    clock.now += 20
    batch_done(progress, 10.0, 50, 700, 750)
    clock.now += 20
    batch_done(progress, 10.0, 50, 800, 850)
    _, going_on, first, second = stream.getvalue().splitlines()
    assert going_on == "going on in epoch 2, after step 70"
    assert ", ? steps/s, ? left, " in first
    assert ", 5 steps/s, 0:40 left, " in second


def test_validation_moves_on(clock):
    stream = io.StringIO()
    progress = begun(stream)
    for live in (100, 200):
        clock.now += 20
        progress.validation_advances(tally(10.0, 50, live, live), num_steps=400)
    assert stream.getvalue().endswith("epoch 2/3, validating at 50%: 10 steps/s, 0:20 left\n")
    with terminal(80) as (stream, lines):
        progress = begun(stream)
        progress.validation_advances(tally(10.0, 50, 100, 100), num_steps=400)
        clock.now += 20
        progress.validation_advances(tally(10.0, 50, 200, 200), num_steps=400)
        progress.close()
        assert any(line.startswith("validating 2/3  50%|") for line in lines())


def test_no_terminal_gets_a_line_now_and_then(clock):
    stream = io.StringIO()
    progress = begun(stream)
    clock.now += 5
    batch_done(progress, 9.0, 40, 90, 100)
    clock.now += 5
    batch_done(progress, 10.0, 50, 100, 125)
    assert stream.getvalue() == (
        "120 sequences\n"
        "epoch 2/3 at 10%: loss 0.1000, accuracy 50.00 %, padding 20.00 %, 10 steps/s, "
        "1:30 left, waiting 25%\n"
    )


def test_what_is_left_after_an_interrupt(tmp_path):
    progress, run = TrainProgress(io.StringIO()), Path("runs/a")
    assert "nothing was learned" in progress.what_is_left(run)
    (tmp_path / "checkpoints").mkdir()
    assert progress.what_is_left(tmp_path) == (
        f"interrupted before training went on; {tmp_path} is as it was"
    )
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


def test_training_goes_on_when_nobody_reads_any_more(clock):
    stream = Closed()
    progress = begun(stream, 1)
    clock.now += 4
    batch_done(progress, 10.0, 50, 100, 100)
    progress.epoch_ends(result(1))
    progress.says("something")
    assert stream.getvalue() == "120 sequences"
