"""Training, evaluation and prediction straight from files that are not record files."""

import csv
import gzip
import json
import re
from pathlib import Path

import pytest

from tiny_corpus import sentences
from varlen import RecordReader
from varlen.features import Profile, Schema

OPTIONS = ["--units", 2, "--epochs", 1, "--inputs", "form", "--target", "upos"]
SPLITS = ("train", "dev", "test")
CORPUS = {
    split: [{"form": s["words"], "upos": s["upos"]} for s in sentences(15, seed=i) if s["words"]]
    for i, split in enumerate(SPLITS)
}


def write_json_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_gzip(path, rows):
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))


def write_csv(path, rows):
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["form", "upos"])
        table.writerows([json.dumps(row["form"]), json.dumps(row["upos"])] for row in rows)


def write_conllu(path, rows):
    lines = []
    for row in rows:
        for i, (word, tag) in enumerate(zip(row["form"], row["upos"], strict=True), 1):
            lines.append(f"{i}\t{word}\t_\t{tag}\t_\t_\t0\troot\t_\t_")
        lines.append("")
    path.write_text("\n".join(lines) + "\n")


def write_parquet(path, rows):
    pytest.importorskip("pyarrow")
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


FORMATS = {
    "jsonl": write_json_lines,
    "jsonl.gz": write_gzip,
    "csv": write_csv,
    "conllu": write_conllu,
    "parquet": write_parquet,
}


def write_corpus(folder, suffix):
    folder.mkdir()
    for split, rows in CORPUS.items():
        FORMATS[suffix](folder / f"en-{split}.{suffix}", rows)
    return folder


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    """The run of a model that was trained on JSON Lines."""
    from varlen.cli import main

    folder = tmp_path_factory.mktemp("tagger")
    data = write_corpus(folder / "corpus", "jsonl")
    with pytest.raises(SystemExit) as ended:
        main(["train", "tag", str(data), "--run", str(folder / "run"), *map(str, OPTIONS)])
    assert ended.value.code == 0
    return folder / "run"


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_data_in_any_format_gives_the_same_model(suffix, tagger, tmp_path, varlen):
    data = write_corpus(tmp_path / "data", suffix)
    run = tmp_path / "run"
    outcome = varlen("train", "tag", data, "--run", run, *OPTIONS)
    assert outcome.status == 0
    count = sum(map(len, CORPUS.values()))
    said = f"{count} records made of en-dev.{suffix} and 2 more in {run / 'data'}"
    assert outcome.err.splitlines()[0] == said
    assert (run / "model.safetensors").read_bytes() == (tagger / "model.safetensors").read_bytes()

    figures = json.loads(varlen("evaluate", tagger, "--json").out)
    other = varlen("evaluate", tagger, "--data", data, "--json")
    assert json.loads(other.out) == figures
    file = varlen("evaluate", tagger, "--data", data / f"en-test.{suffix}", "--json")
    assert json.loads(file.out) == figures


@pytest.mark.parametrize("suffix", [*FORMATS, "tfrecord"])
def test_files_of_any_format_are_predicted_in_their_order(suffix, tagger, tmp_path, varlen):
    if suffix == "tfrecord":
        path = tagger / "data" / "test-00000-of-00001.tfrecord"
    else:
        path = tmp_path / f"asked.{suffix}"
        FORMATS[suffix](path, CORPUS["test"])
    rows = [json.loads(line) for line in varlen("predict", tagger, "--file", path).out.splitlines()]
    assert [row["form"] for row in rows] == [row["form"] for row in CORPUS["test"]]
    alone = varlen("predict", tagger, *(" ".join(row["form"]) for row in rows)).out.splitlines()
    predicted = [
        " ".join(f"{word}/{tag}" for word, tag in zip(row["form"], tags, strict=True))
        for row in rows
        for tags in [row["predicted"]["upos"]]
    ]
    assert predicted == alone


def test_a_file_without_the_name_of_a_split_is_the_split_that_is_evaluated(
    tagger, tmp_path, varlen
):
    write_json_lines(tmp_path / "other.jsonl", CORPUS["test"])
    arguments = ["evaluate", tagger, "--data", tmp_path / "other.jsonl", "--json"]
    figures = json.loads(varlen("evaluate", tagger, "--json").out)
    assert json.loads(varlen(*arguments).out) == figures
    assert json.loads(varlen(*arguments, "--split", "dev").out) == {**figures, "split": "dev"}


