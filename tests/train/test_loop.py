import json
import signal
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import ClassVar

import pytest
import torch
from torch import nn

from varlen import (
    ConfigError,
    FixedLenFeature,
    FixedLenSequenceFeature,
    JaggedSequence,
    RecordReader,
    RecordWriter,
    float32,
    int64,
    parse_single_sequence_example,
    sequence_example,
)
from varlen.data import Pipeline
from varlen.train import Dataset, Metric, RunFolder, Score, evaluate, fit, make_settings

TRUE_WEIGHTS = torch.tensor([[1.0, -2.0]])


@dataclass
class Line:
    """A task: a line through points without noise. `correct` is scripted per epoch."""

    metrics: ClassVar = (Metric("accuracy", True, is_share=True),)

    correct: list[int] = field(default_factory=lambda: [0] * 9)
    interrupt_at: tuple[int, int] | None = None  # epoch and batch
    interrupt: signal.Signals = signal.SIGINT
    training: dict = field(default_factory=dict)
    sizes: tuple[int, ...] = (4, 4)

    def __post_init__(self):
        self.settings = make_settings("tag", {"training": {"learning_rate": 0.1, **self.training}})
        self.model = nn.Linear(2, 1, bias=False)
        nn.init.zeros_(self.model.weight)
        self.epoch = 0
        self.modes = []

    def num_steps(self, data, split):
        return {"train": sum(self.sizes), "valid": 4}[split]

    def batches(self, data, split, *, epoch):
        self.modes.append((split, self.model.training, torch.is_grad_enabled()))
        if split == "train":
            self.epoch = epoch
        sizes = self.sizes if split == "train" else (4,)
        numbers = [{"number": (split, epoch, i, size)} for i, size in enumerate(sizes)]
        return Pipeline(numbers)

    def score(self, batch, carried=None):
        split, epoch, number, size = batch["number"]
        if split == "train" and self.interrupt_at == (epoch, number):
            signal.raise_signal(self.interrupt)
        points = torch.randn(size, 2, generator=torch.Generator().manual_seed(number))
        loss = (self.model(points) - points @ TRUE_WEIGHTS.T).square().sum()
        return Score(loss, size, {"accuracy": (self.correct[self.epoch - 1], size)}, size, size + 1)


class Recorder:
    def __init__(self):
        self.calls = []
        self.said = []
        self.epochs_in_all = []

    def training_begins(self, summary, metrics):
        raise AssertionError("the loop has no summary to give")

    def training_resumes(self, *, epoch, step):
        self.calls.append(("resumes", epoch, step))

    def epoch_begins(self, epoch, *, num_epochs, num_steps):
        self.calls.append(("begins", epoch, num_epochs, num_steps))

    def batch_done(self, tally, *, step, learning_rate, waiting):
        self.calls.append(("batch", tally.live, tally.padded, step))

    def validation_advances(self, tally, *, num_steps):
        self.calls.append(("validates", tally.live, num_steps))

    def epoch_ends(self, result):
        self.calls.append(("ends", result.epoch, result.best))
        self.epochs_in_all.append(result.num_epochs)

    def says(self, line):
        self.said.append(line)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    with RecordWriter(folder / "train-00000-of-00001.tfrecord") as writer:
        writer.write(sequence_example(sequences={"x": [1]}))
    return Dataset(folder)


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run", task="line", config={}, vocabulary={})


def stored_weights(run):
    model = nn.Linear(2, 1, bias=False)
    run.load_model(model)
    return model.weight.detach()


def learn(task, data, run, observer=None, **training):
    tables = {"training": {"learning_rate": 0.1, **task.training, **training}}
    task.settings = make_settings("tag", tables)
    return fit(task, data, run, observer=observer or Recorder())


def test_it_learns(data, run):
    task = Line(correct=list(range(10)), sizes=(4,) * 20)
    end = learn(task, data, run, epochs=10)
    torch.testing.assert_close(stored_weights(run), TRUE_WEIGHTS, rtol=0, atol=1e-3)
    assert end.best_epoch == 10


def test_the_stored_weights_are_those_of_the_best_epoch(data, run, tmp_path):
    end = learn(Line(correct=[1, 3, 3, 2]), data, run, epochs=4)
    assert end.best_epoch == 3  # no better than 2, but of less loss
    assert end.best == 0.75
    # The learning rate depends on the number of epochs, so the same run is watched.
    again = RunFolder.create(tmp_path / "again", task="line", config={}, vocabulary={})
    weights = []

    class Watch(Recorder):
        def epoch_ends(self, result):
            weights.append(task.model.weight.detach().clone())

    task = Line(correct=[1, 3, 3, 2])
    learn(task, data, again, Watch(), epochs=4)
    assert torch.equal(stored_weights(run), weights[2])
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert [row["step"] for row in rows] == [2, 4, 6, 8]
    assert [row["best"] for row in rows] == [True, True, True, False]
    assert [row["valid_accuracy"] for row in rows] == [0.25, 0.75, 0.75, 0.5]


