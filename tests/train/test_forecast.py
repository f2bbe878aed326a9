import json
import math

import numpy as np
import pytest
import torch

from varlen import ConfigError, FeatureError, RecordWriter, sequence_example
from varlen.train import (
    Dataset,
    Observers,
    RunFolder,
    build_task,
    evaluate,
    evaluate_split,
    load_task,
    make_settings,
    resume,
    train,
)

DRAW = np.random.default_rng(0)
SERIES = [DRAW.normal(50, 10, size=n).astype(np.float32) for n in (5, 1, 9, 0, 2, 3)]
PAIRS = [DRAW.normal((0, 3), (1, 100), size=(n, 2)).astype(np.float32) for n in (4, 0, 6, 1)]


def write(folder, rows, splits=("train", "valid", "test")):
    folder.mkdir(exist_ok=True)
    for split in splits:
        with RecordWriter(folder / f"{split}.tfrecord") as writer:
            for row in rows:
                writer.write(sequence_example(sequences=row))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "data", [{"values": series} for series in SERIES])


def settings(**tables):
    model = {"units": 4, "dropout": 0.0, **tables.pop("model", {})}
    training = {"epochs": 2, "batch_size": 2, **tables.pop("training", {})}
    task = {"horizon": 3, "quantiles": "0.2,0.9", **tables.pop("task", {})}
    return make_settings("forecast", {"model": model, "training": training, "task": task, **tables})


def forecast(folder, **tables):
    task = build_task("forecast", Dataset(folder), settings(**tables))
    with torch.no_grad():
        for parameter in task.model.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
    task.model.eval()
    return task


def plain_figures(task, rows, share=1.0):
    """By the definition: every prefix is forecast alone, and compared with what follows.

    Those only, with a share below 1, that have all of a series but this share.
    """
    target, horizon = task.target, task.settings.task.horizon
    deviation = np.array(task.encoder.deviation)
    losses, errors, covered, by_distance = [], [], [], {}
    for row in rows:
        steps = np.asarray(row[target], np.float64).reshape(len(row[target]), len(deviation))
        least = max(1, math.ceil(len(steps) * (1 - share)))
        for t in range(least, len(steps)):
            prefix = {name: np.asarray(values[:t]).tolist() for name, values in row.items()}
            [found] = task.predict([prefix])
            ahead = min(horizon, len(steps) - t)
            quantiles = {
                float(level): np.array(values).reshape(horizon, -1)[:ahead]
                for level, values in found["quantiles"].items()
            }
            true = steps[t : t + ahead]
            pinball = []
            for level, given in quantiles.items():
                below = (true - given) / deviation
                pinball.append(np.where(below > 0, level * below, (level - 1) * below))
            losses += np.mean(pinball, axis=0).ravel().tolist()
            errors += (true - quantiles[0.5]).ravel().tolist()
            for distance, errors_there in enumerate(np.abs(true - quantiles[0.5]), 1):
                by_distance.setdefault(distance, []).extend(errors_there)
            inside = (quantiles[min(quantiles)] <= true) & (true <= quantiles[max(quantiles)])
            covered += inside.ravel().tolist()
    errors = np.array(errors)
    return {
        "loss": np.mean(losses),
        "MAE": np.abs(errors).mean(),
        "RMSE": np.sqrt((errors**2).mean()),
        "coverage": np.mean(covered),
        **{f"MAE {h} ahead": np.mean(values) for h, values in by_distance.items()},
    }, len(losses)


def assert_figures(task, folder, rows):
    expected, count = plain_figures(task, rows)
    tally = evaluate(task, Dataset(folder), "valid")
    found = evaluate_split(task, Dataset(folder), "test")
    assert tally.total == count
    for metric in task.metrics:
        assert tally.value(metric) == pytest.approx(expected[metric.name], rel=1e-4)
        assert found.value(metric) == pytest.approx(expected[metric.name], rel=1e-4)
        assert found.whole(metric) == count
    horizon = task.settings.task.horizon
    ahead = [metric for metric in found.metrics if metric not in task.metrics]
    assert [metric.name for metric in ahead] == [
        f"MAE {h} ahead" for h in {1, 2, 3} if h <= horizon
    ]
    for metric in ahead:
        assert found.value(metric) == pytest.approx(expected[metric.name], rel=1e-4)


def test_figures_are_those_of_forecasting_every_prefix_alone(folder):
    task = forecast(folder)
    assert_figures(task, folder, [{"values": series} for series in SERIES])
    assert task.num_steps(Dataset(folder), "valid") == sum(max(len(s) - 1, 0) for s in SERIES)