def test_a_table_with_a_line_for_each_step(tmp_path, varlen):
    lines = ["recording,time,x,y,label"]
    for number in range(40):
        is_up = number % 2 == 0
        for t in range(3 + number % 3):
            lines.append(f"r{number},{t},{t if is_up else -t},0.5,{'up' if is_up else 'down'}")
    table = tmp_path / "steps.csv"
    table.write_text("\n".join(lines) + "\n")
    layout = ["--group-by", "recording", "--context", "label"]
    inputs = ["--inputs", "x", "--inputs", "y", "--target", "label"]
    training = ["--units", 4, "--epochs", 6, "--learning-rate", 0.05]
    run = tmp_path / "run"
    outcome = varlen("train", "classify", table, "--run", run, *layout, *inputs, *training)
    assert outcome.status == 0
    found = json.loads(varlen("evaluate", run, "--data", table, *layout, "--json").out)
    expected = {"value": 1.0, "interval": [1.0, 1.0], "count": 40, "best_at": None}
    assert found["metrics"]["accuracy"] == expected
    outcome = varlen("predict", run, "--file", table, *layout)
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert [row["recording"] for row in rows] == [f"r{number}" for number in range(40)]
    assert [row["predicted"]["label"] for row in rows] == ["up", "down"] * 20


def test_forecasts_of_a_table(tmp_path, varlen):
    lines = ["series,level,hour"]
    lines += [f"s{n},{10 * n + t % 2},{t % 4}" for n in range(12) for t in range(4 + n)]
    table = tmp_path / "series.csv"
    table.write_text("\n".join(lines) + "\n")
    layout = ["--group-by", "series", "--context", "series"]
    options = ["--target", "level", "--inputs", "hour", "--horizon", 2, "--units", 4]
    run = tmp_path / "run"
    arguments = ["train", "forecast", table, "--run", run, "--epochs", 2, *layout, *options]
    outcome = varlen(*arguments, "--valid-share", 0.01)
    assert re.search("no series is so long(.|\n)*say a larger --valid-share", outcome.err)
    outcome = varlen(*arguments)
    assert outcome.status == 0
    assert "12 sequences to learn from, the last 10% of their steps held out" in outcome.err
    assert "level: 1 number per step, hour: 4 ids; 2 steps ahead" in outcome.err
    arguments[arguments.index("--run") + 1] = tmp_path / "other"
    outcome = varlen(*arguments[: -len(layout + options)])
    assert re.search("expected a feature list, found none(.|\n)*--group-by COLUMN", outcome.err)
    found = json.loads(varlen("evaluate", run, "--data", table, *layout, "--json").out)["metrics"]
    assert set(found) == {"loss", "MAE", "RMSE", "coverage", "MAE 1 ahead", "MAE 2 ahead"}
    assert found["MAE"]["count"] == sum(2 * (4 + n - 2) + 1 for n in range(12))
    lines = varlen("predict", run, "--file", table, *layout).out.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["series"] for row in rows] == [f"s{n}" for n in range(12)]
    for row in rows:
        low, middle, high = row["predicted"]["quantiles"].values()
        assert row["predicted"]["level"] == middle
        assert len(middle) == 2
        assert all(a <= b <= c for a, b, c in zip(low, middle, high, strict=True))


def test_text_that_is_cut_into_words(tmp_path, varlen):
    rows = [{"text": text, "label": text[:4]} for text in ("good film", "poor old film")] * 20
    write_json_lines(tmp_path / "reviews.jsonl", rows)
    run, arguments = tmp_path / "run", ["train", "classify", tmp_path / "reviews.jsonl", "--run"]
    options = ["--units", 4, "--epochs", 6, "--learning-rate", 0.05, "--words", "text"]
    assert varlen(*arguments, run, *options).status == 0
    lines = varlen("predict", run, '{"text": "good film"}', "poor film").out.splitlines()
    assert json.loads(lines[0])["predicted"]["label"] == "good"
    assert lines[1].startswith("poor\t")
    write_json_lines(tmp_path / "reviews.jsonl", [*rows, {"text": 3, "label": "good"}])
    varlen(*arguments, tmp_path / "other", *options).assert_error(
        r"expected text to cut into words, found 3\n  at .*reviews.jsonl, line 41, key 'text'"
    )


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_label_that_training_had_not_is_named_by_its_file_and_line(suffix, tmp_path, varlen):
    data = write_corpus(tmp_path / "data", suffix)
    bad = [*CORPUS["dev"][:2], {"form": ["a", "b"], "upos": ["DET", "NEW"]}]
    FORMATS[suffix](data / f"en-dev.{suffix}", bad)
    line = sum(len(row["form"]) + 1 for row in CORPUS["dev"][:2]) + 1
    place = {"csv": "line 4", "conllu": f"line {line}", "parquet": "row 2"}.get(suffix, "line 3")
    run = tmp_path / "run"
    outcome = varlen("train", "tag", data, "--run", run, *OPTIONS)
    assert outcome.status == 2
    message = (
        rf"error: label 'NEW' was not in the training split\n  at .*/en-dev.{suffix}, {place}\n"
    )
    assert re.search(message, outcome.err)
    assert not (run / "config.json").exists()


