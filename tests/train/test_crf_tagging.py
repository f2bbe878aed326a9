import itertools

import pytest
import torch
from torch.testing import assert_close

from varlen import ConfigError, RecordWriter, sequence_example
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

SENTENCES = [
    (["a", "b", "c", "a"], ["X", "Y", "Z", "X"]),
    ([], []),
    (["b"], ["Y"]),
    (["c", "a", "a"], ["Z", "X", "Y"]),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    for split in ("train", "valid", "test"):
        with RecordWriter(tmp_path / "data" / f"{split}.tfrecord") as writer:
            for words, tags in SENTENCES:
                writer.write(sequence_example(sequences={"words": words, "tags": tags}))
    return tmp_path / "data"


def settings(loss="crf", **training):
    model = {"units": 4, "dropout": 0.0}
    training = {"batch_size": 2, **training}
    return make_settings("tag", {"model": model, "training": training, "task": {"loss": loss}})


def crf_tagger(folder):
    """A tagger whose transitions are not 0."""
    task = build_task("tag", Dataset(folder), settings())
    with torch.no_grad():
        for parameter in task.model.decisions.parameters():
            torch.nn.init.normal_(parameter, std=2.0)
    task.model.eval()
    return task


def of_all_paths(task, words):
    """The probability of each path of labels of a sentence, by its plain definition."""
    if not words:
        return {(): torch.tensor(1.0)}
    [row] = [task.inputs.encode({"words": words})["words"]]
    batch = {"words": type(row)(torch.from_numpy(row.values), torch.tensor([len(words)]))}
    scores, crf = task.model(batch).detach(), task.model.decisions.crf
    found = {}
    for path in itertools.product(range(len(task.labels)), repeat=len(words)):
        total = crf.start[path[0]] + crf.end[path[-1]]
        total = total + sum(scores[t, c] for t, c in enumerate(path))
        found[path] = total + sum(crf.transitions[a, b] for a, b in itertools.pairwise(path))
    shares = torch.stack(list(found.values())).detach().double().softmax(0)
    return dict(zip(found, shares, strict=True))


def likeliest(task, words):
    paths = of_all_paths(task, words)
    return max(paths, key=lambda path: paths[path])


def test_losses_and_decisions_are_those_of_whole_paths(folder):
    task = crf_tagger(folder)
    losses, rights = [], 0
    for words, tags in SENTENCES:
        path = tuple(task.labels.encode(tags).tolist())
        losses.append(-float(of_all_paths(task, words)[path].log()))
        rights += sum(a == b for a, b in zip(likeliest(task, words), path, strict=True))

    tally = evaluate(task, Dataset(folder), "valid")
    assert tally.total == 8
    assert tally.loss_sum == pytest.approx(sum(losses), rel=1e-5)
    assert tally.metrics["accuracy"] == (rights, 8)

    found = evaluate_split(task, Dataset(folder), "test")
    by_length = dict(zip(found.lengths.tolist(), found.sums["loss"][0].tolist(), strict=True))
    assert by_length[0] == 0
    assert by_length[4] == pytest.approx(losses[0], rel=1e-5)
    assert found.value(task.metrics[0]) == pytest.approx(rights / 8)


def test_predictions_are_the_likeliest_paths_whatever_the_others(folder):
    task = crf_tagger(folder)
    examples = [{"words": words} for words, _ in SENTENCES] + [{"words": ["new", "a", "b", "c"]}]
    found = [answer["tags"] for answer in task.predict(examples)]
    assert found == [task.labels.decode(likeliest(task, e["words"])) for e in examples]
    assert found == [task.predict([example])[0]["tags"] for example in examples]
    with torch.no_grad():
        task.model.decisions.crf.transitions.fill_(-1e4).fill_diagonal_(0)
    assert all(len(set(answer["tags"])) <= 1 for answer in task.predict(examples))


def test_the_confidence_is_the_share_of_all_paths_with_the_label(folder):
    task = crf_tagger(folder)
    by_length = {len(words): words for words, _ in SENTENCES}
    for batch in task.batches(Dataset(folder), "test", epoch=0):
        examined = task.examine(batch)
        lengths = examined.lengths.tolist()
        for row, length in zip(examined.confidence.detach().split(lengths), lengths, strict=True):
            words = by_length[length]
            paths, best = of_all_paths(task, words), likeliest(task, words)
            expected = [
                sum(share for path, share in paths.items() if path[t] == best[t])
                for t in range(length)
            ]
            expected = torch.tensor(expected).double()
            assert_close(row.double(), expected, atol=1e-6, rtol=1e-5)


def test_it_learns_and_is_stored_with_its_run(folder, tmp_path):
    run = tmp_path / "run"
    chosen = settings(epochs=12, learning_rate=0.1)
    train("tag", folder, run, chosen, observer=Observers())
    task = load_task(RunFolder.open(run))
    assert task.settings.task.loss == "crf"
    assert task.model.decisions.crf.transitions.abs().max() > 0.1
    assert evaluate(task, Dataset(folder), "valid").value(task.metrics[0]) == 1.0


def test_without_transitions_it_is_a_softmax(folder):
    losses = []
    for loss in ("crf", "softmax"):
        task = build_task("tag", Dataset(folder), settings(loss))
        losses.append(evaluate(task, Dataset(folder), "valid").loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_a_batch_of_empty_sentences(folder):
    task = crf_tagger(folder)
    assert task.predict([{"words": []}] * 2) == [{"tags": []}] * 2


def test_a_loss_that_is_not_there():
    with pytest.raises(ConfigError, match=r"loss: no 'cfr'(.|\n)*'crf'"):
        settings("cfr")
