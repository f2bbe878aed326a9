import json
import random
import re
import shutil
from html.parser import HTMLParser

import pytest

from varlen import RecordWriter, sequence_example

HOSTILE = "<script>alert('x')</script>\x1b[2J&amp;\"'</table>"


class Page(HTMLParser):
    """A page: its text by section, its tables, and what it asks for from elsewhere."""

    VOID = ("meta", "br", "rect", "line", "circle", "polyline", "path")

    def __init__(self, text):
        super().__init__()
        self.open, self.urls, self.scripts = [], [], 0
        self.sections, self.tables, self.tiles = {"": ""}, {}, {}
        self.where = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.urls += [value for name, value in attrs if name in ("src", "href", "action")]
        self.scripts += tag == "script"
        if tag == "section":
            self.where = found["id"]
            self.sections[self.where] = ""
        if tag == "table":
            self.tables.setdefault(self.where, []).append([])
        if tag == "tr":
            self.tables[self.where][-1].append([])
        if tag in ("td", "th"):
            self.tables[self.where][-1][-1].append("")
        if tag == "div" and found.get("class") == "tile":
            self.tile = []
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in self.VOID
        for name, value in attrs:
            if name in ("x", "y", "width", "height", "cx", "cy", "x1", "x2", "y1", "y2"):
                assert -1 <= float(value) < 10_000, (tag, name, value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "section":
            self.where = ""

    def handle_data(self, data):
        self.sections[self.where] += data
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[self.where][-1][-1][-1] += data
        if self.open[-2:-1] == ["div"] and self.open[-1] in ("span", "b", "small"):
            self.tile.append(data)
            if self.open[-1] == "small":
                self.tiles[self.tile[0]] = self.tile[1:]


def page_of(varlen, run, *arguments):
    outcome = varlen("report", run, *arguments)
    assert outcome.status == 0, outcome.err
    page = Page((run / "report.html").read_text())
    assert page.urls == []
    assert page.scripts == 0
    return page


@pytest.fixture
def run(trained, tmp_path):
    """A copy, since a report is left in the run folder."""
    return shutil.copytree(trained, tmp_path / "tagger")


def percent(share):
    return f"{100 * share:.2f} %"


def test_the_figures_are_those_of_evaluate(run, varlen):
    found = json.loads(varlen("evaluate", run, "--json").out)
    page = page_of(varlen, run)
    accuracy, loss = (found["metrics"][name] for name in ("accuracy", "loss"))
    assert page.tiles["accuracy, test"][0] == percent(accuracy["value"])
    low, high = accuracy["interval"]
    assert page.tiles["accuracy, test"][1] == (
        f"{percent(low)} to {percent(high)}; {accuracy['count']:,} steps"
    )
    assert page.tiles["loss, test"][0] == f"{loss['value']:.4f}"

    [by_class] = page.tables["by-class"]
    assert by_class == [
        ["tag", "precision", "recall", "F1", "count"],
        *(
            [r["name"], *(percent(r[k]) for k in ("precision", "recall", "f1")), f"{r['total']:,}"]
            for r in found["by_class"]
        ),
    ]
    [by_length] = page.tables["by-length"]
    assert by_length[1:] == [
        [
            f"{r['least']} to {r['most']}" if r["least"] < r["most"] else str(r["least"]),
            str(r["num_sequences"]),
            percent(r["value"]),
            " to ".join(map(percent, r["interval"])),
        ]
        for r in found["by_length"]
    ]
    [calibration] = page.tables["calibration"]
    assert sum(int(row[0].replace(",", "")) for row in calibration[1:]) == accuracy["count"]
    assert f"error: {percent(found['calibration_error'])}." in page.sections["calibration"]


def test_curves_times_and_settings_are_those_of_the_run_folder(run, varlen):
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    page = page_of(varlen, run)
    [curves] = page.tables["curves"]
    assert curves[0] == ["epoch", "step", "train accuracy", "valid accuracy"]
    assert [line[3] for line in curves[1:]] == [percent(row["valid_accuracy"]) for row in rows]
    [times] = page.tables["times"]
    assert {row[0] for row in times[1:-1]} == {
        "waiting for data",
        "learning: forward, backward and step",
        "validation",
        "saving",
    }
    assert times[-1][0] == "all"
    shares = [float(row[2].removesuffix(" %")) for row in times[1:-1]]
    assert sum(shares) == pytest.approx(100, abs=0.1)
    settings, environment = page.tables["settings"]
    assert ["model.units", "8"] in settings
    assert ["training.learning_rate", "0.02"] in settings
    assert {"torch", "processor", "python"} <= {row[0] for row in environment}
    config = json.loads((run / "config.json").read_text())
    assert f"{config['parameters']:,} parameters" in page.sections[""]


def test_the_page_fits_a_telephone_and_the_dark(run, varlen):
    page_of(varlen, run)
    text = (run / "report.html").read_text()
    assert "prefers-color-scheme: dark" in text
    assert "width=device-width" in text


def test_the_hardest_sequences_show_what_was_given_and_what_is_right(run, tmp_path, varlen):
    folder = tmp_path / "data"
    folder.mkdir()
    with RecordWriter(folder / "test-00000-of-00001.tfrecord") as writer:
        for tags in (["DET", "NOUN"], ["NOUN", "DET"], []):
            words = ["the", "cat"][: len(tags)]
            writer.write(
                sequence_example(
                    context={"note": HOSTILE}, sequences={"words": words, "upos": tags}
                )
            )
    page = page_of(varlen, run, "--data", folder)
    worst = page.sections["worst"]
    assert "2 sequences of the highest mean loss" in worst
    # The model was trained to know that "the" is a DET, whatever this record says.
    first = worst.index("record 1 ")
    assert first < worst.index("record 0 ")
    assert "the DET, not NOUN" in worst
    assert "\x1b" not in worst
    assert worst.count("<script>alert('x')</script>\\x1b[2J&amp;") == 2


def test_names_that_are_html_stay_text(tmp_path, varlen):
    folder = tmp_path / "data"
    folder.mkdir()
    for split in ("train", "valid", "test"):
        with RecordWriter(folder / f"{split}-00000-of-00001.tfrecord") as writer:
            for i in range(12):
                tags = ["plain", HOSTILE][: 1 + i % 2]
                writer.write(
                    sequence_example(sequences={"words": [HOSTILE, "b"][: len(tags)], "upos": tags})
                )
    run = tmp_path / "<b>run & co"
    options = ["--units", 2, "--epochs", 1]
    assert varlen("train", "tag", folder, "--run", run, *options).status == 0
    page = page_of(varlen, run)
    assert "<b>run & co" in page.sections[""]
    # Control characters are written out, as on a terminal.
    shown = HOSTILE.replace("\x1b", "\\x1b")
    assert shown in [row[0] for row in page.tables["by-class"][0]]


def test_without_a_split_test_the_split_valid_is_shown(trained, data, tmp_path, varlen):
    fewer = tmp_path / "data"
    shutil.copytree(data, fewer, ignore=lambda _, names: [n for n in names if "test" in n])
    run = shutil.copytree(trained, tmp_path / "run")
    page = page_of(varlen, run, "--data", fewer)
    assert "accuracy, valid" in page.tiles
    varlen("report", run, "--data", fewer, "--split", "test").assert_error("no split 'test'")


def test_a_run_whose_first_epoch_is_not_done(run, varlen):
    (run / "model.safetensors").unlink()
    (run / "metrics.jsonl").unlink()
    page = page_of(varlen, run)
    assert "No epoch is done yet." in page.sections[""]
    assert "Not evaluated: the run has no model yet" in page.sections[""]
    assert page.sections.keys() == {"", "settings"}
    varlen("report", run, "--split", "valid").assert_error("has no model yet")


def test_a_run_that_was_interrupted_or_whose_data_are_gone(run, varlen):
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(lines[:3]))
    config = json.loads((run / "config.json").read_text())
    config["data"] = "/nowhere/at/all"
    (run / "config.json").write_text(json.dumps(config))
    page = page_of(varlen, run)
    assert "Epoch 3 of 8 is done" in page.sections[""]
    assert "the data of the training are gone: /nowhere/at/all" in page.sections[""]
    assert page.sections.keys() == {"", "curves", "times", "settings"}