def test_a_line_that_is_no_json_is_named_and_nothing_is_left(tmp_path, varlen):
    (tmp_path / "train.jsonl").write_text('{"form": ["a"], "upos": ["X"]}\n{"form": \n')
    run = tmp_path / "run"
    outcome = varlen("train", "tag", tmp_path / "train.jsonl", "--run", run, *OPTIONS)
    outcome.assert_error(r"not JSON(.|\n)*train.jsonl, line 2")
    assert not run.exists() or not list(run.iterdir())


def test_records_are_made_anew_where_their_source_or_its_meaning_has_changed(tmp_path, varlen):
    path = tmp_path / "corpus.jsonl"
    rows = [{**row, "part": split} for split, rows in CORPUS.items() for row in rows]
    write_json_lines(path, rows)
    arguments = ["train", "tag", path, "--run", tmp_path / "run", *OPTIONS, "--split-by", "part"]
    said = f"records made of corpus.jsonl in {tmp_path / 'run' / 'data'}"
    assert said in varlen(*arguments).err
    assert said not in varlen(*arguments, "--overwrite").err
    assert said in varlen(*arguments[:-2], "--overwrite").err
    write_json_lines(path, rows[1:])
    assert f"{len(rows) - 1} {said}" in varlen(*arguments, "--overwrite").err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--context", "label"], "--context: expected --group-by beside it"),
        (["--group-by", "form"], "--group-by is for csv and tsv"),
        (["--split-by", "part"], r"no key 'part' to name the split\n  at .*line 1"),
    ],
)
def test_options_of_reading_that_cannot_be(options, message, tmp_path, varlen):
    write_json_lines(tmp_path / "train.jsonl", CORPUS["train"])
    arguments = ["train", "tag", tmp_path / "train.jsonl", "--run", tmp_path / "run", *OPTIONS]
    varlen(*arguments, *options).assert_error(message)


def test_options_of_reading_that_would_do_nothing(tagger, varlen):
    records = tagger / "data"
    message = "--words is for files that are not record files yet"
    varlen("train", "tag", records, "--run", records / "x", "--words", "form").assert_error(message)
    varlen("evaluate", tagger, "--words", "form").assert_error("--words is for --data")
    varlen("predict", tagger, "a b", "--words", "form").assert_error(
        "--words is for files of other formats than lines"
    )


def test_files_that_cannot_be_data(tagger, tmp_path, varlen):
    def train(*paths):
        return varlen("train", "tag", *paths, "--run", tmp_path / "run", *OPTIONS)

    (tmp_path / "empty").mkdir()
    train(tmp_path / "empty").assert_error("no data files in the folder")
    (tmp_path / "train.jsonl").write_text("")
    train(tmp_path / "train.jsonl").assert_error("expected a record at least, found none")
    (tmp_path / "train.csv").write_text("")
    train(tmp_path / "train.csv").assert_error("expected a header, found an empty file")
    train(tmp_path / "train.csv", tmp_path / "train.jsonl").assert_error(
        "expected files of one format, found csv .* and jsonl"
    )
    train(tmp_path / "notes.md").assert_error("no such data folder or file")
    (tmp_path / "train.jsonl").write_text("{}")
    train(tmp_path / "train.jsonl", tmp_path / "train.jsonl").assert_error("more than once")
    train(tagger).assert_error("expected data, found the folder of a run\n.*\n.*--resume")
    (tmp_path / "notes.md").write_text("")
    train(tmp_path / "notes.md").assert_error("cannot tell the format of the file by its name")
    train(tagger / "data" / "test-00000-of-00001.tfrecord").assert_error(
        "expected the folder of record files, found a record file"
    )
    varlen("predict", tagger, "--file", tmp_path / "none.csv").assert_error("none.csv")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"form": ["a"]}\n' * 9)[:-9])
    outcome = varlen("predict", tagger, "--file", tmp_path / "cut.jsonl.gz")
    assert outcome.status == 2
    assert "the gzip file is damaged" in outcome.err


