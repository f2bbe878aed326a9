import pytest

from varlen.train import EpochResult, Metric, Tally, TensorBoard

pytest.importorskip("tensorboard")

ACCURACY = Metric("accuracy", True, is_share=True)


def test_figures_of_batches_and_epochs_are_in_the_event_files(tmp_path):
    board = TensorBoard(tmp_path / "tensorboard")
    tally = Tally(20.0, 10, {"accuracy": (7.0, 10.0)}, 10, 12)
    board.training_begins("10 sequences", (ACCURACY,))
    board.epoch_begins(1, num_epochs=1, num_steps=10)
    board.batch_done(tally, step=10, learning_rate=0.25, waiting=0.5)
    board.epoch_ends(EpochResult(1, 10, tally, tally, 0.5, True, (ACCURACY,)))
    found = figures(tmp_path / "tensorboard")
    assert found["train/loss"] == (10, 2.0)
    assert found["train/learning_rate"] == (10, 0.25)
    assert found["epoch/valid_accuracy"] == (10, pytest.approx(0.7))


def figures(folder):
    """By name, the step and value of the last figure."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    [file] = folder.iterdir()
    return {
        value.tag: (event.step, value.tensor.float_val[0])
        for event in EventFileLoader(str(file)).Load()
        for value in event.summary.value
    }
