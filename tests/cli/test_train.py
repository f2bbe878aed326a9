import json
import random
import re
import resource
import shutil
from contextlib import contextmanager

import pytest

from varlen import RecordWriter, sequence_example
from varlen.train._stored import read_tensors, write_tensors


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    """Vectors that rise or fall, as JSON Lines whose names say the split."""
    folder = tmp_path_factory.mktemp("waves")
    for seed, (split, count) in enumerate({"train": 60, "valid": 10, "test": 10}.items()):
        draw = random.Random(seed)
        lines = []
        for _ in range(count):
            up, length = draw.choice([True, False]), draw.randrange(3, 9)
            values = [[(t + 1 if up else -t - 1) + draw.random() / 4, 5.0] for t in range(length)]
            lines.append(json.dumps({"values": values, "label": "up" if up else "down"}))
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def classifier(waves, tmp_path_factory):
    from varlen.cli import main

    run = tmp_path_factory.mktemp("runs") / "waves"
    options = (
        "--cell gru --units 8 --layers 2 --no-bidirectional --dropout 0 --epochs 6 --batch-size 8 "
        "--learning-rate 0.03"
    )
    with pytest.raises(SystemExit) as ended:
        main(["train", "classify", str(waves), "--run", str(run), *options.split()])
    assert ended.value.code == 0
    return run


def test_a_classifier_of_vectors_learns_and_is_evaluated(classifier, varlen):
    found = json.loads(varlen("evaluate", classifier, "--json").out)
    assert found["metrics"]["accuracy"]["value"] == 1.0
    assert found["metrics"]["accuracy"]["interval"] == [1.0, 1.0]
    assert found["metrics"]["accuracy"]["count"] == 10
    assert {row["name"] for row in found["by_class"]} == {"up", "down"}
    assert sum(row["num_sequences"] for row in found["by_length"]) == 10


def test_json_lines_are_predicted_in_their_order(classifier, tmp_path, varlen):
    rising = {"values": [[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]], "name": "a"}
    falling = {"values": [[-1.0, 5.0], [-2.0, 5.0]], "name": "b"}
    file = tmp_path / "asked.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in (rising, falling) * 50))
    rows = [
        json.loads(line)
        for line in varlen("predict", classifier, "--file", file).out.split("\n")[:-1]
    ]
    assert [row["name"] for row in rows] == ["a", "b"] * 50
    assert [row["predicted"]["label"] for row in rows] == ["up", "down"] * 50
    varlen("predict", classifier, "some words").assert_error("expected a JSON object")
    varlen("predict", classifier, '{"vals": 1}').assert_error(
        "no feature 'values'\n  at sentence 1"
    )


def test_a_file_of_settings_of_which_the_command_line_wins(waves, tmp_path, varlen):
    config = tmp_path / "run.toml"
    config.write_text('[model]\ncell = "ugrnn"\nunits = 5\n[training]\nepochs = 1\n')
    arguments = ["train", "classify", waves, "--run", tmp_path / "run", "--config", config]
    assert varlen(*arguments, "--units", 6).status == 0
    settings = json.loads((tmp_path / "run" / "config.json").read_text())["settings"]
    assert (settings["model"]["cell"], settings["model"]["units"]) == ("ugrnn", 6)
    arguments[4] = tmp_path / "other"
    config.write_text("[training]\nepoch = 1\n")
    varlen(*arguments).assert_error("no setting 'epoch'(.|\n)*Did you mean 'epochs'")
    config.write_text("[trainin]\nepochs = 1\n")
    varlen(*arguments).assert_error("Did you mean 'training'")
    config.write_text("epochs = 1\n")
    varlen(*arguments).assert_error("no table 'epochs'.*\n.*\n.* of the table .training.")
    config.write_text("[model]\nepochs = 1\n")
    varlen(*arguments).assert_error("no setting 'epochs'\n.*model\n.* of the table .training.")
    config.write_text("[model]\nunits = true\n")
    varlen(*arguments).assert_error("units: expected an integer, found True\n.*run.toml: model")
    config.write_text("[[model]]\nunits = 5\n")
    varlen(*arguments).assert_error("expected a table 'model'")
    config.write_text('[data]\ninputs = ["values", "values"]\n')
    varlen(*arguments).assert_error("inputs: expected each once, found values, values")
    config.write_text("[training")
    varlen(*arguments).assert_error("expected TOML")
    varlen(*arguments[:5], "--cell", "ltsm").assert_error("no cell 'ltsm'\n.*Did you mean 'lstm'")
    assert not (tmp_path / "other").exists()


