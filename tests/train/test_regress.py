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
    train,
)

DRAW = np.random.default_rng(0)
ROWS = [
    ({"y": float(DRAW.normal(40, 5))}, {"values": DRAW.normal(size=(n, 2)).astype(np.float32)})
    for n in (3, 1, 0, 6, 2)
]
VECTORS = [({"y": DRAW.normal((1, 50), (1, 20)).tolist()}, lists) for _, lists in ROWS]
COUNTS = [({"y": 3 * n}, {"words": ["a"] * n}) for n in (2, 0, 5)]


def write(folder, rows):
    folder.mkdir(exist_ok=True)
    for split in ("train", "valid", "test"):
        with RecordWriter(folder / f"{split}.tfrecord") as writer:
            for context, sequences in rows:
                writer.write(sequence_example(context, sequences))
    return folder


def settings(**tables):
    model = {"units": 4, "dropout": 0.0, **tables.pop("model", {})}
    training = {"epochs": 2, "batch_size": 2, **tables.pop("training", {})}
    task = {"quantiles": "0.2,0.9", **tables.pop("task", {})}
    return make_settings("regress", {"model": model, "training": training, "task": task, **tables})


def regressor(folder, **tables):
    task = build_task("regress", Dataset(folder), settings(**tables))
    task.model.eval()
    return task


def example(sequences):
    return {name: np.asarray(values).tolist() for name, values in sequences.items()}


@pytest.mark.parametrize("rows", [ROWS, VECTORS, COUNTS])
@pytest.mark.parametrize("pooling", ["mean", "both"])
def test_figures_are_those_of_every_sequence_alone(rows, pooling, tmp_path):
    folder = write(tmp_path / "data", rows)
    task = regressor(folder, task={"pooling": pooling})
    true = np.array([np.ravel(context["y"]) for context, _ in rows], np.float64)
    assert task.encoder.mean == pytest.approx(true.mean(0))
    assert task.encoder.deviation == pytest.approx(true.std(0))
    found = [task.predict([example(sequences)])[0] for _, sequences in rows]
    quantiles = {
        float(level): np.array([np.ravel(answer["quantiles"][level]) for answer in found])
        for level in found[0]["quantiles"]
    }
    assert [np.shape(answer["y"]) for answer in found] == [np.shape(c["y"]) for c, _ in rows]
    losses = []
    for level, given in quantiles.items():
        below = (true - given) / true.std(0)
        losses.append(np.where(below > 0, level * below, (level - 1) * below))
    errors = true - quantiles[0.5]
    expected = {
        "loss": np.mean(losses),
        "MAE": np.abs(errors).mean(),
        "RMSE": math.sqrt((errors**2).mean()),
        "coverage": ((quantiles[0.2] <= true) & (true <= quantiles[0.9])).mean(),
    }
    tally = evaluate(task, Dataset(folder), "valid")
    judged = evaluate_split(task, Dataset(folder), "test")
    for metric in task.metrics:
        assert tally.value(metric) == pytest.approx(expected[metric.name], rel=1e-4)
        assert judged.value(metric) == pytest.approx(expected[metric.name], rel=1e-4)
        assert judged.whole(metric) == true.size
    together = task.predict([example(sequences) for _, sequences in rows])
    for one, other in zip(found, together, strict=True):
        assert one["y"] == pytest.approx(other["y"], rel=1e-5)


def test_it_learns_the_mean_of_a_sequence(tmp_path):
    rows = []
    for length in DRAW.integers(1, 9, size=60):
        values = DRAW.normal(size=length).astype(np.float32)
        rows.append(({"y": float(100 + 10 * values.mean())}, {"values": values}))
    folder, run = write(tmp_path / "data", rows), tmp_path / "run"
    chosen = settings(
        model={"units": 8}, training={"epochs": 5, "learning_rate": 0.04, "batch_size": 8}
    )
    train("regress", folder, run, chosen, observer=Observers())
    task = load_task(RunFolder.open(run))
    found = evaluate_split(task, Dataset(folder), "test")
    spread = np.mean(np.abs([c["y"] - np.median([c["y"] for c, _ in rows]) for c, _ in rows]))
    assert found.value(task.metrics[1]) < 0.4 * spread
    [answer] = task.predict([{"values": [1.0, 0.0]}])
    assert answer["y"] == pytest.approx(105, abs=4)


def test_sequences_without_steps_have_an_answer(tmp_path):
    task = regressor(write(tmp_path / "data", ROWS))
    one, other = task.predict([{"values": []}, {"values": []}])
    assert one == other
    assert math.isfinite(one["y"])
    assert task.predict([]) == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([({"y": "a"}, {"values": [1.0]})], "target 'y': expected numbers, found text"),
        (
            [({"y": [1.0]}, {"values": [1.0]}), ({"y": [1.0, 2.0]}, {"values": [1.0]})],
            "target 'y': expected numbers, found another number of them in each record",
        ),
        ([({}, {"values": [1.0]})], "target: expected a context feature, found none"),
        ([({"y": 1.0}, {"values": [1.0], "y2": ["a"]})], "no feature list 'y3'"),
    ],
)
def test_data_that_cannot_be(rows, message, tmp_path):
    folder = write(tmp_path / "data", rows)
    inputs = ("y3",) if "y3" in message else ()
    with pytest.raises(ConfigError, match=message):
        regressor(folder, data={"inputs": inputs})


def test_a_target_that_is_missing_or_no_number(tmp_path):
    missing = write(tmp_path / "missing", [*ROWS, ({}, {"values": [[1.0, 2.0]]})])
    with pytest.raises(FeatureError, match="'y'"):
        regressor(missing)
    nan = write(tmp_path / "nan", [*ROWS, ({"y": math.nan}, {"values": [[1.0, 2.0]]})])
    with pytest.raises(FeatureError, match=r"expected numbers, found nan(.|\n)*: y"):
        regressor(nan)
    task = regressor(write(tmp_path / "data", ROWS))
    with pytest.raises(FeatureError, match=r"no feature 'values'\n  at example 0"):
        task.predict([{"value": []}])


def test_quantiles_that_cannot_be():
    with pytest.raises(ConfigError, match="quantiles: expected numbers between 0 and 1"):
        settings(task={"quantiles": "0"})


def test_gradients_reach_all_weights(tmp_path):
    folder = write(tmp_path / "data", ROWS)
    task = regressor(folder)
    for batch in task.batches(Dataset(folder), "train", epoch=1):
        task.score(batch).loss.backward()
    assert all(bool(p.grad.abs().sum() > 0) for p in task.model.parameters())
    assert all(torch.isfinite(p.grad).all() for p in task.model.parameters())
