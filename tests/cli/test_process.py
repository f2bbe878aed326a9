"""What only a process of its own can show."""

import json
import signal
import subprocess
import sys

import pytest

import varlen.cli
from varlen import RecordReader
from varlen.features import read_features

VARLEN = [sys.executable, "-m", "varlen"]


def run(*arguments, **options):
    return subprocess.run(
        [*VARLEN, *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )


def test_help_names_the_commands_and_shows_examples():
    for arguments in ([], ["--help"]):
        shown = run(*arguments)
        assert shown.returncode == 0
        for command in ("convert", "inspect", "train", "evaluate", "predict"):
            assert f"  {command} " in shown.stdout
        assert '\n    varlen predict runs/tagger "The cat sat on the mat ."\n' in shown.stdout


def test_version():
    shown = run("--version")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("varlen 0.")


def test_an_error_is_one_message_and_no_traceback(tmp_path):
    for arguments in (["inspect", tmp_path / "gone"], ["nope"], ["train"]):
        shown = run(*arguments)
        assert (shown.returncode, shown.stdout) == (2, "")
        assert shown.stderr.startswith("error: ")
        assert "Traceback" not in shown.stderr


@pytest.mark.parametrize("command", ["convert", "inspect", "head", "help"])
def test_torch_is_not_imported_unless_needed(command, data, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"x": [1]}\n')
    shard = data / "train-00000-of-00002.tfrecord"
    arguments = {
        "convert": ["convert", tmp_path / "a.jsonl", tmp_path / "out"],
        "inspect": ["inspect", shard],
        "head": ["inspect", "--head", 1, shard],
        "help": ["predict", "--help"],
    }[command]
    code = (
        "import sys\nfrom varlen.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "assert 'torch' not in sys.modules\n"
        "assert 'inspect' not in sys.argv or not {'rich', 'tqdm'} & {*sys.modules}\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")


def test_a_reader_that_has_had_enough_is_no_error(tmp_path):
    lines = (tmp_path / "a.jsonl").open("w")
    with lines:
        lines.writelines(json.dumps({"x": [i] * 50}) + "\n" for i in range(5000))
    assert run("convert", tmp_path / "a.jsonl", tmp_path / "out").returncode == 0
    shard = tmp_path / "out" / "train-00000-of-00001.tfrecord"
    command = [*VARLEN, "inspect", "--head", "5000", "--json", str(shard)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b'{"x": [0, 0')
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_end_nothing(tmp_path, closed):
    path = tmp_path / "a.jsonl"
    path.write_text('{"x": [1, 2]}\n')
    convert = f"'{sys.executable}' -m varlen convert '{path}' '{tmp_path / 'out'}' {closed}"
    assert subprocess.run(convert, shell=True, check=False).returncode == 0
    [record] = RecordReader(next((tmp_path / "out").glob("*.tfrecord")))
    assert read_features(record).feature_lists.keys() == {"x"}


def test_ctrl_c_while_the_commands_are_made(monkeypatch, capsys):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("varlen.cli._app._app", interrupt)
    with pytest.raises(SystemExit) as end:
        varlen.cli.main(["--version"])
    assert end.value.code == 130
    assert capsys.readouterr().err == "\ninterrupted\n"


def test_ctrl_c_while_the_command_line_is_loaded(monkeypatch, capsys):
    class Interrupted:
        def find_spec(self, name, path, target=None):
            if name == "varlen.cli._app":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "varlen.cli._app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    with pytest.raises(SystemExit) as end:
        varlen.cli.main(["--version"])
    assert end.value.code == 130
    assert capsys.readouterr().err == "\ninterrupted\n"


def test_ctrl_c_keeps_what_there_is(data, tmp_path):
    folder = tmp_path / "run"
    arguments = ["train", "tag", data, "--run", folder, "--epochs", 100_000, "--units", 4]
    with subprocess.Popen(
        [*VARLEN, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        lines = iter(process.stderr.readline, "")
        while not next(lines).startswith("epoch 1"):
            pass
        process.send_signal(signal.SIGINT)
        rest = "".join(lines)
        process.wait(timeout=60)
    assert process.returncode == 130
    assert f"{folder} holds the weights of epoch" in rest
    assert "Traceback" not in rest
    names = {path.name for path in folder.iterdir()}
    files = {"config.json", "vocabulary.json", "model.safetensors", "metrics.jsonl"}
    assert names == files | {"checkpoints", "tensorboard"}
    assert f"`varlen train --resume {folder}` goes on" in rest
    assert run("predict", folder, "the cat").returncode == 0