def test_a_line_of_figures_has_the_time_of_each_stage_and_a_curve_within_the_epoch(data, run):
    task = Line(sizes=(4, 2, 2))
    tallies = []

    class Watch(Recorder):
        def batch_done(self, tally, *, step, learning_rate, waiting):
            tallies.append((step, tally.loss_sum))

    learn(task, data, run, Watch(), epochs=2)
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    for row, found in zip(rows, (tallies[:3], tallies[3:]), strict=True):
        assert row["stages"].keys() == {"data", "learning", "validation", "saving"}
        assert all(seconds >= 0 for seconds in row["stages"].values())
        sums = [0.0, *(loss_sum for _, loss_sum in found)]
        expected = [
            [step, (after - before) / size]
            for (step, after), before, size in zip(found, sums, task.sizes, strict=False)
        ]
        assert row["curve"] == expected


@pytest.mark.parametrize(("epochs", "num_points"), [(201, 0), (70, 2)])
def test_the_curves_of_many_epochs_have_few_points(data, run, epochs, num_points):
    learn(Line(sizes=(4,) * 5), data, run, epochs=epochs, steps=15)
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert [len(row["curve"]) for row in rows] == [num_points] * 3


def test_an_interrupt_in_the_first_epoch_keeps_the_weights_of_that_moment(data, run):
    task = Line(interrupt_at=(1, 1))
    with pytest.raises(KeyboardInterrupt):
        learn(task, data, run, epochs=4)
    assert torch.equal(stored_weights(run), task.model.weight.detach())
    assert stored_weights(run).abs().min() > 0
    assert not (run.path / "metrics.jsonl").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_end_is_an_interrupt_unless_it_is_ignored(data, run, tmp_path, number):
    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            learn(Line(interrupt_at=(1, 1), interrupt=number), data, run, epochs=2)
        assert len(list((run.path / "checkpoints").iterdir())) == 1
        signal.signal(number, signal.SIG_IGN)
        other = RunFolder.create(tmp_path / "other", task="line", config={}, vocabulary={})
        task = Line(interrupt_at=(1, 1), interrupt=number)
        assert learn(task, data, other, epochs=2).epoch == 3
    finally:
        signal.signal(number, before)


def test_an_interrupt_later_keeps_the_best_epoch(data, run):
    task = Line(interrupt_at=(2, 1))
    with pytest.raises(KeyboardInterrupt):
        learn(task, data, run, epochs=4)
    assert not torch.equal(stored_weights(run), task.model.weight.detach())


def test_the_observer_hears_of_everything_in_order(data, run):
    observer = Recorder()
    learn(Line(correct=[2, 1]), data, run, observer, epochs=2)
    assert observer.calls == [
        ("begins", 1, 2, 8),
        ("batch", 4, 5, 1),
        ("batch", 8, 10, 2),
        ("validates", 4, 4),
        ("ends", 1, True),
        ("begins", 2, 2, 8),
        ("batch", 4, 5, 3),
        ("batch", 8, 10, 4),
        ("validates", 4, 4),
        ("ends", 2, False),
    ]


class Watch(Recorder):
    """Keeps the weights of all steps."""

    def __init__(self, task):
        super().__init__()
        self.task = task
        self.weights = [torch.zeros(1, 2)]

    def batch_done(self, tally, *, step, learning_rate, waiting):
        self.weights.append(self.task.model.weight.detach().clone())

    def step_sizes(self):
        return torch.stack([(b - a).abs().mean() for a, b in pairwise(self.weights)])


@pytest.mark.parametrize(
    ("schedule", "warmup", "expected"),
    [
        ("linear", 0.0, [1.0, 0.75, 0.5, 0.25]),
        ("constant", 0.0, [1.0, 1.0, 1.0, 1.0]),
        ("cosine", 0.0, [1.0, 0.853553, 0.5, 0.146447]),
        ("linear", 0.5, [0.0, 0.5, 1.0, 0.5]),
    ],
)
def test_the_learning_rate_follows_its_schedule(data, run, schedule, warmup, expected):
    task = Line(sizes=(4,))
    watch = Watch(task)
    rate = {"learning_rate": 1e-4, "schedule": schedule, "warmup": warmup}
    learn(task, data, run, watch, epochs=4, **rate)
    # The gradient hardly changes in so few small steps, and so each of Adam's is its rate.
    torch.testing.assert_close(
        watch.step_sizes() / 1e-4, torch.tensor(expected), rtol=1e-3, atol=1e-6
    )