def test_a_run_of_before_there_were_stages_and_curves(run, varlen):
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        del row["stages"], row["curve"]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = json.loads((run / "config.json").read_text())
    del config["parameters"], config["environment"]
    (run / "config.json").write_text(json.dumps(config))
    page = page_of(varlen, run)
    assert "times" not in page.sections
    assert page.tables["curves"][0][1][0] == "1"


def test_where_the_page_goes(run, tmp_path, varlen):
    assert varlen("report", run).status == 0
    assert varlen("report", run).status == 0  # its own page is replaced
    out = tmp_path / "page.html"
    assert re.match(r".*page\.html: \d+ kB", varlen("report", run, "-o", out).out)
    varlen("report", run, "-o", out).assert_error("there already(.|\n)*--overwrite")
    assert varlen("report", run, "-o", out, "--overwrite").status == 0
    varlen("report", run, "-o", tmp_path / "gone" / "page.html").assert_error("no such directory")
    varlen("report", tmp_path / "gone").assert_error("no such run folder")
    (run / "metrics.jsonl").write_text('{"epoch":')
    varlen("report", run).assert_error("the file is damaged(.|\n)*metrics.jsonl")


def series(draw):
    length = draw.randrange(4, 9)
    return {"values": [[draw.random() + t, 1.0] for t in range(length)]}


