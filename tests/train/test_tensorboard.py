import struct

import pytest

from varlen import RecordReader
from varlen.train import EpochResult, Metric, Tally, TensorBoard

ACCURACY = Metric("accuracy", True, is_share=True)
HALF = Tally(20.0, 10, {"accuracy": (7.0, 10.0)}, 10, 12)
WHOLE = Tally(25.0, 20, {"accuracy": (14.0, 20.0)}, 20, 24)


def begun(folder, *, after_step=None):
    board = TensorBoard(folder)
    board.training_begins("10 sequences", (ACCURACY,))
    if after_step is not None:
        board.training_resumes(epoch=1, step=after_step)
    board.epoch_begins(1, num_epochs=1, num_steps=20)
    return board


def test_records_are_there_as_soon_as_they_are_told(tmp_path):
    folder = tmp_path / "run" / "tensorboard"
    board = begun(folder)
    [file] = folder.iterdir()
    assert file.name.startswith("events.out.tfevents.")
    [first] = RecordReader(file)
    assert first.endswith(b"\x1a\rbrain.Event:2")
    board.batch_done(HALF, step=9, learning_rate=0.25, waiting=0.5)
    board.batch_done(HALF, step=300, learning_rate=0.25, waiting=0.5)
    _, record = RecordReader(file)
    # wall_time (1, a double), step (2, the varint 300), summary (5) of two values (1)
    assert record[:1] == b"\x09"
    assert record[9:] == b"\x10\xac\x02\x2a\x2f" + value(b"train/loss", 2.0) + value(
        b"train/learning_rate", 0.25
    )


def value(name, number):
    body = b"\x0a" + bytes([len(name)]) + name + b"\x15" + struct.pack("<f", number)
    return b"\x0a" + bytes([len(body)]) + body


def test_tensorboard_reads_the_figures_of_batches_and_epochs(tmp_path):
    board = begun(tmp_path)
    board.batch_done(HALF, step=10, learning_rate=0.25, waiting=0.5)
    board.batch_done(WHOLE, step=20, learning_rate=0.125, waiting=0.5)
    board.epoch_ends(EpochResult(1, 23, WHOLE, HALF, 0.5, True, (ACCURACY,)))
    found = scalars(tmp_path)
    assert found["train/loss"] == [(10, 2.0), (20, 0.5)]  # of the steps since the last
    assert found["train/learning_rate"] == [(10, 0.25), (20, 0.125)]
    assert found["epoch/valid_accuracy"] == [(23, pytest.approx(0.7))]
    assert found["epoch/padding"] == [(23, pytest.approx(1 / 6))]


def test_tensorboard_forgets_what_came_after_the_checkpoint_of_a_training_that_goes_on(tmp_path):
    board = begun(tmp_path)
    for step in (10, 20, 30):
        board.batch_done(HALF, step=step, learning_rate=0.25, waiting=0.5)
    resumed = begun(tmp_path, after_step=15)
    resumed.batch_done(HALF, step=20, learning_rate=0.5, waiting=0.5)
    assert scalars(tmp_path)["train/learning_rate"] == [(10, 0.25), (20, 0.5)]


def test_a_full_disk_is_told_with_the_file(tmp_path, monkeypatch):
    def full(records):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("varlen.train._tensorboard.frame_records", full)
    with pytest.raises(OSError, match=r"No space left on device: .*events\.out"):
        begun(tmp_path)


def scalars(folder):
    """By name, the steps and values."""
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulators.EventAccumulator(str(folder)).Reload()
    return {
        name: [(event.step, event.value) for event in found.Scalars(name)]
        for name in found.Tags()["scalars"]
    }
