import json

import pytest
import torch
from torch import nn

from varlen import CheckpointError, ConfigError
from varlen.train import RunFolder


def create(path, **overrides):
    return RunFolder.create(
        path, task="tag", config={"data": "d"}, vocabulary={"tags": ["é"]}, **overrides
    )


def model(width=3):
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))


def test_what_is_put_in_comes_out(tmp_path):
    create(tmp_path / "deep" / "run").append_metrics({"epoch": 1})
    run = RunFolder.open(tmp_path / "deep" / "run", task="tag")
    assert run.config["format"] == 2
    assert run.config["data"] == "d"
    assert run.vocabulary() == {"tags": ["é"]}
    run.append_metrics({"epoch": 2})
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


def test_the_model_comes_back_bit_for_bit(tmp_path):
    run, saved, loaded = create(tmp_path / "run"), model(), model()
    run.save_model(saved)
    run.load_model(loaded)
    for name, value in saved.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)


def test_the_same_weights_are_the_same_bytes(tmp_path):
    run, weights = create(tmp_path / "run"), model()
    files = set()
    for _ in range(20):
        run.save_model(weights)
        files.add((run.path / "model.safetensors").read_bytes())
    assert len(files) == 1


def test_nothing_is_left_beside(tmp_path):
    run = create(tmp_path / "run")
    run.save_model(model())
    run.append_metrics({})
    names = {path.name for path in run.path.iterdir()}
    assert names == {"config.json", "vocabulary.json", "model.safetensors", "metrics.jsonl"}


def test_lines_of_figures_that_are_kept_are_whole(tmp_path):
    run = create(tmp_path / "run")
    assert run.keep_metrics(2) == 0
    for epoch in (1, 2, 3):
        run.append_metrics({"epoch": epoch})
    assert run.keep_metrics(2) == 2
    path = run.path / "metrics.jsonl"
    path.write_bytes(b'7\n{"epoch": 1}\n{"epo')
    assert run.keep_metrics(3) == 1
    assert path.read_bytes() == b'{"epoch": 1}\n'


def test_a_folder_that_cannot_be_made_leaves_nothing(tmp_path, monkeypatch):
    def full(path, contents):
        if path.name == "vocabulary.json":
            raise OSError(28, "No space left on device", str(path))
        path.write_bytes(contents)

    monkeypatch.setattr("varlen.train._run_folder.write_whole", full)
    with pytest.raises(OSError, match=r"No space .*vocabulary\.json"):
        create(tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_run_folder_is_not_overwritten_unasked(tmp_path):
    create(tmp_path / "run").save_model(model())
    with pytest.raises(ConfigError, match=r"is not empty\n  at .*\n  .*--overwrite"):
        create(tmp_path / "run")
    assert (tmp_path / "run" / "model.safetensors").exists()
    create(tmp_path / "run", overwrite=True)
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_what_is_no_run_folder_is_never_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="only a run folder can be overwritten"):
        create(tmp_path, overwrite=True)
    with pytest.raises(ConfigError, match="found a file"):
        create(tmp_path / "thesis.txt", overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_an_empty_folder_is_taken(tmp_path):
    create(tmp_path)
    RunFolder.open(tmp_path)


def test_folders_that_are_not_run_folders(tmp_path):
    with pytest.raises(CheckpointError, match=r"no such run folder\n  at .*\n  `varlen train"):
        RunFolder.open(tmp_path / "gone")
    with pytest.raises(CheckpointError, match=r"not a run folder: it has no config.json"):
        RunFolder.open(tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", r"the file is damaged: Expecting.*\n  at .*config.json"),
        ("[]", "expected a JSON object"),
        ('{"format": 3, "varlen": "9.0"}', r"format 2, found 3\n.*\n  .*written by varlen 9.0"),
        ("{}", "expected a run folder of format 2, found None"),
        ('{"format": 2, "task": "lm"}', "expected a run of task 'tag', found 'lm'"),
    ],
)
def test_configurations_that_cannot_be_opened(tmp_path, config, message):
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(CheckpointError, match=message):
        RunFolder.open(tmp_path, task="tag")


def test_a_run_without_vocabulary_or_model(tmp_path):
    run = create(tmp_path)
    with pytest.raises(CheckpointError, match=r"the run has no model.safetensors"):
        run.load_model(model())
    (tmp_path / "vocabulary.json").unlink()
    with pytest.raises(CheckpointError, match=r"the run has no vocabulary.json"):
        run.vocabulary()


def test_every_damaged_byte_of_a_model_is_noticed(tmp_path):
    run = create(tmp_path)
    run.save_model(model())
    path = tmp_path / "model.safetensors"
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"model\.safetensors"):
            run.load_model(model())


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_a_truncated_model_is_noticed(tmp_path, kept):
    run = create(tmp_path)
    run.save_model(model())
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="damaged"):
        run.load_model(model())


def test_the_weights_of_another_model(tmp_path):
    run = create(tmp_path)
    run.save_model(model())
    with pytest.raises(CheckpointError, match=r"expected shape \(4, 2\), found \(3, 2\)"):
        run.load_model(model(4))
    with pytest.raises(CheckpointError, match="no weights 'weight'"):
        run.load_model(nn.Linear(2, 3))
    run.save_model(nn.Linear(2, 3))
    with pytest.raises(CheckpointError, match=r"no weights '0.weight'"):
        run.load_model(model())


def test_a_changed_word_in_the_vocabulary_is_noticed(tmp_path):
    run = create(tmp_path / "run")
    path = run.path / "vocabulary.json"
    path.write_bytes(path.read_bytes().replace(b"tags", b"tagz"))
    with pytest.raises(CheckpointError, match=r"expected the CRC-32 \w{8}, found \w{8}"):
        run.vocabulary()


def test_a_run_folder_of_an_earlier_version_can_be_overwritten(tmp_path):
    (tmp_path / "config.json").write_text('{"format": 1, "task": "tag"}')
    assert create(tmp_path, overwrite=True).config["format"] == 2