def test_training_and_evaluation_have_their_modes(data, run):
    task = Line()
    learn(task, data, run, epochs=1)
    assert task.modes == [("train", True, True), ("valid", False, False)]
    assert evaluate(task, data, "valid").live == 4


def test_batches_that_are_accumulated_are_as_one(data, tmp_path):
    weights = []
    for name, sizes, accumulate in (("a", (3, 1, 2), 3), ("b", (6,), 1)):
        run = RunFolder.create(tmp_path / name, task="line", config={}, vocabulary={})
        task = Line(sizes=sizes)
        watch = Watch(task)
        if name == "b":
            task.score = as_one(task, (3, 1, 2))
        end = learn(task, data, run, watch, epochs=2, accumulate=accumulate)
        assert end.step == 2
        weights.append(watch.weights)
    for parts, whole in zip(*weights, strict=True):
        torch.testing.assert_close(parts, whole, rtol=1e-6, atol=1e-7)


def as_one(task, sizes):
    """Scores the points of batches of these sizes in one batch."""
    plain = task.score

    def score(batch, carried=None):
        split, epoch, _, size = batch["number"]
        if split == "valid":
            return plain(batch)
        scores = [plain({"number": (split, epoch, i, part)}) for i, part in enumerate(sizes)]
        return replace_score(scores, size)

    return score


def replace_score(scores, size):
    return scores[0]._replace(loss=sum(score.loss for score in scores), total=size, live=size)


def test_gradients_are_shortened_to_the_clip(data, run):
    gradients = []
    task = Line()
    task.model.weight.register_post_accumulate_grad_hook(lambda p: gradients.append(p.grad.norm()))
    learn(task, data, run, epochs=1, clip=1e-30)
    # Adam divides by the root of the second moment plus 1e-8, beside which these are nothing.
    assert task.model.weight.abs().max() < 1e-15
    assert gradients[0] > 1