def test_the_settings_of_another_run(waves, tmp_path, varlen):
    chosen = ("--units", 3, "--epochs", 1, "--clip", 2.5, "--inputs", "values", "--pooling", "max")
    varlen("train", "classify", waves, "--run", tmp_path / "one", *chosen)
    config = tmp_path / "one" / "config.json"
    again = ("--run", tmp_path / "two", "--config", config)
    assert varlen("train", "classify", waves, *again).status == 0
    settings = [
        json.loads((tmp_path / name / "config.json").read_text())["settings"]
        for name in ("one", "two")
    ]
    assert settings[0] == settings[1]
    varlen("train", "tag", waves, *again).assert_error("expected a run of tag, found classify")
    config.write_text("{}")
    varlen("train", "classify", waves, *again).assert_error("or the config.json of a run")
    config.write_text("{")
    varlen("train", "classify", waves, *again).assert_error("expected JSON")


@pytest.mark.parametrize("option", [(), ("--dry-run",)])
def test_a_device_that_is_not_there_is_refused_before_any_work(option, tmp_path, varlen):
    # There is no data either.
    arguments = ("train", "tag", tmp_path / "none", "--run", tmp_path / "run", *option)
    for device in ("cuda:99", "nothing", "meta"):
        outcome = varlen(*arguments, "--device", device)
        outcome.assert_error(f"device: cannot use '{device}'")
    assert not (tmp_path / "run").exists()


def test_a_run_from_a_device_that_is_not_there_is_judged_on_the_cpu(classifier, tmp_path, varlen):
    run = tmp_path / "run"
    shutil.copytree(classifier, run)
    config = (run / "config.json").read_text()
    (run / "config.json").write_text(config.replace('"cpu"', '"cuda:99"'))
    assert varlen("evaluate", run).out == varlen("evaluate", classifier).out
    varlen("train", "--resume", run).assert_error("device: cannot use 'cuda:99'")


def test_a_dry_run_prints_the_model_and_trains_nothing(waves, tmp_path, varlen):
    run = tmp_path / "run"
    outcome = varlen("train", "classify", waves, "--run", run, "--units", 4, "--dry-run")
    assert outcome.status == 0
    assert "60 sequences to learn from, 10 to validate; values:" in outcome.out
    # The LSTM of both directions: (2 inputs + 4 units + 1) x 16; the head: (8 + 1) x 2.
    assert re.search(rf"^in all +{2 * 7 * 16 + 9 * 2:,}$", outcome.out, re.MULTILINE)
    assert "1 layer of 4 units of lstm, in both directions; dropout 0.3" in outcome.out
    assert not run.exists()


def test_the_plan_and_the_estimate_of_a_dry_run_are_those_of_the_training(waves, tmp_path, varlen):
    options = ["--units", 4, "--epochs", 2, "--batch-size", 8, "--patience", 3, "--warmup", 0.1]
    arguments = ["train", "classify", waves, "--run", tmp_path / "run", *options]
    plan = varlen(*arguments, "--dry-run").out
    assert varlen(*arguments).status == 0
    [row, _] = map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    num_steps, padding = row["step"], f"{100 * row['padding']:.2f} %"
    assert f"2, {num_steps} steps each; {2 * num_steps} in all" in plan
    mean = f"of {60 / num_steps:.0f} sequences and {row['live_steps'] / num_steps:.0f} steps"
    assert f"{num_steps} in an epoch, {mean} in the mean; {padding} padding" in plan
    assert "0.003, linear after a warm-up of 10%" in plan
    assert "accuracy chooses the best epoch; 3 epochs without a better one end training" in plan
    [(figure, unit)] = re.findall(r"about ([\d.]+) (ms|s) on cpu", plan)
    assert 0 < float(figure) < {"ms": 100, "s": 60}[unit]
    [mebibytes] = re.findall(r"memory +about ([\d,]+) MiB", plan)
    here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert 50 < int(mebibytes.replace(",", "")) <= here + 1


