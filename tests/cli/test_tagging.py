import io
import json
import re
import shutil

import pytest

from varlen import RecordWriter, sequence_example

SPLITS = ("train", "valid", "test")


def write_split(folder, split, *sentences):
    """One shard of records with the given (words, tags)."""
    folder.mkdir(exist_ok=True)
    with RecordWriter(folder / f"{split}-00000-of-00001.tfrecord") as writer:
        for words, tags in sentences:
            writer.write(sequence_example(sequences={"words": words, "upos": tags}))


def test_the_run_folder(trained):
    names = {path.name for path in trained.iterdir()}
    files = {"config.json", "vocabulary.json", "model.safetensors", "metrics.jsonl"}
    assert names == files | {"checkpoints", "tensorboard"}
    assert len(list((trained / "checkpoints").iterdir())) == 2
    config = json.loads((trained / "config.json").read_text())
    assert config["format"] == 2
    assert config["task"] == "tag"
    assert config["settings"]["model"]["units"] == 8
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == list(range(1, 9))
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]
    assert sum(row["best"] for row in rows) >= 1


def test_training_prints_lines_where_there_is_no_terminal(data, tmp_path, varlen):
    arguments = ["--run", tmp_path / "run", "--epochs", 2, "--units", 4]
    outcome = varlen("train", "tag", data, *arguments)
    assert outcome.status == 0
    summary, *epochs = outcome.err.splitlines()
    assert summary == (
        "120 sequences to learn from, 20 to validate; words: 14 words; upos: 5 labels"
    )
    assert len(epochs) == 2
    figures = r"loss [\d.]+, accuracy [\d.]+ %, padding [\d.]+ %, [\d,]+ steps/s; valid loss"
    assert re.match(f"epoch 1: {figures}", epochs[0])
    assert re.search(r"best: epoch \d, accuracy [\d.]+ % on the split valid", outcome.out)


def test_the_same_seed_gives_the_same_weights(data, tmp_path, varlen):
    weights = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        arguments = ["--epochs", 1, "--units", 4, "--seed", seed, "--run", tmp_path / name]
        assert varlen("train", "tag", data, *arguments).status == 0
        weights.append((tmp_path / name / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_evaluation_prints_the_accuracy_and_a_line_per_tag(trained, varlen):
    outcome = varlen("evaluate", trained)
    assert outcome.status == 0
    found = re.search(r"\nsplit +test\naccuracy +([\d.]+) %  \(.*\)  of (\d+) steps", outcome.out)
    assert float(found[1]) > 99
    table = [line.split() for line in outcome.out.splitlines()]
    assert table[0] == ["tag", "precision", "recall", "F1", "count"]
    assert {row[0] for row in table[1:6]} == {"DET", "ADJ", "NOUN", "VERB", "PUNCT"}
    assert sum(int(row[-1]) for row in table[1:6]) == int(found[2])


def test_evaluation_of_other_data_and_unknown_words(trained, tmp_path, varlen):
    write_split(tmp_path, "dev", (["the", "whale", "diving"], ["DET", "NOUN", "VERB"]), ([], []))
    outcome = varlen("evaluate", trained, "--data", tmp_path, "--split", "dev")
    assert re.search(r"accuracy +[\d.]+ %  \(.*\)  of 3 steps", outcome.out)
    assert re.search(r"unknown words +[\d.]+ %  of 2 that training never saw", outcome.out)


def test_prediction_of_sentences(trained, varlen):
    outcome = varlen("predict", trained, "the lazy dog barking", "", "Sleeping .")
    assert outcome.status == 0
    assert outcome.out.splitlines() == [
        "the/DET lazy/ADJ dog/NOUN barking/VERB",
        "",
        "Sleeping/VERB ./PUNCT",
    ]


def test_prediction_of_standard_input(trained, varlen, monkeypatch):
    lines = ["the cat sleeping .", ""] * 70
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    outcome = varlen("predict", trained)
    assert outcome.out.splitlines() == ["the/DET cat/NOUN sleeping/VERB ./PUNCT", ""] * 70


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        ('{"words": ["a",}', "expected JSON(.|\n)*line 3"),
        ('{"wrds": ["a"]}', "no feature 'words'(.|\n)*line 3"),
        ('{"words": [1]}', "expected strings(.|\n)*line 3: words"),
        ("\udcff", "expected text in utf-8(.|\n)*line 3"),
    ],
)
def test_what_comes_before_a_damaged_line_is_answered(trained, tmp_path, varlen, damaged, message):
    file = tmp_path / "lines.jsonl"
    lines = ["the cat", '{"words": ["sees", "a", "cat"]}', damaged, "the dog"]
    file.write_text("\n".join(lines), errors="surrogateescape")
    outcome = varlen("predict", trained, "--file", file)
    assert outcome.status == 2
    first, second = outcome.out.splitlines()
    assert first == "the/DET cat/NOUN"
    assert json.loads(second)["words"] == ["sees", "a", "cat"]
    assert re.match(f"error: {message}", outcome.err)


def test_what_comes_before_a_damaged_row_is_answered(tmp_path, varlen):
    sentence = "1\tthe\t_\tDET" + "\t_" * 6 + "\n\n"
    data, file, run = tmp_path / "train.conllu", tmp_path / "new.conllu", tmp_path / "run"
    data.write_text(sentence * 9)
    file.write_text(sentence * 2 + "1\tcat\n\n" + sentence)
    options = ["--units", 2, "--epochs", 1, "--valid-share", 0.5]
    assert varlen("train", "tag", data, "--run", run, *options).status == 0
    outcome = varlen("predict", run, "--file", file)
    assert outcome.status == 2
    assert [json.loads(line)["form"] for line in outcome.out.splitlines()] == [["the"]] * 2
    assert re.search(r"new.conllu, line 5", outcome.err)


