"""What can be wrong with the data of a training, before it and during it."""

import shutil

import pytest
from safetensors.torch import load_file

from varlen import CorruptRecordError, RecordWriter, sequence_example
from varlen.train import Observers, RunFolder, load_task, make_settings, resume, train


def tagged(words, tags):
    return {}, {"words": words, "tags": tags}


GOOD = [tagged(["a", "b"], ["X", "Y"])] * 20


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def write(folder, split, examples):
    folder.mkdir(exist_ok=True)
    with RecordWriter(folder / f"{split}.tfrecord") as writer:
        for context, lists in examples:
            writer.write(sequence_example(context, lists))


@pytest.fixture
def train_tagger(folder, tmp_path, varlen):
    def run(*options):
        arguments = ["--run", tmp_path / "run", "--units", 2, "--epochs", 1, *options]
        return varlen("train", "tag", folder, *arguments)

    return run


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"valid": GOOD}, r"no files train-\*.*\n(.|\n)*of splits, there are: 'valid'"),
        ({"train": [], "valid": GOOD}, "split 'train' has no records"),
        ({"train": GOOD, "valid": []}, "split 'valid' has no steps"),
        ({"train": GOOD[:1]}, "split 'valid' has no steps\n(.|\n)*a larger --valid-share"),
        ({"train": [tagged([], [])] * 9, "valid": GOOD}, "'words': .*found no values"),
        (
            {"train": [*GOOD, ({}, {"words": ["a"]})], "valid": GOOD},
            r"no feature list named 'tags'\n  at .*train.tfrecord @ byte \d+\n.*: 'words'",
        ),
        (
            {"train": [*GOOD, ({}, {"tags": ["X"]})], "valid": GOOD},
            r"no feature list named 'words'\n  at .*train.tfrecord @ byte \d+\n.*: 'tags'",
        ),
        (
            {"train": GOOD, "valid": [*GOOD, ({}, {"tags": ["X"]})]},
            r"no feature list named 'words'\n  at .*valid.tfrecord @ byte \d+",
        ),
        (
            {"train": GOOD, "valid": [tagged(["a"], ["XX"])]},
            r"label 'XX' was not in the training split\n  at .*valid.tfrecord @ byte 0",
        ),
    ],
)
def test_splits_that_cannot_be_learned_from(train_tagger, folder, tmp_path, splits, message):
    for split, examples in splits.items():
        write(folder, split, examples)
    train_tagger().assert_error(message)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (
            ({}, {"x": [1.0]}),
            r"no context feature named 'label'\n  at .*byte \d+\n.*there are none",
        ),
        (({"label": [1, 0]}, {"x": [1.0]}), "expected 1 int64, found 2\n.*context.label"),
        (({"label": 1}, {"x": [float("nan")]}), r"found nan in step 0, dimension 0\n.*byte \d+: x"),
        (({"label": 1}, {"x": [[1.0, 2.0]]}), "input 'x': .*found steps of 1 to 2 values"),
    ],
)
def test_examples_that_cannot_be_classified(folder, tmp_path, varlen, example, message):
    good = [({"label": i % 2}, {"x": [float(i)]}) for i in range(9)]
    write(folder, "train", [*good, example])
    write(folder, "valid", good)
    varlen("train", "classify", folder, "--run", tmp_path / "run").assert_error(message)


def test_sequences_without_steps_and_classes_that_never_occur(
    train_tagger, folder, tmp_path, varlen
):
    write(folder, "train", [*GOOD, tagged([], []), tagged(["c"], ["Z"])])
    write(folder, "valid", [tagged([], []), *GOOD, tagged([], [])])
    assert train_tagger().status == 0
    outcome = varlen("evaluate", tmp_path / "run", "--split", "valid")
    assert outcome.status == 0
    assert "of 40 steps" in outcome.out
    rows = {line.split()[0]: line.split()[-1] for line in outcome.out.splitlines()[1:4]}
    assert rows.keys() >= {"X", "Y"}
    assert rows.get("Z", "0") == "0"  # there only if it was given to something


def test_dropout_and_noise_that_would_do_nothing(train_tagger, folder):
    write(folder, "train", GOOD)
    write(folder, "valid", GOOD)
    train_tagger("--noise", 0.1).assert_error("noise: no input has numbers .*; words: 2 words")
    train_tagger("--recurrent-dropout", 0.1, "--cell", "ind_rnn").assert_error(
        "recurrent_dropout: the cell 'ind_rnn' has no candidate"
    )


@pytest.mark.parametrize("task", ["tag", "classify"])
def test_a_label_of_which_all_are_held_out(task, folder, tmp_path, varlen):
    # Each is once: some of them are held out, wherever that is.
    examples = [
        ({"label": f"L{i}"}, {"words": ["a", "b"], "tags": [f"L{i}", f"L{i}"]}) for i in range(40)
    ]
    write(folder, "train", examples)
    run = tmp_path / "run"
    arguments = ["--run", run, "--units", 2, "--epochs", 1, "--valid-share", 0.5]
    assert varlen("train", task, folder, *arguments).status == 0
    assert len(load_task(RunFolder.open(run)).class_names()) == 40


def test_one_class_is_enough(train_tagger, folder):
    write(folder, "train", [tagged(["a", "b"], ["X", "X"])] * 9)
    write(folder, "valid", [tagged(["a"], ["X"])])
    assert "accuracy 100.00 %" in train_tagger().out


def test_a_model_larger_than_memory(train_tagger, folder):
    write(folder, "train", GOOD)
    write(folder, "valid", GOOD)
    outcome = train_tagger("--units", 65536)
    outcome.assert_error(r"out of memory\n  at making the model\n  smaller batches .*--units")