def test_a_dry_run_counts_steps_of_several_batches(waves, tmp_path, varlen):
    options = ["--batch-size", 8, "--accumulate", 2, "--steps", 3, "--units", 4]
    plan = varlen("train", "classify", waves, "--run", tmp_path / "run", *options, "--dry-run").out
    [num_batches] = re.findall(r"batches +(\d+) in an epoch", plan)
    each = -(-int(num_batches) // 2)
    assert f"{each} steps of 2 batches each; 3 in all" in plan


def test_a_dry_run_of_several_processes_prints_once(waves, tmp_path, varlen, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    outcome = varlen("train", "classify", waves, "--run", tmp_path / "run", "--dry-run")
    assert (outcome.status, outcome.out) == (0, "")


def test_a_damaged_checkpoint_is_passed_over(data, tmp_path, varlen):
    run = tmp_path / "run"
    arguments = ["train", "tag", data, "--run", run, "--units", 4, "--epochs", 2]
    assert varlen(*arguments).status == 0
    last = max((run / "checkpoints").iterdir())
    whole = (run / "model.safetensors").read_bytes()
    contents = bytearray(last.read_bytes())
    contents[len(contents) // 2] ^= 1
    last.write_bytes(contents)
    outcome = varlen("train", "--resume", run)
    assert outcome.status == 0
    assert "passing over a damaged checkpoint: the file of weights is damaged" in outcome.err
    assert "going on in epoch 2" in outcome.err
    assert (run / "model.safetensors").read_bytes() == whole
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(b"")
    outcome = varlen("train", "--resume", run)
    assert outcome.status == 2
    assert outcome.err.count("passing over") == 2
    assert "error: all checkpoints are damaged" in outcome.err
    shutil.rmtree(run / "checkpoints")
    outcome = varlen("train", "--resume", run)
    assert "the run has no checkpoint yet, and begins anew" in outcome.err
    assert (run / "model.safetensors").read_bytes() == whole


def test_with_one_to_keep_a_damaged_one_does_not_outlive_those_after_it(data, tmp_path, varlen):
    run = tmp_path / "run"
    options = ["--units", 4, "--epochs", 2, "--save-steps", 1, "--keep", 100]
    assert varlen("train", "tag", data, "--run", run, *options).status == 0
    _, *others, last = sorted((run / "checkpoints").iterdir())
    for path in others:
        path.unlink()
    last.write_bytes(b"half a file")
    (run / "checkpoints" / f".{last.name}.partial").write_bytes(b"half a file")
    config = (run / "config.json").read_text()
    (run / "config.json").write_text(config.replace('"keep": 100', '"keep": 1'))
    assert varlen("train", "--resume", run).status == 0
    assert list((run / "checkpoints").iterdir()) == [last]
    assert read_tensors(last)[1]["standing"]["epoch"] == 3


def test_a_checkpoint_of_another_version_or_model(data, tmp_path, varlen):
    run = tmp_path / "run"
    assert varlen("train", "tag", data, "--run", run, "--units", 4, "--epochs", 1).status == 0
    [last] = (run / "checkpoints").iterdir()
    tensors, about = read_tensors(last)
    write_tensors(last, tensors, {**about, "format": 99})
    resumed = varlen("train", "--resume", run)
    assert resumed.status == 2
    assert "expected a checkpoint of format 1, found 99" in resumed.err
    tensors.pop("model.head.bias")
    write_tensors(last, tensors, about)
    resumed = varlen("train", "--resume", run)
    assert resumed.status == 2
    assert "that of another model or version" in resumed.err


@contextmanager
def files_of_at_most(num_bytes):
    """Writing on gives an OSError, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_ends_training_and_loses_nothing_before(data, tmp_path, varlen):
    whole, run = tmp_path / "whole", tmp_path / "run"
    options = ["--units", 4, "--epochs", 3]
    assert varlen("train", "tag", data, "--run", whole, *options).status == 0
    model = (whole / "model.safetensors").read_bytes()
    with files_of_at_most(2 * len(model)):  # a checkpoint has the moments, too
        outcome = varlen("train", "tag", data, "--run", run, *options)
    assert outcome.status == 2
    assert re.search(r"error: File too large\n  at .*checkpoints/step-", outcome.err)
    assert f"`varlen train --resume {run}` goes on" in outcome.err
    assert list((run / "checkpoints").iterdir()) == []
    assert varlen("train", "--resume", run).status == 0
    assert (run / "model.safetensors").read_bytes() == model


def test_a_run_that_was_killed_while_it_was_made(data, tmp_path, varlen):
    run = tmp_path / "run"
    arguments = ["train", "tag", data, "--run", run, "--units", 4, "--epochs", 1]
    run.mkdir()
    (run / ".config.json.partial").write_bytes(b"{")
    assert varlen(*arguments).status == 0
    assert not list(run.glob(".*"))
    (run / "vocabulary.json").unlink()
    varlen("train", "--resume", run).assert_error(
        r"no vocabulary\.json\n(.|\n)*begin it anew, with --overwrite"
    )
    assert varlen(*arguments, "--overwrite").status == 0


def test_a_share_is_held_out_where_there_is_no_split_for_validation(tmp_path, varlen):
    (tmp_path / "data").mkdir()
    with RecordWriter(tmp_path / "data" / "train.tfrecord") as writer:
        for i in range(100):
            words = ["ab"[i % 2]] * (1 + i % 3)
            writer.write(sequence_example(sequences={"words": words, "tags": words}))
    arguments = ["--run", tmp_path / "run", "--units", 2, "--epochs", 1, "--valid-share", 0.3]
    outcome = varlen("train", "tag", tmp_path / "data", *arguments)
    assert outcome.status == 0
    learned, held = (
        int(n) for n in outcome.err.replace(" sequences to learn from,", "").split()[:2]
    )
    assert learned + held == 100
    assert 15 <= held <= 45
    assert "held out of them to validate" in outcome.err
