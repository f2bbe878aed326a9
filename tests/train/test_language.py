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
from varlen.train.tasks import SamplingSettings, draw_samples

TEXTS = ["abcab\nabcabcé", "", "c", "bca" * 7]


def write_split(folder, split, values, name="text"):
    """A text is in the context, anything else in a feature list."""
    folder.mkdir(exist_ok=True)
    with RecordWriter(folder / f"{split}-00000-of-00001.tfrecord") as writer:
        for value in values:
            is_text = isinstance(value, str)
            writer.write(sequence_example(*({name: value}, {}) if is_text else ({}, {name: value})))


@pytest.fixture
def folder(tmp_path):
    write_split(tmp_path / "data", "train", TEXTS)
    write_split(tmp_path / "data", "valid", [*TEXTS, "abxcz"])
    return tmp_path / "data"


def settings(**tables):
    model = {"units": 5, "dropout": 0.0, **tables.pop("model", {})}
    training = {"epochs": 2, "batch_size": 2, **tables.pop("training", {})}
    return make_settings("lm", {"model": model, "training": training, **tables})


def language(folder, **tables):
    task = build_task("lm", Dataset(folder), settings(**tables))
    task.model.eval()
    return task


def plain_odds(task, tokens):
    """The probabilities after each token, and before the first, token by token."""
    vocabulary = {token: n for n, token in enumerate(task.encoder.vocabulary.tokens, 1)}
    cells = list(task.model.network.forward_cells)
    states, rows = [None] * len(cells), []
    for number in [len(vocabulary) + 1, *(vocabulary.get(str(token), 0) for token in tokens)]:
        step = task.model.embedding.embedding.weight[number].detach()[None, None]
        for i, cell in enumerate(cells):
            step, states[i] = dynamic_rnn(cell, step, initial_state=states[i], engine="eager")
        scores = step[0, 0].detach() @ task.model.head.weight.T + task.model.head.bias
        odds = np.exp(scores.detach().double().numpy())
        rows.append(odds / odds.sum())
    return np.array(rows)


def plain_losses(task, tokens):
    """The loss of each token, and of the end."""
    vocabulary = {token: n for n, token in enumerate(task.encoder.vocabulary.tokens, 1)}
    targets = [*(vocabulary.get(str(token), 0) for token in tokens), len(vocabulary) + 1]
    return -np.log(plain_odds(task, tokens)[range(len(targets)), targets])


def test_the_loss_is_that_of_all_tokens_and_ends(folder):
    task = language(folder, model={"layers": 2})
    losses = [plain_losses(task, text) for text in [*TEXTS, "abxcz"]]
    mean, total = np.mean(np.concatenate(losses)), sum(map(len, losses))
    assert total == 14 + 1 + 2 + 22 + 6

    tally = evaluate(task, Dataset(folder), "valid")
    assert tally.total == tally.live == task.num_steps(Dataset(folder), "valid") == total
    found = evaluate_split(task, Dataset(folder), "valid")
    for value in (tally.value, found.value):
        loss, perplexity, bits = map(value, task.metrics)
        assert loss == pytest.approx(mean, rel=1e-5)
        assert perplexity == pytest.approx(math.exp(mean), rel=1e-5)
        assert bits == pytest.approx(mean / math.log(2), rel=1e-5)
    assert sorted(found.lengths.tolist()) == [1, 2, 6, 14, 22]
    assert sorted(found.sums["loss"][0]) == pytest.approx(sorted(map(sum, losses)), rel=1e-5)


def test_long_sequences_are_scored_part_by_part(folder, monkeypatch):
    task = language(folder, model={"layers": 2, "cell": "gru"})
    whole = evaluate(task, Dataset(folder), "valid").loss
    monkeypatch.setattr("varlen.train.tasks._language_model._MOST_STEPS", 8)
    assert evaluate(task, Dataset(folder), "valid").loss == pytest.approx(whole, rel=1e-6)


