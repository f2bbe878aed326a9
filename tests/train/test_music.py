import json
import math

import numpy as np
import pytest
import torch

from varlen import ConfigError, FeatureError, RecordWriter, dynamic_rnn, sequence_example
from varlen.train import (
    CELLS,
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

SCALE = [[[60, 64, 67], [62, 65], [], [60, 72]] * 3, [[21], [108]], [[60]], []]


def write_split(folder, split, pieces, name="notes", **context):
    folder.mkdir(exist_ok=True)
    with RecordWriter(folder / f"{split}-00000-of-00001.tfrecord") as writer:
        for piece in pieces:
            writer.write(sequence_example(context, {name: piece}))


@pytest.fixture
def folder(tmp_path):
    for split in ("train", "valid", "test"):
        write_split(tmp_path / "data", split, SCALE)
    return tmp_path / "data"


def settings(**tables):
    model = {"units": 5, "dropout": 0.0, "recurrent_dropout": 0.0, **tables.pop("model", {})}
    training = {"epochs": 2, "batch_size": 3, **tables.pop("training", {})}
    return make_settings("music", {"model": model, "training": training, **tables})


def music(folder, **tables):
    task = build_task("music", Dataset(folder), settings(**tables))
    task.model.eval()
    return task


def roll(piece, lowest=21, num_notes=88):
    rows = np.zeros((len(piece), num_notes))
    for step, notes in enumerate(piece):
        rows[step, [note - lowest for note in notes]] = 1
    return rows


def plain_odds(task, piece):
    """The probability of each note after each step, step by step, of a piece alone."""
    state, rows = None, []
    [cell] = task.model.network.forward_cells
    for step in torch.from_numpy(roll(piece)).float():
        output, state = dynamic_rnn(cell, step[None, None], initial_state=state, engine="eager")
        scores = output[0, 0].detach() @ task.model.head.weight.T + task.model.head.bias
        rows.append(1 / (1 + np.exp(-scores.detach().double().numpy())))
    return np.array(rows)


def plain_losses(task, piece):
    """The loss of every step but the first."""
    odds, target = plain_odds(task, piece), roll(piece)
    right = [
        np.where(is_on, given, 1 - given)
        for given, is_on in zip(odds[:-1], target[1:], strict=True)
    ]
    return [-np.log(step).sum() for step in right]


def test_the_loss_is_that_of_all_notes_over_all_steps_but_the_first(folder):
    task = music(folder)
    losses = [loss for piece in SCALE if len(piece) > 1 for loss in plain_losses(task, piece)]
    assert len(losses) == 12

    tally = evaluate(task, Dataset(folder), "valid")
    assert tally.total == tally.live == task.num_steps(Dataset(folder), "valid") == 12
    assert tally.loss == pytest.approx(np.mean(losses), rel=1e-5)

    found = evaluate_split(task, Dataset(folder), "test")
    assert found.value(task.metrics[0]) == pytest.approx(np.mean(losses), rel=1e-5)
    assert sorted(found.lengths.tolist()) == [0, 0, 1, 11]
    by_piece = dict(zip(found.lengths.tolist(), found.sums["loss"][0].tolist(), strict=True))
    assert by_piece[11] == pytest.approx(sum(plain_losses(task, SCALE[0])), rel=1e-5)


def test_the_first_model_knows_how_often_each_note_sounds(folder):
    task = music(folder)
    with torch.no_grad():
        task.model.head.weight.zero_()
    steps = np.concatenate([roll(piece) for piece in SCALE])
    shares = (steps.sum(0) + 0.5) / (len(steps) + 1)
    np.testing.assert_allclose(plain_odds(task, SCALE[0]), [shares] * 12, rtol=1e-5)


def test_the_accuracy_is_that_of_frames(folder):
    task = music(folder)
    with torch.no_grad():
        task.model.head.weight.zero_()
        task.model.head.bias.fill_(-1)
        task.model.head.bias[[60 - 21, 64 - 21]] = 1
    said = {60, 64}
    targets = [set(notes) for piece in SCALE for notes in piece[1:]]
    hits = sum(len(said & notes) for notes in targets)
    named = sum(len(said | notes) for notes in targets)
    metric = task.metrics[1]
    assert evaluate(task, Dataset(folder), "valid").value(metric) == pytest.approx(hits / named)
    assert evaluate_split(task, Dataset(folder), "test").value(metric) == pytest.approx(
        hits / named
    )


def test_rows_of_0_and_1_are_the_same_music(folder, tmp_path):
    for split in ("train", "valid"):
        rows = [roll(piece).astype(np.int64).tolist() for piece in SCALE]
        write_split(tmp_path / "rolls", split, rows, name="roll")
        floats = [roll(piece).astype(np.float32) for piece in SCALE[:3]]
        write_split(tmp_path / "floats", split, floats, name="roll")
    losses = [
        evaluate(music(path), Dataset(path), "valid").loss
        for path in (folder, tmp_path / "rolls", tmp_path / "floats")
    ]
    assert losses[0] == losses[1] == losses[2]


def frequency_loss(pieces):
    """What the loss is if nothing is known but how often each note sounds."""
    steps = np.concatenate([roll(piece)[1:] for piece in pieces])
    shares = steps.mean(0)[steps.any(0)]
    return -(shares * np.log(shares) + (1 - shares) * np.log(1 - shares)).sum()


def test_it_learns(folder, tmp_path):
    run = tmp_path / "run"
    training = {"epochs": 25, "learning_rate": 0.04, "batch_size": 1}
    chosen = settings(model={"units": 16}, training=training)
    train("music", folder, run, chosen, observer=Observers())
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["valid_loss"] < 0.7 * frequency_loss(SCALE) < rows[0]["train_loss"]
    stored, data = load_task(RunFolder.open(run)), Dataset(folder)
    assert evaluate(stored, data, "valid").loss == min(row["valid_loss"] for row in rows)


def test_predictions_are_the_notes_that_are_likelier_than_not(folder):
    task = music(folder)
    with torch.no_grad():
        task.model.head.bias.zero_()
    long, empty, one = task.predict([{"notes": SCALE[0]}, {"notes": []}, {"notes": [[60]]}])
    likely = plain_odds(task, SCALE[0]) > 0.5
    assert likely.any()
    assert not likely.all()
    assert long["notes"] == [(21 + np.flatnonzero(step)).tolist() for step in likely]
    assert long["loss"] == pytest.approx(np.mean(plain_losses(task, SCALE[0])), rel=1e-4)
    assert empty == {"notes": [], "loss": None}
    assert (len(one["notes"]), one["loss"]) == (1, None)
    assert task.predict([]) == []


@pytest.mark.parametrize("chunk", [None, 2])
def test_resuming_within_an_epoch_gives_the_same_weights(folder, tmp_path, chunk):
    class Stop(Observers):
        def batch_done(self, tally, *, step, learning_rate, waiting):
            if step == 3:
                raise KeyboardInterrupt

    chosen = settings(
        model={"dropout": 0.4, "recurrent_dropout": 0.3},
        training={"epochs": 3, "batch_size": 2, "save_steps": 1},
        task={"chunk": chunk},
    )
    weights = []
    for name in ("whole", "stopped"):
        run = tmp_path / name
        if name == "whole":
            train("music", folder, run, chosen, observer=Observers())
        else:
            with pytest.raises(KeyboardInterrupt):
                train("music", folder, run, chosen, observer=Stop())
            resume(run, observer=Observers())
        weights.append((run / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_chunks_with_the_state_carried_on_are_as_whole_pieces(folder, cell):
    task = music(
        folder, model={"cell": cell, "layers": 2}, training={"batch_size": 1}, task={"chunk": 2}
    )
    carried, loss, total = None, 0.0, 0
    for batch in task.batches(Dataset(folder), "train", epoch=1):
        score = task.score(batch, carried)
        carried = score.carried
        assert score.total <= 2
        loss += float(score.loss.detach())
        total += score.total
    whole = evaluate(task, Dataset(folder), "valid")  # of the same pieces
    assert loss == pytest.approx(whole.loss_sum, rel=1e-5)
    assert total == whole.total == task.num_steps(Dataset(folder), "train")


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_every_cell_scores_a_batch(folder, cell):
    task = music(folder, model={"cell": cell, "units": 4})
    batch = next(iter(task.batches(Dataset(folder), "train", epoch=1)))
    score = task.score(batch)
    score.loss.backward()
    assert math.isfinite(float(score.loss.detach()))
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in task.model.parameters())


def test_notes_that_cannot_be(tmp_path):
    write_split(tmp_path / "data", "train", [*SCALE, [[60], [20]]])
    write_split(tmp_path / "data", "valid", SCALE)
    message = r"from 21 to 108, found 20 in step 1\n  at .*: notes\n.*--lowest"
    with pytest.raises(FeatureError, match=message):
        music(tmp_path / "data")


def test_numbers_that_are_no_notes(tmp_path):
    write_split(tmp_path / "data", "train", [[[0.5], [1.5, 2.5]]])
    write_split(tmp_path / "data", "valid", SCALE)
    with pytest.raises(ConfigError, match="'notes': expected lists of notes, which are integers"):
        music(tmp_path / "data")


def test_rows_that_cannot_be(tmp_path):
    for split in ("train", "valid"):
        write_split(tmp_path / "data", split, [[[0, 1, 0]] * 2])
    task = music(tmp_path / "data")
    with pytest.raises(FeatureError, match=r"expected 0 or 1, found 2 in step 1, column 2"):
        task.predict([{"notes": [[0, 1, 0], [0, 1, 2]]}])
    with pytest.raises(FeatureError, match="expected rows of 3 numbers, found shape"):
        task.predict([{"notes": [[0, 1]]}])
    with pytest.raises(FeatureError, match="expected rows of 0 and 1"):
        task.predict([{"notes": [[0, 1, 0], [0]]}])


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        (3, "expected a list of steps, found 3"),
        ([60], "expected a list of notes, which are integers, found 60 in step 0"),
        ([[60], ["c"]], r"found \['c'\] in step 1"),
        ([[True]], r"found \[True\] in step 0"),
        ([[10**30]], "more than 64 bits"),
        ([[109]], "found 109 in step 0"),
    ],
)
def test_predictions_of_what_is_no_music(folder, notes, message):
    with pytest.raises(FeatureError, match=message) as error:
        music(folder).predict([{"notes": [[60]]}, {"notes": notes}])
    assert error.value.at == "example 1: notes"


