import json
import re

import pytest

from varlen.cli import main

TEXT = "the cat sat on the mat.\nthe dog sat on the cat.\n" * 40


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small model of a text file. Not to be changed."""
    root = tmp_path_factory.mktemp("language")
    (root / "cats.txt").write_text(TEXT)
    options = "--units 16 --epochs 3 --batch-size 4 --chunk 20 --learning-rate 0.03"
    with pytest.raises(SystemExit) as ended:
        main(f"train lm {root / 'cats.txt'} --run {root / 'run'} {options}".split())
    assert ended.value.code == 0
    return root / "run"


def test_the_end_of_a_text_is_held_out(run, varlen):
    outcome = varlen("evaluate", run, "--split", "valid", "--json")
    found = json.loads(outcome.out)["metrics"]
    held_out = len(TEXT) - int(len(TEXT) * 0.9)
    assert found["loss"]["count"] == held_out + 1
    assert found["loss"]["value"] < 3
    outcome = varlen("evaluate", run, "--split", "train", "--json")
    assert json.loads(outcome.out)["metrics"]["bits"]["count"] == len(TEXT) - held_out + 1


def test_one_sequence_has_no_range(run, varlen):
    outcome = varlen("evaluate", run)  # which has no split test
    assert re.search(r"^split +valid$", outcome.out, re.MULTILINE)
    assert re.search(r"^perplexity +[\d.]+  of 193 tokens and ends$", outcome.out, re.MULTILINE)
    assert " to " not in outcome.out.splitlines()[-1]


def test_files_say_which_split_they_are(tmp_path, varlen):
    (tmp_path / "one.txt").write_text("abc\n" * 30)
    (tmp_path / "two-valid.txt").write_text("abc\n")
    files = [tmp_path / "one.txt", tmp_path / "two-valid.txt"]
    options = ["--run", tmp_path / "run", "--units", 4, "--epochs", 1]
    assert varlen("train", "lm", *files, *options).status == 0
    counts = [
        json.loads(varlen("evaluate", tmp_path / "run", "--split", split, "--json").out)
        for split in ("train", "valid")
    ]
    assert [found["metrics"]["loss"]["count"] for found in counts] == [121, 5]


def test_the_ends_of_all_files_are_held_out(tmp_path, varlen):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(f"{name}\n" * 50)
    options = ["--units", 4, "--epochs", 1, "--valid-share", 0.2]
    assert varlen("train", "lm", tmp_path, "--run", tmp_path / "run", *options).status == 0
    outcome = varlen("evaluate", tmp_path / "run", "--split", "valid", "--json")
    assert [row["num_sequences"] for row in json.loads(outcome.out)["by_length"]] == [2]
    assert json.loads(outcome.out)["metrics"]["loss"]["count"] == 42


def test_a_sample_goes_on_with_the_prompt(run, varlen):
    options = ["--prompt", "the c", "--length", 30, "--seed", 3]
    outcome = varlen("sample", run, *options)
    assert outcome.status == 0
    assert outcome.out.startswith("the c")
    assert len(outcome.out) == 36
    assert varlen("sample", run, *options).out == outcome.out
    assert varlen("sample", run, "--length", 5, "--temperature", 0).status == 0


def test_several_samples_have_headings(run, varlen):
    outcome = varlen("sample", run, "--num", 2, "--length", 9, "--seed", 3, "--prompt", "on")
    first, second = re.fullmatch(
        r"==> sample 1 <==\n(on.{9})\n==> sample 2 <==\n(on.{9})\n", outcome.out, re.DOTALL
    ).groups()
    options = ["--num", 2, "--length", 9, "--seed", 3, "--prompt", "on", "--json"]
    lines = varlen("sample", run, *options).out.splitlines()
    assert [json.loads(line) for line in lines] == [{"text": first}, {"text": second}]


def test_samples_of_words(tmp_path, varlen):
    rows = [{"words": ["one", "two", "three"], "split": split} for split in ("train", "valid")]
    (tmp_path / "words.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--run", tmp_path / "run", "--units", 4, "--epochs", 1, "--split-by", "split"]
    assert varlen("train", "lm", tmp_path / "words.jsonl", *options).status == 0
    outcome = varlen("sample", tmp_path / "run", "--prompt", "one  two", "--length", 3, "--seed", 1)
    assert re.fullmatch(r"one  two( (one|two|three)){0,3}\n", outcome.out)
    options = ["--prompt", "one two", "--length", 3, "--num", 3, "--json"]
    for line in varlen("sample", tmp_path / "run", *options).out.splitlines():
        assert json.loads(line)["words"][:2] == ["one", "two"]
    outcome = varlen("predict", tmp_path / "run", "one two three")
    assert re.fullmatch(r"[\d.]+\t[\d.]+\n", outcome.out)


def test_samples_that_cannot_be(run, trained, tmp_path, varlen):
    varlen("sample", run, "--temperature", -1).assert_error("temperature: expected at least 0")
    varlen("sample", run, "--num", 0).assert_error("num: expected at least 1")
    varlen("sample", trained).assert_error("expected a run of task 'lm', found 'tag'")
    varlen("sample", tmp_path / "none").assert_error("no such run folder")


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "expected a record at least, found none"),
        (b"a", r"something is left when a share of 0.1 is held out, found 1 char.*\n  at .*a\.txt"),
        (b"fine\n\xff", "expected UTF-8, found byte 0xff at column 1\n.*line 2"),
    ],
)
def test_texts_that_cannot_be_learned(tmp_path, varlen, contents, message):
    (tmp_path / "a.txt").write_bytes(contents)
    varlen("train", "lm", tmp_path / "a.txt", "--run", tmp_path / "run").assert_error(message)


def test_a_text_beside_other_data_is_none_of_it(tmp_path, varlen):
    folder = tmp_path / "names"
    folder.mkdir()
    (folder / "README.txt").write_text("Names of cats.")
    for split in ("train", "valid"):
        (folder / f"{split}.jsonl").write_text('{"text": "tom"}\n{"text": "felix"}\n')
    options = ["--run", tmp_path / "run", "--units", 4, "--epochs", 1]
    outcome = varlen("train", "lm", folder, *options)
    assert outcome.status == 0
    assert "2 sequences to learn from, 2 to validate; text: 8 characters" in outcome.err


def test_lines_of_a_text_file_are_predicted_one_by_one(run, tmp_path, varlen):
    (tmp_path / "lines.txt").write_text("the cat\n\nthe dog sat\n")
    outcome = varlen("predict", run, "--file", tmp_path / "lines.txt")
    alone = [varlen("predict", run, line).out for line in ("the cat", "", "the dog sat")]
    for found, expected in zip(outcome.out.splitlines(), alone, strict=True):
        numbers = [[float(value) for value in line.split("\t")] for line in (found, expected)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-4)