def chords(draw):
    return {"notes": [[60 + draw.randrange(5), 72] for _ in range(draw.randrange(3, 8))]}


def words(draw):
    return {"tokens": [draw.choice("abc") for _ in range(draw.randrange(3, 8))]}


def labelled(draw):
    return {**words(draw), "label": draw.choice(["yes", "no"])}


def measured(draw):
    values = [[draw.random(), draw.random()] for _ in range(draw.randrange(3, 8))]
    return {"values": values, "target": sum(map(sum, values))}


@pytest.mark.parametrize(
    ("task", "make"),
    [
        ("music", chords),
        ("lm", words),
        ("forecast", series),
        ("classify", labelled),
        ("regress", measured),
    ],
)
def test_every_task_has_a_report(task, make, tmp_path, varlen):
    draw = random.Random(0)
    folder = tmp_path / "data"
    folder.mkdir()
    for split, count in {"train": 12, "valid": 5, "test": 7}.items():
        lines = [json.dumps(make(draw)) for _ in range(count)]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    run = tmp_path / "run"
    options = ["--units", 3, "--epochs", 2]
    outcome = varlen("train", task, folder, "--run", run, *options)
    assert outcome.status == 0, outcome.err
    found = json.loads(varlen("evaluate", run, "--json").out)
    page = page_of(varlen, run)
    has_classes = bool(found["by_class"])
    assert has_classes == (task == "classify")
    assert ("by-class" in page.sections) == has_classes
    for name, metric in found["metrics"].items():
        value = metric["value"]
        assert page.tiles[f"{name}, test"][0] in (f"{value:.4f}", percent(value))
    assert page.sections["worst"].count("loss ") >= 7
    if task in ("forecast", "regress"):
        assert "best at 80.00 %; " in page.tiles["coverage, test"][1]
        assert "coverage, best at 80.00 %" in page.sections["curves"]


def test_what_was_predicted_stands_with_the_hardest_sequences(tmp_path, varlen):
    """And is what `varlen predict` says."""
    draw, folder = random.Random(0), tmp_path / "data"
    folder.mkdir()
    made = [measured(draw) for _ in range(7)]
    for split in ("train", "valid", "test"):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    run = tmp_path / "run"
    assert varlen("train", "regress", folder, "--run", run, "--epochs", 2).status == 0
    lines = varlen("predict", run, "--file", folder / "test.jsonl").out.splitlines()
    worst = page_of(varlen, run).sections["worst"]
    assert "with what was predicted: the median, from the lowest to the highest quantile" in worst
    for number, line in enumerate(lines):
        said = json.loads(line)["predicted"]
        least, most = said["quantiles"]["0.1"], said["quantiles"]["0.9"]
        found = re.search(rf"record {number} · loss \S+ · \S+ @ byte [\d,]+?(.*?)target: ", worst)
        assert found[1].endswith(f"{said['target']:.4g} ({least:.4g} to {most:.4g})")


def test_a_run_without_a_setting_has_its_default(run, varlen):
    config = json.loads((run / "config.json").read_text())
    del config["settings"]["model"]["layers"], config["settings"]["training"]
    (run / "config.json").write_text(json.dumps(config))
    page = page_of(varlen, run)
    assert ", 1 deep, " in page.sections[""]
    assert ["model.layers", "1"] in page.tables["settings"][0]
    assert "training.epochs" in [row[0] for row in page.tables["settings"][0]]