@pytest.mark.parametrize(
    ("task", "option", "message"),
    [
        ("lm", "--noise 0.1", "noise: tokens are no numbers"),
        ("lm", "--bidirectional", "bidirectional: a model that reads backwards"),
        ("lm", "--inputs words", "inputs: language is one feature"),
        ("music", "--noise 0.1", "noise: notes sound or do not"),
        ("music", "--inputs words", "inputs: music is one feature"),
        ("forecast", "--bidirectional", "bidirectional: a model that reads backwards"),
    ],
)
def test_settings_that_a_task_has_no_use_for(tmp_path, varlen, task, option, message):
    file, run = tmp_path / "train.jsonl", tmp_path / "run"
    file.write_text('{"words": ["a"], "notes": [[60]], "values": [1, 2]}\n')
    name, *value = option.split()
    outcome = varlen("train", task, file, "--run", run, name, *value)
    outcome.assert_error(rf"{message}.*\n  leave it out; it is a setting of tag")
    assert not run.exists()
    assert name not in varlen("train", task, "--help").out
    assert name in varlen("train", "tag", "--help").out


class Fail(Observers):
    """Fails, after so many steps."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def epoch_begins(self, epoch, *, num_epochs, num_steps):
        self.batch_done(None, step=0, learning_rate=0.0, waiting=0.0)

    def batch_done(self, tally, *, step, learning_rate, waiting):
        if step == self.steps:
            raise RuntimeError("failed")


def test_a_training_that_fails_before_its_first_step_leaves_nothing(folder, tmp_path):
    write(folder, "train", GOOD)
    write(folder, "valid", GOOD)
    settings, run = make_settings("tag", {"model": {"units": 2}}), tmp_path / "run"
    for steps, is_left in ((0, False), (0, False), (1, True)):
        with pytest.raises(RuntimeError, match="failed"):
            train("tag", folder, run, settings, observer=Fail(steps))
        assert run.exists() == is_left
    resume(run, observer=Observers())


class Damage(Observers):
    """Damages a file when an epoch begins."""

    def __init__(self, path, epoch):
        super().__init__()
        self.path, self.epoch = path, epoch

    def epoch_begins(self, epoch, *, num_epochs, num_steps):
        if epoch == self.epoch:
            contents = bytearray(self.path.read_bytes())
            contents[len(contents) // 2] ^= 1
            self.path.write_bytes(contents)


def weights(run):
    return load_file(max((run / "checkpoints").iterdir()))


@pytest.mark.parametrize("split", ["train", "valid"])
def test_a_record_that_is_damaged_while_training_goes_on(folder, tmp_path, varlen, split):
    """When it is mended, training goes on as if nothing had happened."""
    write(folder, "train", GOOD)
    write(folder, "valid", GOOD)
    settings = make_settings(
        "tag", {"model": {"units": 2}, "training": {"epochs": 3, "batch_size": 4}}
    )
    train("tag", folder, tmp_path / "whole", settings, observer=Observers())
    path, copy = folder / f"{split}.tfrecord", tmp_path / "copy"
    shutil.copy(path, copy)
    with pytest.raises(CorruptRecordError, match=rf"{split}.tfrecord @ byte \d+"):
        train("tag", folder, tmp_path / "run", settings, observer=Damage(path, 2))
    varlen("train", "--resume", tmp_path / "run").assert_error(rf"{split}.tfrecord @ byte \d+")
    shutil.copy(copy, path)
    resume(tmp_path / "run", observer=Observers())
    expected = weights(tmp_path / "whole")
    for name, tensor in weights(tmp_path / "run").items():
        assert tensor.equal(expected[name]), name


def test_damage_while_training_is_told_with_the_way_on(train_tagger, folder, tmp_path, monkeypatch):
    write(folder, "train", GOOD)
    write(folder, "valid", GOOD)
    damage = Damage(folder / "train.tfrecord", 2)
    monkeypatch.setattr(
        "varlen.cli._train_ends.TensorBoard", lambda folder: damage
    )  # an observer that the command line has
    outcome = train_tagger("--epochs", 3)
    assert outcome.status == 2
    assert "error: " in outcome.err
    assert f"`varlen train --resume {tmp_path / 'run'}` goes on" in outcome.err


def test_data_that_has_changed_when_a_training_goes_on(train_tagger, folder, tmp_path, varlen):
    write(folder, "train", GOOD)
    write(folder, "valid", GOOD)
    assert train_tagger().status == 0
    write(folder, "train", GOOD[1:])
    varlen("train", "--resume", tmp_path / "run").assert_error(
        r"the data has changed since this training began: .*\[20, \d+\].* found .*\[19, \d+\]"
    )
    shutil.rmtree(folder)
    varlen("train", "--resume", tmp_path / "run").assert_error("no such data folder")


def test_a_run_of_another_task(train_tagger, folder, tmp_path, varlen):
    write(folder, "train", GOOD)
    write(folder, "valid", GOOD)
    assert train_tagger().status == 0
    varlen("sample", tmp_path / "run").assert_error("expected a run of task 'lm', found 'tag'")
    varlen("train", "lm", folder, "--run", tmp_path / "run").assert_error("is not empty")
    varlen("train", "--resume", tmp_path / "run", "--units", 3).assert_error("No such option")
    varlen("train", "--resume", tmp_path / "run", "--on-nonfinite", "slip").assert_error(
        "on_nonfinite: no 'slip'\n.* Did you mean 'skip'"
    )
    assert "varlen train --resume runs/tagger" in varlen("train", "--resume", "--help").out
    varlen("train", "tga", folder).assert_error("No such command 'tga'. Did you mean 'tag'")
    varlen("train").assert_error("expected a task or --resume")