def streamed(task, data, *, rank=0, num_ranks=1):
    """The scores of a training pass, with the state carried on."""
    carried, scores = None, []
    for batch in task.batches(data, "train", epoch=1).for_rank(rank, num_ranks):
        scores.append(task.score(batch, carried))
        carried = scores[-1].carried
    return scores


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_stream_has_the_loss_of_whole_sequences(folder, cell):
    """One row reads all sequences to their ends; in chunks, it is as if they were whole."""
    model = {"cell": cell, "units": 4, "layers": 2}
    task = language(folder, model=model, training={"batch_size": 1}, task={"chunk": 3})
    scores = streamed(task, Dataset(folder))
    assert len(scores) > 10
    write_split(folder, "test", TEXTS)
    whole = evaluate(task, Dataset(folder), "test")
    assert sum(float(score.loss.detach()) for score in scores) == pytest.approx(
        whole.loss_sum, rel=1e-5
    )
    assert sum(score.total for score in scores) == whole.total


def test_ranks_share_the_rows_of_a_stream(folder):
    task = language(folder, training={"batch_size": 3}, task={"chunk": 4})
    [whole, *shares] = [
        streamed(task, Dataset(folder), rank=rank, num_ranks=num_ranks)
        for rank, num_ranks in ((0, 1), (0, 2), (1, 2))
    ]
    for one, *parts in zip(whole, *shares, strict=True):
        assert sum(part.total for part in parts) == one.total
        loss = sum(float(part.loss.detach()) for part in parts)
        assert loss == pytest.approx(float(one.loss.detach()), rel=1e-5)


def test_gradients_end_with_the_chunk(folder):
    task = language(folder, training={"batch_size": 1}, task={"chunk": 3})
    scores = streamed(task, Dataset(folder))
    assert all(not leaf.requires_grad for score in scores for leaf in score.carried.values())


def test_rows_share_one_text(tmp_path):
    text = "abcdefghij" * 20
    write_split(tmp_path / "data", "train", [text])
    write_split(tmp_path / "data", "valid", ["a"])
    task = language(tmp_path / "data", training={"batch_size": 4}, task={"chunk": 10})
    batches = list(task.batches(Dataset(tmp_path / "data"), "train", epoch=1))
    # 201 steps with the end, 51 for each of three rows and 48 for the last.
    assert [batch["tokens"].lengths.tolist() for batch in batches] == [
        *[[10] * 4] * 4,
        [10, 10, 10, 8],
        [1, 1, 1, 0],
    ]
    parts = [b["tokens"].values.split(b["tokens"].lengths.tolist()) for b in batches]
    rows = [torch.cat(of_row) for of_row in zip(*parts, strict=True)]
    names = ["", *task.encoder.vocabulary.tokens, "|"]
    assert "".join(names[n] for row in rows for n in row.tolist()) == "|" + text


def test_a_long_text_is_begun_again_and_again(tmp_path):
    """A model that begins once an epoch does not learn how to."""
    write_split(tmp_path / "data", "train", ["ab" * 200])
    write_split(tmp_path / "data", "valid", ["a"])
    task = language(tmp_path / "data", training={"batch_size": 1}, task={"chunk": 2})
    batches = list(task.batches(Dataset(tmp_path / "data"), "train", epoch=1))
    begins = [i for i, batch in enumerate(batches) if batch["is_first"].any()]
    assert begins == [0, 64, 128, 192]
    assert sum(int(batch["tokens"].lengths.sum()) for batch in batches) == 401


def test_a_batch_without_rows_has_no_loss(folder):
    """As a rank may get, where there are more ranks than rows."""
    task = language(folder)
    for split in ("train", "valid"):
        batch = next(iter(task.batches(Dataset(folder), split, epoch=1)))
        empty = {
            name: value[:0]
            if torch.is_tensor(value)
            else type(value)(value.values[:0], value.lengths[:0])
            for name, value in batch.items()
        }
        score = task.score(empty)
        assert (float(score.loss.detach()), score.total, score.padded) == (0, 0, 0)