def test_the_ends_of_series_are_held_out_where_there_is_no_split_for_validation(tmp_path):
    rows = [{"values": DRAW.normal(size=n).astype(np.float32)} for n in (21, 0, 4, 1, 30)]
    folder = write(tmp_path / "data", rows, splits=("train",))
    data = Dataset(folder, valid_share=0.25)
    task = build_task("forecast", data, settings(data={"valid_share": 0.25}))
    ends = [math.ceil(len(row["values"]) * 0.75) for row in rows]
    beginnings = [row["values"][:end] for row, end in zip(rows, ends, strict=True)]

    assert task.encoder.mean == pytest.approx((np.concatenate(beginnings).mean(),), rel=1e-5)
    learned = list(task.batches(data, "train", epoch=1))
    assert sum(task.score(batch).live for batch in learned) == task.num_steps(data, "train")
    assert task.num_steps(data, "train") == sum(max(end - 1, 0) for end in ends)
    seen = np.concatenate([batch["values"].values.ravel() for batch in learned])
    expected = np.concatenate([values[:-1] for values in beginnings])
    normal = (expected - task.encoder.mean[0]) / task.encoder.deviation[0]
    assert np.sort(seen) == pytest.approx(np.sort(normal), abs=1e-5)

    figures, count = plain_figures(task, rows, share=0.25)
    tally = evaluate(task, data, "valid")
    found = evaluate_split(task, data, "valid")
    assert tally.total == count > 0
    for metric in task.metrics:
        assert tally.value(metric) == pytest.approx(figures[metric.name], rel=1e-4)
        assert found.value(metric) == pytest.approx(figures[metric.name], rel=1e-4)


def test_several_numbers_a_step_and_other_inputs(tmp_path):
    rows = [
        {
            "prices": pair,
            "day": np.arange(len(pair)) % 3,
            "rain": DRAW.random(len(pair)).astype(np.float32),
        }
        for pair in PAIRS
    ]
    folder = write(tmp_path / "data", rows)
    task = forecast(folder, data={"target": "prices", "inputs": ("day", "rain")})
    assert task.describe().startswith("prices: 2 numbers per step, day: 3 ids, rain: 1 number")
    assert_figures(task, folder, rows)


def test_integers_are_numbers(tmp_path):
    rows = [{"y": [3, 5, 8, 13]}, {"y": [2, 3]}]
    folder = write(tmp_path / "data", rows)
    task = forecast(folder)
    assert_figures(task, folder, rows)
    assert task.predict([{"y": [3, 5]}])[0]["y"] == pytest.approx(
        task.predict([{"y": np.array([3, 5])}])[0]["y"]
    )


def test_normalised_by_the_training_split(folder):
    task = forecast(folder)
    everything = np.concatenate(SERIES).astype(np.float64)
    assert task.encoder.mean == pytest.approx((everything.mean(),))
    assert task.encoder.deviation == pytest.approx((everything.std(),))


def test_quantiles_never_cross(folder):
    task = forecast(folder, task={"quantiles": "0.95,0.05,0.25,0.75", "horizon": 7})
    for found in task.predict([{"values": (100 * s).tolist()} for s in SERIES if len(s)]):
        levels = list(found["quantiles"])
        assert levels == ["0.05", "0.25", "0.5", "0.75", "0.95"]
        rows = np.array([found["quantiles"][level] for level in levels])
        assert rows.shape == (5, 7)
        assert (np.diff(rows, axis=0) >= 0).all()
        assert found["values"] == found["quantiles"]["0.5"]


def test_after_no_steps_there_is_no_forecast(folder):
    task = forecast(folder)
    empty, one, other = task.predict([{"values": []}, {"values": [50.0]}, {"values": []}])
    nothing = {"values": None, "quantiles": {"0.2": None, "0.5": None, "0.9": None}}
    assert empty == other == nothing
    assert len(one["values"]) == 3
    assert task.predict([]) == []


def test_a_new_model_forecasts_that_nothing_changes(folder):
    task = build_task("forecast", Dataset(folder), settings())
    torch.nn.init.zeros_(task.model.head.linear.weight)
    torch.nn.init.zeros_(task.model.head.linear.bias)
    [found] = task.predict([{"values": [40.0, 70.0]}])
    assert found["values"] == pytest.approx([70.0] * 3, rel=1e-5)


def test_long_series_are_cut_to_learn_from_and_nothing_is_lost(folder):
    data = Dataset(folder)
    task = forecast(folder, task={"window": 3})
    counts, targets, longest = 0, [], 0
    for batch in task.batches(data, "train", epoch=1):
        counts += task.score(batch).total
        longest = max(longest, int(batch["values"].lengths.max()))
        following, numbers = batch["next steps"].values, batch["number of next steps"].values
        targets += [x for row, n in zip(following, numbers, strict=True) for x in row[:n].ravel()]
    assert longest == 3
    expected = [
        (x - task.encoder.mean[0]) / task.encoder.deviation[0]
        for s in SERIES
        for t in range(1, len(s))
        for x in s[t : t + 3]
    ]
    assert counts == len(expected) == evaluate(task, data, "valid").total
    assert sorted(map(float, targets)) == pytest.approx(sorted(expected), abs=1e-5)


