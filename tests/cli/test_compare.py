import json
import re
import shutil
import sys

import pytest

from varlen.cli import main


@pytest.fixture(scope="module")
def other(data, tmp_path_factory):
    """A smaller and worse tagger of the same data. Not to be changed."""
    run = tmp_path_factory.mktemp("runs") / "other"
    with pytest.raises(SystemExit) as ended:
        main(f"train tag {data} --run {run} --epochs 1 --units 2 --cell gru".split())
    assert ended.value.code == 0
    return run


def lines_of(outcome):
    assert outcome.status == 0, outcome.err
    rows = [line.split("  ") for line in outcome.out.splitlines() if line]
    return {row[0]: [cell.strip() for cell in row[1:] if cell.strip()] for row in rows}


def test_what_the_runs_know(trained, other, varlen):
    found = lines_of(varlen("compare", trained, other))
    assert found["run"] == [str(trained), str(other)]
    assert found["model.cell"] == ["lstm", "gru"]
    assert found["model.units"] == ["8", "2"]
    assert found["training.learning_rate"] == ["0.02", "0.003"]
    assert "model.layers" not in found  # the same in both
    assert found["epochs"] == ["8", "1"]
    configs = [json.loads((run / "config.json").read_text()) for run in (trained, other)]
    assert found["parameters"] == [f"{config['parameters']:,}" for config in configs]
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    best = [row for row in rows if row["best"]][-1]
    assert found["best epoch"][0] == str(best["epoch"])
    assert found["valid accuracy"][0] == f"{100 * best['valid_accuracy']:.2f} %"
    assert "test accuracy" not in found


def test_figures_on_a_split_are_those_of_evaluate_and_differences_are_paired(
    trained, other, varlen
):
    found = json.loads(varlen("compare", trained, other, "--split", "test", "--json").out)["runs"]
    for run, one in zip((trained, other), found, strict=True):
        expected = json.loads(varlen("evaluate", run, "--json").out)["metrics"]
        for name, metric in expected.items():
            assert one["metrics"][name]["value"] == metric["value"]
            assert one["metrics"][name]["interval"] == metric["interval"]
    assert found[0]["metrics"]["accuracy"]["above_first"] is None
    accuracy = found[1]["metrics"]["accuracy"]
    above = accuracy["above_first"]
    assert above["value"] == accuracy["value"] - found[0]["metrics"]["accuracy"]["value"]
    low, high = above["interval"]
    assert low <= above["value"] <= high < 0
    assert above["is_better"] is False
    assert accuracy["best_at"] is None
    assert found[1]["settings"]["model.cell"] == "gru"
    shown = lines_of(varlen("compare", trained, other, "--split", "test"))
    points = f"{100 * above['value']:.2f} points, worse"
    assert shown["test accuracy, above the first"] == ["-", points]


def trained_on(varlen, folder, task, name, *options):
    run = folder.parent / name
    outcome = varlen("train", task, folder, "--run", run, "--units", 3, "--epochs", 1, *options)
    assert outcome.status == 0, outcome.err
    return run


def test_of_one_text_there_are_differences_and_no_ranges(tmp_path, varlen):
    folder = tmp_path / "data"
    folder.mkdir()
    for split in ("train", "valid", "test"):
        (folder / f"{split}.txt").write_text("to be or not to be " * 9)
    runs = [trained_on(varlen, folder, "lm", cell, "--cell", cell) for cell in ("gru", "lstm")]
    outcome = varlen("compare", *runs, "--split", "test")
    assert "no ranges: there is one sequence only" in outcome.out
    shown = lines_of(outcome)
    assert re.fullmatch(r"[+-]\d\.\d{4}", shown["test loss, above the first"][1])
    assert not [name for name in shown if "range" in name and "no ranges" not in name]
    found = json.loads(varlen("compare", *runs, "--split", "test", "--json").out)["runs"]
    assert found[1]["metrics"]["loss"]["interval"] is None
    assert found[1]["metrics"]["loss"]["above_first"]["interval"] is None
    assert found[1]["metrics"]["loss"]["above_first"]["is_better"] is None
    alone = varlen("evaluate", runs[0])
    assert "no ranges: there is one sequence only" in alone.out
    assert " to " not in alone.out.replace("to look", "")