def test_resuming_within_an_epoch_carries_the_state_on(tmp_path):
    write_split(tmp_path / "data", "train", ["abcabcabacbbcab" * 6, "cab"])
    write_split(tmp_path / "data", "valid", ["abc"])
    chosen = settings(
        model={"dropout": 0.3, "layers": 2},
        training={"batch_size": 3, "save_steps": 1, "learning_rate": 0.05},
        task={"chunk": 4},
    )

    class Stop(Observers):
        def batch_done(self, tally, *, step, learning_rate, waiting):
            if step == 5:
                raise KeyboardInterrupt

    train("lm", tmp_path / "data", tmp_path / "whole", chosen, observer=Observers())
    with pytest.raises(KeyboardInterrupt):
        train("lm", tmp_path / "data", tmp_path / "stopped", chosen, observer=Stop())
    resume(tmp_path / "stopped", observer=Observers())
    whole, stopped = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "stopped")
    )
    assert whole == stopped


@pytest.mark.parametrize(
    ("values", "name", "unit"),
    [([["a", "b", "a"], ["b"], []], "words", "word"), ([[7, -7, 7], [10**12], []], "ids", "id")],
)
def test_words_and_ids(tmp_path, values, name, unit):
    for split in ("train", "valid"):
        write_split(tmp_path / "data", split, values, name)
    task = language(tmp_path / "data")
    assert task.encoder.unit == unit
    losses = np.concatenate([plain_losses(task, row) for row in values])
    assert evaluate(task, Dataset(tmp_path / "data"), "valid").loss == pytest.approx(
        losses.mean(), rel=1e-5
    )
    [found] = task.predict([{name: values[0]}])
    assert found["loss"] == pytest.approx(plain_losses(task, values[0]).mean(), rel=1e-4)


def test_rare_tokens_are_unknown(tmp_path):
    for split in ("train", "valid"):
        write_split(tmp_path / "data", split, [["a", "b", "a", "c", "c"]], "words")
    task = language(tmp_path / "data", task={"min_count": 2})
    assert task.describe() == "words: 2 words"
    assert task.encoder.encode(["a", "b", "c"]).tolist() == [1, 0, 2]


def test_predictions(folder):
    task = language(folder)
    found = task.predict([{"text": text} for text in ("abc", "", "xyz")])
    for text, answer in zip(("abc", "", "xyz"), found, strict=True):
        loss = plain_losses(task, text).mean()
        assert answer == pytest.approx({"loss": loss, "perplexity": math.exp(loss)}, rel=1e-4)
    assert task.predict([]) == []
    assert task.text_example("some text") == {"text": "some text"}


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ({"words": "abc"}, r"no feature 'text'\n  at example 1\n.*'words'"),
        ({"text": ["a"]}, r"expected text, found \['a'\]\n  at example 1: text"),
        ({"text": "\ud800"}, "expected text: .*surrogates"),
        ({"text": b"\xff"}, "expected UTF-8 text"),
    ],
)
def test_predictions_of_what_is_no_text(folder, example, message):
    with pytest.raises(FeatureError, match=message):
        language(folder).predict([{"text": "a"}, example])


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"model": {"bidirectional": True}}, "bidirectional: a model that reads backwards"),
        ({"data": {"inputs": ("text",)}}, "inputs: language is one feature"),
        ({"data": {"target": "txt"}}, "no feature list 'txt'"),
        ({"task": {"chunk": 0}}, "chunk: expected at least 1"),
    ],
)
def test_settings_that_cannot_be(folder, tables, message):
    with pytest.raises(ConfigError, match=message):
        language(folder, **tables)