def test_long_series_are_whole_when_they_are_judged(tmp_path):
    rows = [{"values": DRAW.normal(size=n).astype(np.float32)} for n in (40, 7, 25)]
    folder = write(tmp_path / "data", rows)
    assert_figures(forecast(folder, task={"window": 4}, training={"max_steps": 20}), folder, rows)


def autoregression(count, coefficient=0.8):
    """Series whose best forecast h steps ahead is coefficient**h times the last step."""
    draw = np.random.default_rng(1)
    for _ in range(count):
        steps = [draw.normal() / math.sqrt(1 - coefficient**2)]
        for _ in range(draw.integers(20, 60)):
            steps.append(coefficient * steps[-1] + draw.normal())
        yield {"values": np.array(steps, np.float32)}


def test_it_learns_what_can_be_known(tmp_path):
    folder = write(tmp_path / "data", list(autoregression(80)))
    run = tmp_path / "run"
    chosen = settings(
        model={"units": 8},
        training={"epochs": 3, "learning_rate": 0.03, "batch_size": 4},
        task={"horizon": 2, "quantiles": "0.1,0.9"},
    )
    train("forecast", folder, run, chosen, observer=Observers())
    task, data = load_task(RunFolder.open(run)), Dataset(folder)
    found = evaluate_split(task, data, "test")
    figures = {metric.name: found.value(metric) for metric in task.metrics}
    # Deviations of what is left to chance, one and two steps ahead.
    best = np.mean([1.0, math.sqrt(1 + 0.8**2)]) * math.sqrt(2 / math.pi)
    assert figures["MAE"] == pytest.approx(best, rel=0.05)
    assert figures["coverage"] == pytest.approx(0.8, abs=0.04)
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert figures["loss"] == pytest.approx(min(row["valid_loss"] for row in rows), rel=1e-5)


def test_resuming_within_an_epoch_gives_the_same_weights(folder, tmp_path):
    class Stop(Observers):
        def batch_done(self, tally, *, step, learning_rate, waiting):
            if step == 3:
                raise KeyboardInterrupt

    chosen = settings(model={"dropout": 0.4}, training={"save_steps": 1}, task={"window": 2})
    weights = []
    for name in ("whole", "stopped"):
        run = tmp_path / name
        if name == "whole":
            train("forecast", folder, run, chosen, observer=Observers())
        else:
            with pytest.raises(KeyboardInterrupt):
                train("forecast", folder, run, chosen, observer=Stop())
            resume(run, observer=Observers())
        weights.append((run / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"model": {"bidirectional": True}}, "bidirectional: a model that reads backwards"),
        ({"task": {"horizon": 0}}, "horizon: expected at least 1"),
        ({"task": {"quantiles": "0.1,1"}}, "quantiles: expected numbers between 0 and 1.*'1'"),
        ({"task": {"quantiles": "0.1,,0.9"}}, "quantiles: expected numbers .* found ''"),
        ({"task": {"quantiles": "nan"}}, "quantiles: expected numbers .* found 'nan'"),
        ({"task": {"window": 0}}, "window: expected at least 1"),
        ({"data": {"target": "vales"}}, "(?s)no feature list 'vales'.*'values'"),
        ({"data": {"target": "values", "inputs": ("rain",)}}, "no feature list 'rain'"),
    ],
)
def test_settings_that_cannot_be(folder, tables, message):
    with pytest.raises(ConfigError, match=message):
        forecast(folder, **tables)


def test_series_that_cannot_be(tmp_path):
    text = write(tmp_path / "text", [{"values": ["a", "b"]}])
    with pytest.raises(ConfigError, match="'values': expected a series of numbers, found text"):
        forecast(text)
    short = write(tmp_path / "short", [{"values": [1.0]}, {"values": []}])
    with pytest.raises(ConfigError, match="split 'train' has no steps"):
        forecast(short)
    gap = write(tmp_path / "gap", [{"values": [1.0, 2.0, math.nan]}])
    with pytest.raises(FeatureError, match=r"expected numbers, found nan in step 2(.|\n)*: values"):
        forecast(gap)
    unequal = write(tmp_path / "unequal", [{"values": [[1.0], [2.0, 3.0]]}])
    with pytest.raises(ConfigError, match="steps of 1 to 2 values"):
        forecast(unequal)


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ({"value": [1.0]}, r"no feature 'values'\n  at example 1"),
        ({"values": 3.0}, "expected a list of steps, found 3"),
        ({"values": ["a"]}, "expected numbers, found 'a'"),
        ({"values": [[1.0, 2.0]]}, "expected 1 numbers per step, found 2"),
        ({"values": [math.inf]}, "expected numbers, found inf in step 0"),
    ],
)
def test_predictions_of_what_is_no_series(folder, example, message):
    with pytest.raises(FeatureError, match=message):
        forecast(folder).predict([{"values": [1.0]}, example])