def test_a_prediction_without_the_feature(folder):
    with pytest.raises(FeatureError, match=r"no feature 'notes'\n  at example 0\n.*'note'"):
        music(folder).predict([{"note": [[60]]}])


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"model": {"bidirectional": True}}, "bidirectional: a model that reads backwards"),
        ({"data": {"inputs": ("notes",)}}, "inputs: music is one feature"),
        ({"data": {"target": "note"}}, "(?s)no feature list 'note'.*'notes'"),
        ({"task": {"lowest": 60, "highest": 40}}, "expected a range, found 60 to 40"),
    ],
)
def test_settings_that_cannot_be(folder, tables, message):
    with pytest.raises(ConfigError, match=message):
        music(folder, **tables)


@pytest.mark.parametrize("pieces", [[[]], [[[60]]]])
def test_a_split_without_a_step_to_score(tmp_path, pieces):
    write_split(tmp_path / "data", "train", SCALE)
    write_split(tmp_path / "data", "valid", pieces)
    with pytest.raises(ConfigError, match="split 'valid' has no steps"):
        music(tmp_path / "data")


def test_other_notes_than_those_of_a_piano(tmp_path):
    for split in ("train", "valid"):
        write_split(tmp_path / "data", split, [[[0, 127], [5]]])
    task = music(tmp_path / "data", task={"lowest": 0, "highest": 127})
    assert task.describe() == "notes: 128 notes from 0 on"
    assert evaluate(task, Dataset(tmp_path / "data"), "valid").total == 1


@pytest.mark.parametrize("cell", ["layer_norm_gru", "layer_norm_rnn", "layer_norm_lstm"])
def test_layer_normalisation_learns_pieces_that_begin_with_silence(tmp_path, cell):
    for split in ("train", "valid"):
        write_split(tmp_path / "data", split, [[[]] * 30 + piece for piece in SCALE])
    folder, run, chosen = tmp_path / "data", tmp_path / "run", settings(model={"cell": cell})
    if cell == "layer_norm_lstm":  # as TensorFlow has it
        with pytest.raises(ConfigError, match=r"begins with several .* that of layer_norm_gru"):
            train("music", folder, run, chosen, observer=Observers())
        end = resume(run, observer=Observers(), on_nonfinite="skip")
        assert end.skipped == end.step > 0
    else:
        train("music", folder, run, chosen, observer=Observers())
        task = load_task(RunFolder.open(run))
        assert all(weights.isfinite().all() for weights in task.model.parameters())