def test_figures_that_are_not_finite_are_not_drawn(run, varlen):
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for row in rows[1:]:
        row["valid_loss"], row["train_loss"] = float("nan"), float("inf")
        row["curve"] = [[step, float("nan")] for step, _ in row["curve"]]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page_of(varlen, run)
    assert "nan" not in re.sub(r"<table>.*?</table>", "", (run / "report.html").read_text())


def test_whole_spans_have_a_table(tmp_path, varlen):
    rows = [["B-PER", "I-PER", "O"], ["O", "B-LOC"]] * 4
    for split in ("train", "valid", "test"):
        lines = [json.dumps({"words": list("abc"[: len(row)]), "tags": row}) for row in rows]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    run = tmp_path / "run"
    assert varlen("train", "tag", tmp_path, "--run", run, "--units", 2, "--epochs", 1).status == 0
    found = json.loads(varlen("evaluate", run, "--json").out)["by_span"]
    assert {row["name"]: row["total"] for row in found} == {"PER": 4, "LOC": 4, "all spans": 8}
    assert re.search(r"\nspan +precision(.|\n)*\nall spans +[\d.]+ %", varlen("evaluate", run).out)
    _, spans = page_of(varlen, run).tables["by-class"]
    assert [line[0] for line in spans[1:]] == [row["name"] for row in found]
    assert [line[3] for line in spans[1:]] == [percent(row["f1"]) for row in found]


def test_the_ends_that_were_held_out_have_a_report(tmp_path, varlen):
    draw = random.Random(1)
    rows = [series(draw) for _ in range(30)]
    for row in rows:
        row["kind"] = ["cold"] * len(row["values"])
    (tmp_path / "series.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run, options = tmp_path / "run", ["--units", 3, "--epochs", 1, "--valid-share", 0.4]
    outcome = varlen("train", "forecast", tmp_path / "series.jsonl", "--run", run, *options)
    assert outcome.status == 0, outcome.err
    page = page_of(varlen, run)
    assert "30 sequences of the split valid" in page.sections["lengths"]
    assert "20 sequences of the highest mean loss" in page.sections["worst"]
    assert len(set(re.findall(r"record (\d+) ", page.sections["worst"]))) == 20
    # A series is drawn, whatever text stands beside it.
    assert (run / "report.html").read_text().count('<polyline class="bar thin"') == 40
    assert "kind, " in page.sections["worst"]


def test_what_the_hardest_sequences_are_made_of_is_drawn(tmp_path, varlen):
    draw = random.Random(2)
    vectors = [[float(i) for i in range(13)], [0.5] * 13, [0.25] * 13]
    beside = [[1.0, float("nan"), 3.0, 4.0, 5.0]] * 2
    wide = [{"values": vectors, "more": beside, "label": draw.choice("ab")} for _ in range(9)]
    music = [chords(draw) for _ in range(9)]
    written = {}
    for task, rows in (("classify", wide), ("music", music)):
        folder, run = tmp_path / f"of {task}", tmp_path / task
        folder.mkdir()
        for split in ("train", "valid"):
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (folder / f"{split}.jsonl").write_text(lines)
        options = ["--units", 2, "--epochs", 1]
        options += ["--inputs", "values"] if task == "classify" else []
        assert varlen("train", task, folder, "--run", run, *options).status == 0
        page_of(varlen, run)
        written[task] = (run / "report.html").read_text()
    shades, rolls = (
        re.findall(r'<path class="bar" d="([^"]+)"', written[task]) for task in written
    )
    # A number that is not finite is left out.
    assert sum(shade.count("M") for shade in shades) == (3 * 13 + 2 * 4) * len(wide)
    assert len(shades) > 2 * len(wide)
    assert sorted(roll.count("M") for roll in rolls) == sorted(
        sum(map(len, row["notes"])) for row in music
    )


def test_a_text_has_its_lines_and_says_where_it_was_cut(tmp_path, varlen):
    (tmp_path / "text.txt").write_text("one line & more\n" * 200)
    run = tmp_path / "run"
    options = ["--units", 2, "--epochs", 1, "--valid-share", 0.5]
    assert varlen("train", "lm", tmp_path / "text.txt", "--run", run, *options).status == 0
    page = page_of(varlen, run)
    written = (run / "report.html").read_text()
    assert "text: one line &amp; more<br>one line &amp; more<br>" in written
    assert written.count("one line &amp; more<br>") == 25
    assert "…" in page.sections["worst"]
    assert "1 sequence of the highest mean loss" in page.sections["worst"]
    assert page.tiles["training"][1].startswith("1 epoch, ")