@pytest.mark.parametrize(
    ("split", "values", "message"),
    [
        ("valid", ["", ""], "split 'valid' has no characters"),
        ("train", [""], "split 'train' has no characters"),
        ("train", [[0.5, 1.5]], "expected a text, or a list with one word or id per step"),
        ("train", [[[1, 2], [3, 4]]], "expected a text, or a list with one word or id per step"),
    ],
)
def test_data_that_cannot_be(folder, split, values, message):
    write_split(folder, split, values)
    with pytest.raises(ConfigError, match=message):
        language(folder)


def test_of_several_texts_one_is_to_be_named(tmp_path):
    (tmp_path / "data").mkdir()
    for split in ("train", "valid"):
        with RecordWriter(tmp_path / "data" / f"{split}.tfrecord") as writer:
            writer.write(sequence_example({"title": "ab", "body": "cde"}))
    with pytest.raises(ConfigError, match="target: expected a feature list, found none"):
        language(tmp_path / "data")
    assert language(tmp_path / "data", data={"target": "body"}).describe() == "body: 3 characters"


def samples(task, prompt="", **chosen):
    chosen = SamplingSettings(**{"num": 1, "length": 20, "seed": 1, **chosen})
    return list(zip(*draw_samples(task, prompt, chosen), strict=True))


def test_samples_go_on_as_was_learned(tmp_path):
    for split in ("train", "valid"):
        write_split(tmp_path / "data", split, ["abcd" * 50])
    chosen = settings(
        model={"units": 16},
        training={"epochs": 12, "batch_size": 1, "learning_rate": 0.05},
        task={"chunk": 20},
    )
    train("lm", tmp_path / "data", tmp_path / "run", chosen, observer=Observers())
    task = load_task(RunFolder.open(tmp_path / "run"))
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(rows[-1])["valid_bits"] < 0.5 < 2 < json.loads(rows[0])["train_bits"]
    [row] = samples(task, "abcda", temperature=0.0)
    assert "".join(row) == "bcda" * 5
    assert samples(task, "abcda", top_k=1) == [row]


def test_samples_are_drawn_by_their_odds(folder):
    task = language(folder)
    odds = plain_odds(task, "ab")[-1]
    odds[0] = 0
    for temperature, top_k in ((1.0, None), (0.5, None), (2.0, 3)):
        expected = odds ** (1 / temperature)
        if top_k is not None:
            expected[expected < np.sort(expected)[-top_k]] = 0
        expected /= expected.sum()
        drawn = samples(
            task, "ab", num=4000, length=1, temperature=temperature, top_k=top_k, seed=5
        )
        tokens = ["?", *task.encoder.vocabulary.tokens, None]
        found = np.array([sum(row == (token,) for row in drawn) for token in tokens]) / 4000
        # Four standard deviations of a share of 4,000.
        assert np.abs(found - expected).max() < 4 * 0.5 / math.sqrt(4000)
        assert (found[expected == 0] == 0).all()


def test_samples_end_and_are_the_same_for_the_same_seed(folder):
    task = language(folder)
    with torch.no_grad():
        task.model.head.bias[-1] = 1.0  # ends are likely
    first, again, other = (
        samples(task, num=5, length=50, seed=seed, prompt="a") for seed in (1, 1, 2)
    )
    assert first == again != other
    for row in first:
        ended = [token is None for token in row]
        assert ended == sorted(ended)
    with torch.no_grad():
        task.model.head.bias[-1] = 1e4
    assert samples(task, num=3) == []


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"num": 0}, "num: expected at least 1"),
        ({"length": 0}, "length: expected at least 1"),
        ({"temperature": -0.1}, "temperature: expected at least 0"),
        ({"temperature": float("nan")}, "temperature: expected at least 0"),
        ({"top_k": 0}, "top_k: expected at least 1"),
        ({"seed": -1}, "seed: expected at least 0"),
    ],
)
def test_samples_that_cannot_be(chosen, message):
    with pytest.raises(ConfigError, match=message):
        SamplingSettings(**chosen)