def test_steps_end_the_training_whatever_the_epochs(data, run):
    task = Line(correct=[1] * 9)
    observer = Recorder()
    end = learn(task, data, run, observer, epochs=1, steps=5)
    assert end.step == 5
    assert [call for call in observer.calls if call[0] == "begins"] == [
        ("begins", epoch, None, 8) for epoch in (1, 2, 3)
    ]
    assert observer.epochs_in_all == [5 / 2, 5 / 2, 3]
    rows = (run.path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [2, 4, 5]


def test_patience_ends_the_training(data, run):
    observer, task = Recorder(), Line(correct=[1, 3, 2, 1, 4, 4])
    end = learn(task, data, run, observer, epochs=6, patience=2)
    assert (end.best_epoch, end.epoch) == (2, 5)
    assert observer.said == ["no better epoch for 2: training ends early"]
    resumed = Recorder()
    assert fit(task, data, run, observer=resumed, resume=True) == end
    assert (resumed.calls, resumed.said) == ([], ["the training was over already"])


def test_the_average_of_weights_is_validated_and_stored(data, run):
    task = Line(correct=[1])
    watch = Watch(task)
    learn(task, data, run, watch, epochs=1, average=0.9)
    average = torch.zeros(1, 2)
    for step, weights in enumerate(watch.weights[1:]):
        kept = min(0.9, (1 + step) / (10 + step))
        average = kept * average + (1 - kept) * weights
    torch.testing.assert_close(stored_weights(run), average)
    assert torch.equal(task.model.weight.detach(), watch.weights[-1])


def test_a_loss_that_is_no_number_ends_the_training(data, run):
    task = Line()
    nn.init.constant_(task.model.weight, float("nan"))
    with pytest.raises(ConfigError, match=r"became nan.*\n  at epoch 1, step 1; its batch is in"):
        learn(task, data, run, epochs=2)
    assert (run.path / "nonfinite-step-0000000001.tfrecord").exists()


class Broken(Line):
    """The loss of one batch is infinite."""

    def score(self, batch, carried=None):
        score = super().score(batch)
        if batch["number"][:3] == ("train", 1, 1):
            return score._replace(loss=score.loss * float("inf"))
        return score


def test_steps_that_are_not_finite_are_skipped_and_counted(data, run):
    observer = Recorder()
    end = learn(Broken(), data, run, observer, epochs=2, on_nonfinite="skip")
    assert (end.skipped, end.step) == (1, 4)
    assert observer.said == ["epoch 1, step 2: loss or gradient not finite, skipped"]
    assert stored_weights(run).isfinite().all()


def test_a_stop_for_a_step_that_is_not_finite_loses_nothing_before_it(data, run, tmp_path):
    skipping = RunFolder.create(tmp_path / "skipping", task="line", config={}, vocabulary={})
    expected = learn(Broken(), data, skipping, epochs=2, on_nonfinite="skip")
    with pytest.raises(ConfigError, match="epoch 1, step 2;"):
        learn(Broken(), data, run, epochs=2)
    observer, task = Recorder(), Broken(training={"epochs": 2, "on_nonfinite": "skip"})
    end = fit(task, data, run, observer=observer, resume=True)
    assert observer.calls[0] == ("resumes", 1, 1)
    assert (end.step, end.skipped, end.best) == (expected.step, 1, expected.best)
    assert torch.equal(stored_weights(run), stored_weights(skipping))


def test_a_batch_that_is_not_finite_is_kept_as_records(data, run):
    class WithSteps(Broken):
        def batches(self, data, split, *, epoch):
            rows = [torch.tensor([[1.5, 2.0]]), torch.zeros(0, 2), torch.tensor([[3.0, 4.0]] * 2)]
            steps = JaggedSequence(torch.cat(rows), torch.tensor([1, 0, 2]))
            more = {"x": steps, "live": torch.tensor([True, False, True]), "names": ["a", "b", "c"]}
            return Pipeline([batch | more for batch in super().batches(data, split, epoch=epoch)])

    with pytest.raises(ConfigError):
        learn(WithSteps(), data, run, epochs=1, accumulate=2)
    path = run.path / "nonfinite-step-0000000001.tfrecord"
    context, sequences = zip(
        *[
            parse_single_sequence_example(
                record,
                {"live": FixedLenFeature((), int64)},
                {"x": FixedLenSequenceFeature((2,), float32)},
            )
            for record in RecordReader(path)
        ],
        strict=True,
    )
    assert [int(row["live"]) for row in context] == [1, 0, 1] * 2  # of two batches
    assert [row["x"].tolist() for row in sequences] == [
        [[1.5, 2.0]],
        [],
        [[3.0, 4.0], [3.0, 4.0]],
    ] * 2


def test_a_batch_without_steps_changes_nothing(data, run):
    task = Line(sizes=(4, 0))
    watch = Watch(task)
    learn(task, data, run, watch, epochs=1)
    assert torch.equal(watch.weights[1], watch.weights[2])


def test_an_interrupt_before_the_first_step_waits_for_it(data, run):
    class Interrupt(Recorder):
        def training_resumes(self, *, epoch, step):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(Line(), data, run, observer=Interrupt(), resume=True)
    observer = Recorder()
    fit(Line(), data, run, observer=observer, resume=True)
    assert observer.calls[0] == ("resumes", 1, 1)


def test_figures_that_are_lost_are_said(data, run):
    learn(Line(), data, run, epochs=3)
    (run.path / "metrics.jsonl").write_text('{"epoch": 1}\n{"epoch"')
    max((run.path / "checkpoints").iterdir()).unlink()
    observer, task = Recorder(), Line(training={"epochs": 3})
    fit(task, data, run, observer=observer, resume=True)
    assert observer.said == ["of the figures of 2 epochs, 1 are left; others follow"]
    assert [row["epoch"] for row in run.metrics()] == [1, 3]


def test_resuming_gives_the_same_weights_bit_for_bit(data, run, tmp_path):
    training = {"average": 0.9, "warmup": 0.2}
    learn(Line(correct=[1, 2, 3, 3]), data, run, epochs=4, **training)
    stopped = RunFolder.create(tmp_path / "stopped", task="line", config={}, vocabulary={})
    for at in ((1, 0), (1, 1), (3, 0), (4, 1)):
        task = Line(correct=[1, 2, 3, 3], interrupt_at=at, training=training)
        task.settings = make_settings(
            "tag", {"training": {"learning_rate": 0.1, "epochs": 4, **training}}
        )
        with pytest.raises(KeyboardInterrupt):
            fit(task, data, stopped, observer=Recorder(), resume=at != (1, 0))
    task = Line(correct=[1, 2, 3, 3], training=training)
    task.settings = replace(
        task.settings,
        training=make_settings(
            "tag", {"training": {"learning_rate": 0.1, "epochs": 4, **training}}
        ).training,
    )
    observer = Recorder()
    fit(task, data, stopped, observer=observer, resume=True)
    assert observer.calls[0] == ("resumes", 4, 8)
    assert torch.equal(stored_weights(stopped), stored_weights(run))
    rows = [
        [
            json.loads(line) | {"seconds": 0, "stages": {}}
            for line in (r.path / "metrics.jsonl").read_text().splitlines()
        ]
        for r in (run, stopped)
    ]
    assert rows[0] == rows[1]