def test_standard_input_that_is_not_text(trained, varlen, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(b"the cat\n\xff\xfe\n"), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", stdin)
    outcome = varlen("predict", trained)
    assert outcome.status == 2
    assert outcome.err.startswith("error: expected text in utf-8, found other bytes")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--units", 0], "units: expected at least 1 and at most 65536, found 0"),
        (["--units", 10**9], "units: .* found 1000000000"),
        (["--seed", 10**30], "seed: expected at least 0 and at most 4294967295"),
        (["--learning-rate", "1e300"], "learning_rate: .* at most 1, found 1e.300"),
        (["--epochs", 0], "epochs: expected at least 1"),
        (["--batch-size", -1], "batch_size: expected at least 1"),
        (["--learning-rate", "nan"], "learning_rate: expected a number above 0"),
        (["--seed", -1], "seed: expected at least 0"),
        (["--units", "many"], "Invalid value for '--units'"),
        (["--target", "upso"], r"'upso'(.|\n)*Did you mean 'upos'"),
        (
            ["--target", "words", "--inputs", "words"],
            "expected two features, found 'words' for both",
        ),
        (["--zyx"], r"No such option: --zyx\n  see `varlen train tag --help`"),
    ],
)
def test_options_that_cannot_be(data, tmp_path, varlen, options, message):
    varlen("train", "tag", data, "--run", tmp_path / "run", *options).assert_error(message)
    assert not (tmp_path / "run").exists()


def test_a_run_folder_that_is_there_is_refused_before_any_work(data, trained, tmp_path, varlen):
    varlen("train", "tag", data, "--run", trained).assert_error("is not empty\n.*\n.*--overwrite")
    (tmp_path / "thesis.txt").touch()
    outcome = varlen("train", "tag", tmp_path / "gone", "--run", tmp_path, "--overwrite")
    outcome.assert_error("only a run folder can be overwritten")


def test_overwriting_a_run(data, trained, tmp_path, varlen):
    run = shutil.copytree(trained, tmp_path / "run")
    arguments = ["--run", run, "--overwrite", "--epochs", 1, "--units", 4]
    assert varlen("train", "tag", data, *arguments).status == 0
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 1


def test_data_that_cannot_be_learned_from(tmp_path, varlen):
    def train(folder):
        return varlen("train", "tag", folder, "--run", tmp_path / "run")

    good = (["a", "b"], ["X", "Y"])
    train(tmp_path / "gone").assert_error("no such data folder")
    write_split(tmp_path / "no_valid", "train", good)
    write_split(tmp_path / "empty", "train", good)
    write_split(tmp_path / "empty", "valid", ([], []))
    train(tmp_path / "empty").assert_error("split 'valid' has no steps")
    write_split(tmp_path / "new_tag", "train", good)
    write_split(tmp_path / "new_tag", "valid", (["a"], ["Z"]))
    train(tmp_path / "new_tag").assert_error(
        r"label 'Z' was not in the training split\n  at .*valid"
    )
    write_split(tmp_path / "uneven", "train", good, (["a", "b"], ["X"]))
    write_split(tmp_path / "uneven", "valid", good)
    train(tmp_path / "uneven").assert_error(
        r"expected as many steps in all features, found 2 of 'words' and 1 of 'upos'"
        r"\n  at .*train-.*@ byte \d+"
    )
    write_split(tmp_path / "numbers", "train", ([1, 2], ["X", "Y"]))
    write_split(tmp_path / "numbers", "valid", good)
    train(tmp_path / "numbers").assert_error(r"int64(.|\n)*words")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("damage", ["flip", "cut"])
def test_damaged_records(data, tmp_path, varlen, damage):
    folder = shutil.copytree(data, tmp_path / "data")
    path = folder / "train-00001-of-00002.tfrecord"
    contents = bytearray(path.read_bytes())
    if damage == "flip":
        contents[len(contents) // 2] ^= 1
    else:
        del contents[-3:]
    path.write_bytes(contents)
    outcome = varlen("train", "tag", folder, "--run", tmp_path / "run")
    outcome.assert_error(r"at .*train-00001-of-00002\.tfrecord @ byte \d+")
    assert not (tmp_path / "run").exists()


def test_run_folders_that_cannot_be_used(trained, data, tmp_path, varlen):
    for command in ("evaluate", "predict"):
        varlen(command, tmp_path / "gone").assert_error("no such run folder")
        varlen(command, data).assert_error("not a run folder: it has no config.json")
    run = shutil.copytree(trained, tmp_path / "run")
    weights = bytearray((run / "model.safetensors").read_bytes())
    weights[-5] ^= 1
    (run / "model.safetensors").write_bytes(weights)
    varlen("predict", run, "a").assert_error("the file of weights is damaged: .* another crc32")
    (run / "vocabulary.json").write_text('{"words": 3}')
    varlen("predict", run, "a").assert_error("the file is damaged: expected the CRC-32")
    (run / "vocabulary.json").unlink()
    varlen("predict", run, "a").assert_error("the run has no vocabulary.json")


def test_splits_that_cannot_be_evaluated(trained, tmp_path, varlen):
    varlen("evaluate", trained, "--split", "tset").assert_error("Did you mean 'test'")
    write_split(tmp_path, "test")
    varlen("evaluate", trained, "--data", tmp_path).assert_error("split 'test' has no records")
    write_split(tmp_path, "test", (["the"], ["DTE"]))
    varlen("evaluate", trained, "--data", tmp_path).assert_error(
        r"label 'DTE' was not in the training split\n(.|\n)*Did you mean 'DET'"
    )


def test_without_a_standard_input_predict_says_so(trained, varlen, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    varlen("predict", trained).assert_error("the standard input is closed(.|\n)*--file")
