import json
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import torch
from torch import nn

from varlen import ConfigError
from varlen.train import RunFolder, Score, evaluate, fit

TRUE_WEIGHTS = torch.tensor([[1.0, -2.0]])


@dataclass
class Line:
    """A task: a line through points without noise. `correct` is scripted per epoch."""

    correct: list[int] = field(default_factory=lambda: [0] * 9)
    interrupt_at: tuple[int, int] | None = None  # epoch and batch

    def __post_init__(self):
        self.model = nn.Linear(2, 1, bias=False)
        nn.init.zeros_(self.model.weight)
        self.epoch = 0
        self.modes = []

    def num_steps(self, split):
        return {"train": 8, "valid": 4}[split]

    def batches(self, split, *, epoch):
        self.modes.append((split, self.model.training, torch.is_grad_enabled()))
        if split == "train":
            self.epoch = epoch
        for i in range(self.num_steps(split) // 4):
            if split == "train" and self.interrupt_at == (epoch, i):
                raise KeyboardInterrupt
            yield torch.randn(4, 2, generator=torch.Generator().manual_seed(0))

    def score(self, batch):
        loss = (self.model(batch) - batch @ TRUE_WEIGHTS.T).square().mean()
        return Score(loss, self.correct[self.epoch - 1], 4, 5)


class Recorder:
    def __init__(self):
        self.calls = []

    def training_begins(self, summary):
        raise AssertionError("the loop has no summary to give")

    def epoch_begins(self, epoch, *, num_epochs, num_steps):
        self.calls.append(("begins", epoch, num_epochs, num_steps))

    def batch_done(self, tally):
        self.calls.append(("batch", tally.live, tally.padded))

    def epoch_ends(self, result):
        self.calls.append(("ends", result.epoch, result.best))
        self.weights = None


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run", task="line", config={}, vocabulary={})


def stored_weights(run):
    model = nn.Linear(2, 1, bias=False)
    run.load_model(model)
    return model.weight.detach()


def learn(task, run, *, num_epochs, learning_rate=0.1, observer=None):
    return fit(
        task,
        run,
        num_epochs=num_epochs,
        learning_rate=learning_rate,
        observer=observer or Recorder(),
    )


def test_it_learns(run):
    task = Line(correct=list(range(100)))
    best = learn(task, run, num_epochs=100)
    torch.testing.assert_close(stored_weights(run), TRUE_WEIGHTS, rtol=0, atol=1e-3)
    assert best.epoch == 100
    assert best.train.loss < 1e-3


def test_the_stored_weights_are_those_of_the_best_epoch(run, tmp_path):
    best = learn(Line(correct=[1, 3, 3, 2]), run, num_epochs=4)
    assert best.epoch == 2
    assert best.valid.accuracy == 0.75
    # The learning rate depends on the number of epochs, so the same run is stopped in the third.
    again = RunFolder.create(tmp_path / "again", task="line", config={}, vocabulary={})
    task = Line(correct=[1, 3], interrupt_at=(3, 0))
    with pytest.raises(KeyboardInterrupt):
        learn(task, again, num_epochs=4)
    assert torch.equal(stored_weights(run), task.model.weight.detach())
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert [row["best"] for row in rows] == [True, True, False, False]
    assert [row["valid_accuracy"] for row in rows] == [0.25, 0.75, 0.75, 0.5]


def test_an_interrupt_in_the_first_epoch_keeps_the_weights_of_that_moment(run):
    task = Line(interrupt_at=(1, 1))
    with pytest.raises(KeyboardInterrupt):
        learn(task, run, num_epochs=4)
    assert torch.equal(stored_weights(run), task.model.weight.detach())
    assert stored_weights(run).abs().min() > 0
    assert not (run.path / "metrics.jsonl").exists()


def test_an_interrupt_later_keeps_the_best_epoch(run):
    task = Line(interrupt_at=(2, 1))
    with pytest.raises(KeyboardInterrupt):
        learn(task, run, num_epochs=4)
    assert not torch.equal(stored_weights(run), task.model.weight.detach())


def test_the_observer_hears_of_everything_in_order(run):
    observer = Recorder()
    learn(Line(correct=[2, 1]), run, num_epochs=2, observer=observer)
    assert observer.calls == [
        ("begins", 1, 2, 8),
        ("batch", 4, 5),
        ("batch", 8, 10),
        ("ends", 1, True),
        ("begins", 2, 2, 8),
        ("batch", 4, 5),
        ("batch", 8, 10),
        ("ends", 2, False),
    ]


def test_the_learning_rate_falls_to_zero(run):
    weights = [torch.zeros(1, 2)]

    class Watch(Recorder):
        def batch_done(self, tally):
            weights.append(task.model.weight.detach().clone())

    task = Line()
    learn(task, run, num_epochs=2, learning_rate=1e-4, observer=Watch())
    # The gradient hardly changes in so few small steps, and so each of Adam's is its rate.
    steps = [(after - before).abs().mean() for before, after in pairwise(weights)]
    torch.testing.assert_close(
        torch.stack(steps) / 1e-4, torch.tensor([1.0, 0.75, 0.5, 0.25]), rtol=1e-3, atol=0
    )


def test_training_and_evaluation_have_their_modes(run):
    task = Line()
    learn(task, run, num_epochs=1)
    assert task.modes == [("train", True, True), ("valid", False, False)]
    assert evaluate(task, "valid").live == 4


def test_a_loss_that_is_no_number_ends_the_training(run):
    task = Line()
    nn.init.constant_(task.model.weight, float("nan"))
    with pytest.raises(ConfigError, match="the loss became nan"):
        learn(task, run, num_epochs=2)
