"""A batch without rows: what a process has of a batch that is too small for all of them."""

import pytest
import torch

from varlen import RecordWriter, sequence_example
from varlen.sequences import JaggedSequence
from varlen.train import TASKS, Dataset, build_task, make_settings

ROWS = [
    {"words": words, "tags": words, "notes": [[60]] * n, "values": [[0.5, 1.5]] * n}
    for words in (["a", "b", "a"], ["b", "a"], ["a"])
    for n in [len(words)]
]
CASES = [
    ("tag", {"loss": "softmax"}, ("words",), "tags"),
    ("tag", {"loss": "crf"}, ("words",), "tags"),
    ("classify", {"pooling": "both"}, ("words",), "label"),
    ("music", {}, (), "notes"),
    ("forecast", {}, (), "values"),
    ("regress", {"pooling": "both"}, ("values",), "label"),
]


@pytest.fixture
def folder(tmp_path):
    for split in ("train", "valid"):
        with RecordWriter(tmp_path / f"{split}.tfrecord") as writer:
            for number, row in enumerate(ROWS):
                writer.write(sequence_example({"label": number}, row))
    return tmp_path


def without_rows(value):
    if isinstance(value, JaggedSequence):
        return JaggedSequence(value.values[:0], value.lengths[:0])
    return value[:0]


def test_every_task_is_here():
    # That of language has batches of its own, whose rows are streams.
    assert {name for name, *_ in CASES} | {"lm"} == set(TASKS)


@pytest.mark.parametrize(("name", "options", "inputs", "target"), CASES)
def test_it_adds_nothing(name, options, inputs, target, folder):
    tables = {"task": options, "data": {"inputs": inputs, "target": target}}
    settings = make_settings(name, {"model": {"units": 3}, **tables})
    task = build_task(name, Dataset(folder), settings)
    batch = next(iter(task.batches(Dataset(folder), "train", epoch=1)))
    empty = {key: without_rows(value) for key, value in batch.items()}
    score = task.score(empty)
    assert (float(score.loss.detach()), score.total, score.live, score.padded) == (0, 0, 0, 0)
    assert all(float(part) == float(whole) == 0 for part, whole in score.metrics.values())
    score.loss.backward()
    gradients = [p.grad for p in task.model.parameters() if p.grad is not None]
    assert all(not gradient.any() for gradient in gradients)
    with torch.inference_mode():
        examined = task.examine(empty)
    assert examined.loss.shape == examined.total.shape == examined.lengths.shape == (0,)