@pytest.mark.parametrize(
    ("name", "labels", "steps"),
    [("fsdd_mfcc", 10, (115_576, 12_624)), ("japanese_vowels", 9, (4_274, 5_687))],
)
def test_data_sets_of_arrays_are_what_their_readme_says(name, labels, steps, tmp_path, varlen):
    source = Path(__file__).parents[2] / "data" / name / f"{name}.npz"
    assert varlen("convert", source, tmp_path / "data").status == 0
    found = []
    for split in ("train", "test"):
        files = tmp_path / "data" / f"{split}-00000-of-00001.tfrecord"
        with RecordReader(files) as records:
            profile = Profile()
            profile.add(list(records), str)
        extent = Schema.from_profile(profile).context["labels"].values
        assert (extent.least, extent.most) == (0, labels - 1)
        found.append(profile.feature_lists["values"].lengths.sum())
    assert tuple(found) == steps


def test_a_file_of_settings_says_how_data_is_read(tmp_path, varlen):
    rows = [
        {"text": "a b c", "label": i % 2, "part": part}
        for part in ("train", "dev")
        for i in range(4)
    ]
    source, config = tmp_path / "reviews.jsonl", tmp_path / "run.toml"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    config.write_text('[data]\nwords = ["text"]\nsplit_by = "part"\n[training]\nepochs = 1\n')
    arguments = ("train", "classify", source, "--run", tmp_path / "run", "--config", config)
    assert "4 sequences to learn from, 4 to validate; text: 3 words" in varlen(*arguments).err
    outcome = varlen(*arguments, "--split-by", "pat", "--overwrite")
    outcome.assert_error("no key 'pat' to name the split")
    config.write_text('[data]\nsplitby = "part"\n')
    varlen(*arguments).assert_error("no setting 'splitby'\n.*: data\n.*mean 'split_by'")
    config.write_text('[data]\nwords = "text"\n')
    varlen(*arguments).assert_error("words: expected a list of strings, found 'text'")
    config.write_text('[data]\nsplit_by = ["text"]\n')
    varlen(*arguments).assert_error("split_by: expected a string, found \\['text'\\]")
    config.write_text("[data]\nepochs = 1\n")
    varlen(*arguments).assert_error("of the table .training.")


def test_what_is_said_of_data_that_is_not_read_as_it_seems_to_be_meant(tmp_path, varlen):
    source = tmp_path / "reviews.jsonl"
    rows = [
        {"text": "a b c", "label": i % 2, "split": split}
        for split in ("train", "test")
        for i in range(9)
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ("train", "classify", source, "--run", tmp_path / "run", "--epochs", 1)
    outcome = varlen(*arguments)
    assert "--words makes steps of the words of a text: split, text" in outcome.err
    assert "note: all records are taken as train, though their 'split' says test, train" in (
        outcome.err
    )
    outcome = varlen(*arguments, "--words", "text", "--split-by", "split", "--valid-share", 0.5)
    assert outcome.status == 0
    assert "note: " not in outcome.err
    outcome = varlen(
        *arguments, "--words", "text", "--split-by", "split", "--inputs", "text,x", "--overwrite"
    )
    outcome.assert_error("no feature list 'text,x'(.|\n)*say --inputs for each of them")


def test_integers_are_ids_or_numbers(tmp_path, varlen):
    source, run = tmp_path / "train.jsonl", tmp_path / "run"
    rows = [{"values": [i, 2 * i, 9], "w": ["a"] * 3, "label": i % 2} for i in range(40)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    inputs = ("--inputs", "values", "--inputs", "w", "--epochs", 1, "--overwrite")
    arguments = ("train", "classify", source, "--run", run, *inputs)
    assert "values: 56 ids" in varlen(*arguments).err
    outcome = varlen(*arguments, "--numbers", "values")
    assert "values: 1 number per step, w: 1 words" in outcome.err
    stored = json.loads((run / "vocabulary.json").read_text())["inputs"]["values"]
    assert stored["kind"] == "vectors"
    assert stored["mean"][0] == pytest.approx(22.5, abs=4)  # of all but what is held out
    varlen(*arguments, "--numbers", "w").assert_error(
        "expected inputs of integers, found 'w': text"
    )
    varlen(*arguments, "--numbers", "x").assert_error("numbers: expected names of inputs, found x")
    varlen("train", "lm", source, "--run", run, "--numbers", "w").assert_error(
        "numbers: tokens are words, characters or ids(.|\n)*a setting of tag"
    )
