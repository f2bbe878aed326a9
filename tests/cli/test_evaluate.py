import json
import re

import pytest

from varlen.cli import main


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A tagger of 50 tags, of which "t0" is the most frequent. Not to be changed."""
    root = tmp_path_factory.mktemp("many")
    for split in ("train", "valid", "test"):
        lines = [json.dumps({"words": ["w", f"w{i}"], "tags": ["t0", f"t{i}"]}) for i in range(50)]
        (root / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(SystemExit) as ended:
        main(f"train tag {root} --run {root / 'run'} --units 2 --epochs 1".split())
    assert ended.value.code == 0
    return root / "run"


def test_of_many_classes_the_frequent_are_printed(many, varlen):
    found = json.loads(varlen("evaluate", many, "--json").out)["by_class"]
    assert len(found) == 50
    table, *_ = varlen("evaluate", many).out.split("\n\n")
    header, *rows, last = table.splitlines()
    assert header.split() == ["tag", "precision", "recall", "F1", "count"]
    assert [row.split()[0] for row in rows] == [row["name"] for row in found[:40]]
    assert last == "and 10 less frequent tags; --json has all"


def test_a_label_that_was_not_learned_is_named_beside_some_that_were(many, tmp_path, varlen):
    (tmp_path / "new.jsonl").write_text('{"words": ["a"], "tags": ["t5O"]}\n')
    outcome = varlen("evaluate", many, "--data", tmp_path / "new.jsonl")
    outcome.assert_error(r"label 't5O' was not(.|\n)*new.jsonl, line 1(.|\n)*Did you mean 't5'")


def test_sequences_without_steps_say_nothing_of_a_share(trained, tmp_path, varlen):
    rows = [{"words": [], "upos": []}] * 3 + [{"words": ["the"], "upos": ["DET"]}]
    (tmp_path / "some.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = json.loads(varlen("evaluate", trained, "--data", tmp_path, "--json").out)
    # However often the one with a step is drawn, the share is the same.
    for metric in found["metrics"].values():
        assert metric["interval"] == pytest.approx([metric["value"]] * 2)
    [row] = found["by_length"]
    assert (row["least"], row["most"], row["num_sequences"]) == (0, 1, 4)
    assert row["value"] == found["metrics"]["accuracy"]["value"]


def test_without_a_single_step_there_is_nothing_to_evaluate(trained, tmp_path, varlen):
    file = tmp_path / "none.jsonl"
    file.write_text('{"words": [], "upos": []}\n')
    # The records that were made of the file are gone by then.
    varlen("evaluate", trained, "--data", file).assert_error(
        f"no steps\n  at {re.escape(str(file))}"
    )


def test_what_was_held_out_is_offered(trained, data, tmp_path, varlen):
    (tmp_path / "train.jsonl").write_text('{"words": ["the"], "upos": ["DET"]}\n' * 30)
    varlen("evaluate", trained, "--data", tmp_path, "--split", "test").assert_error(
        r"no split 'test' in the data(.|\n)*of splits, there are: 'train', 'valid'"
    )
    found = varlen("evaluate", trained, "--data", tmp_path)
    assert "\nsplit           valid\n" in found.out
    assert found.out == varlen("evaluate", trained, "--data", tmp_path, "--split", "valid").out


def test_names_of_classes_cannot_move_the_cursor(tmp_path, varlen):
    (tmp_path / "train.jsonl").write_text('{"words": ["a"], "tags": ["\\u001b[2J"]}\n' * 9)
    run = tmp_path / "run"
    options = ["--units", 2, "--epochs", 1, "--valid-share", 0.5]
    outcome = varlen("train", "tag", tmp_path / "train.jsonl", "--run", run, *options)
    assert outcome.status == 0, outcome.err
    printed = varlen("evaluate", run, "--split", "valid").out
    assert "\\x1b[2J" in printed
    assert "\x1b" not in printed