def test_coverage_says_where_it_is_best_and_others_of_it_have_no_difference(tmp_path, varlen):
    folder = tmp_path / "data"
    folder.mkdir()
    for split in ("train", "valid", "test"):
        rows = [{"values": [0.1 * i, 0.2, 0.3 * i], "y": 0.5 * i} for i in range(9)]
        lines = [json.dumps(row) for row in rows]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    first = trained_on(varlen, folder, "regress", "first")
    wide = trained_on(varlen, folder, "regress", "wide", "--quantiles", "0.05,0.95")
    shown = lines_of(varlen("compare", first, wide, "--split", "test"))
    assert shown["test coverage (best at 80.00 %)"][1] == "-"
    assert shown["test coverage (best at 90.00 %)"][0] == "-"
    assert shown["valid coverage (best at 80.00 %)"][1] == "-"
    found = json.loads(varlen("compare", first, wide, "--split", "test", "--json").out)["runs"]
    assert [run["metrics"]["coverage"]["best_at"] for run in found] == pytest.approx([0.8, 0.9])
    assert found[1]["metrics"]["coverage"]["above_first"] is None
    assert re.search(r"coverage .* of 9 numbers; best at 80.00 %", varlen("evaluate", first).out)


def test_other_data_have_no_differences_and_a_note_says_so(trained, other, data, tmp_path, varlen):
    run = shutil.copytree(other, tmp_path / "run")
    fewer = shutil.copytree(data, tmp_path / "data")
    for path in fewer.glob("test-*"):
        path.unlink()
    shutil.copy(next(data.glob("test-00000-*")), fewer / "test-00000-of-00001.tfrecord")
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "data": str(fewer)}))
    outcome = varlen("compare", trained, run, "--split", "test")
    assert "no differences: the runs are of other tasks, or were evaluated on" in outcome.out


def test_many_runs_are_below_each_other_and_older_ones_have_defaults(trained, tmp_path, varlen):
    runs = [shutil.copytree(trained, tmp_path / f"run{i}") for i in range(4)]
    config = json.loads((runs[0] / "config.json").read_text())
    del config["settings"]["training"]["patience"], config["parameters"]
    (runs[0] / "config.json").write_text(json.dumps(config))
    (runs[3] / "metrics.jsonl").unlink()
    outcome = varlen("compare", *runs)
    assert outcome.status == 0
    header, *lines = outcome.out.splitlines()
    assert header.split()[:3] == ["run", "parameters", "epochs"]
    assert [line.split()[0] for line in lines] == [str(run) for run in runs]
    assert lines[0].split()[1] == "-"
    assert lines[3].split()[2:4] == ["0", "-"]


def test_a_page(trained, other, tmp_path, varlen):
    page = tmp_path / "page.html"
    assert varlen("compare", trained, other, "--html", page).status == 0
    text = page.read_text()
    assert text.count("<tr>") == len(varlen("compare", trained, other).out.splitlines())
    assert text.count("<svg") == 2
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    varlen("compare", trained, other, "--html", page).assert_error("there already")


def test_what_cannot_be_compared(trained, other, tmp_path, varlen):
    varlen("compare", trained).assert_error("expected two runs at least, found one")
    varlen("compare", trained, trained).assert_error("found one of them twice")
    varlen("compare", trained, tmp_path / "gone").assert_error("no such run folder")
    varlen("compare", trained, other, "--data", tmp_path).assert_error("expected --split beside")
    varlen("compare", trained, other, "--split", "tset").assert_error("Did you mean 'test'")


@pytest.mark.parametrize("num_runs", [2, 5])
def test_what_is_wider_than_a_terminal_stands_in_several_tables(
    trained, tmp_path, varlen, monkeypatch, num_runs
):
    runs = [shutil.copytree(trained, tmp_path / f"run {i}") for i in range(num_runs)]
    monkeypatch.chdir(tmp_path)
    names = [run.name for run in runs]
    whole = json.loads(varlen("compare", *names, "--json").out)["runs"]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "36")
    outcome = varlen("compare", *names)
    assert outcome.status == 0
    assert max(map(len, outcome.out.splitlines())) <= 36
    tables = [table.splitlines() for table in outcome.out.split("\n\n")]
    assert len(tables) == (1 if num_runs == 2 else 3)
    shown = [[re.split("  +", line)[1:] for line in table if line] for table in tables]
    assert [name for table in shown for name in table[0]] == names
    facts = [line.split("  ")[0] for line in tables[0]]
    steps = [value for table in shown for value in table[facts.index("parameters")]]
    assert steps == [f"{run['parameters']:,}" for run in whole]
