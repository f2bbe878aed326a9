import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from varlen import RecordIndex, RecordWriter, sequence_example
from varlen.data import BatchLimits, BatchPlan

LENGTHS = [np.random.default_rng(i).integers(1, 60, 150).tolist() for i in range(2)]


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / f"{name}.tfrecord" for name in "ab"]
    for path, lengths in zip(paths, LENGTHS, strict=True):
        with RecordWriter(path) as writer:
            for length in lengths:
                writer.write(
                    sequence_example(sequences={"tokens": [1] * length, "few": [2] * (length // 4)})
                )
    return paths


def found(outcome):
    assert outcome.status == 0, outcome.err
    return json.loads(outcome.out)


def test_the_batches_of_the_same_plan_in_python(varlen, files):
    printed = found(varlen("plan", *files, "--max-steps", 300, "--buckets", 4, "--json"))
    lengths = np.concatenate(LENGTHS)
    planned = BatchPlan(BatchLimits(max_steps=300, oversize="alone"), buckets=4).over(lengths)
    expected = planned.summary(0)
    assert printed["records"] == 300
    assert printed["boundaries"] == list(planned.buckets)
    assert printed["batches"]["num_batches"] == len(planned.batches(0))
    assert printed["batches"]["padding"] == expected.all_batches.padding
    assert [b["num_batches"] for b in printed["buckets"]] == [
        b.num_batches for b in expected.buckets
    ]
    assert printed["naive"]["padding_in_file_order"] == expected.naive_file_order
    assert printed["plan"]["feature"] == "tokens"  # the longest
    assert printed["probe"] is None


def test_prints_tables(varlen, files):
    out = varlen("plan", *files, "--max-steps", 300, "--ranks", 3).out
    assert re.search(r"steps of tokens: [\d,]+ in 300 records of 2 files", out)
    assert re.search(r"this plan, 8 buckets +\d+\.\d\d %  █", out)
    assert re.search(r"\n +all +300 +\d+ ", out)
    assert "each of 3 ranks makes" in out


def test_takes_the_feature_and_lengths_of_the_indexes(varlen, files):
    outcome = varlen("plan", *files, "--batch-size", 16, "--json")
    assert "`varlen index --feature tokens` keeps these" in outcome.err
    assert not RecordIndex.path_beside(files[0]).exists()
    varlen("index", *files, "--feature", "few")
    outcome = varlen("plan", *files, "--batch-size", 16, "--json")
    assert outcome.err == ""
    assert found(outcome)["plan"]["feature"] == "few"
    outcome = varlen("plan", *files, "--batch-size", 16, "--json", "--feature", "tokens")
    assert "2 of 2 files read" in outcome.err
    assert found(outcome)["batches"]["real_steps"] == sum(map(sum, LENGTHS))


def test_windows_bytes_and_what_exceeds_a_limit(varlen, files):
    printed = found(varlen("plan", *files, "--max-padded-steps", 400, "--windows", 5, "--json"))
    assert (printed["buckets"], printed["plan"]["windows"]) == ([], 5)
    outcome = varlen("plan", *files, "--max-bytes", 60, "--batch-size", 4)
    assert re.search(r"\d+ records are batches of their own, for they exceed a limit", outcome.out)


def test_probe_tells_time_and_memory(varlen, files, tmp_path):
    html = tmp_path / "plan.html"
    arguments = ["--max-steps", 1800, "--buckets", 1, "--probe", "--html", html]
    probe = found(varlen("plan", files[0], *arguments, "--json"))["probe"]
    assert "varlen.LSTM(64, 256)" in probe["model"]
    steps = [one["real_steps"] for one in probe["batches"]]
    assert steps == sorted(steps)
    for one in probe["batches"]:
        assert one["seconds"] > 0
        # At least the gates of each step are kept, in float32.
        assert one["num_bytes"] >= 4 * 4 * 256 * one["real_steps"]
    assert len(steps) == 3  # all there are
    assert probe["epoch_seconds"] == pytest.approx(sum(one["seconds"] for one in probe["batches"]))
    assert re.search(r"an epoch takes (\d+ m|\d+\.\d )s</p>", html.read_text())


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.urls = [], 0, []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.rows += tag == "tr"
        self.urls += [value for name, value in attrs if name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        assert tag == "rect"
        assert float(dict(attrs)["width"]) >= 0


def test_a_page_that_needs_nothing_else(varlen, files, tmp_path):
    html = tmp_path / "plan.html"
    outcome = varlen("plan", *files, "--max-steps", 300, "--html", html, "--buckets", 3)
    assert outcome.status == 0
    text = html.read_text()
    tags = Tags(text)
    assert (tags.open, tags.urls) == ([], [])
    assert tags.rows == 1 + 3 + 1
    assert "prefers-color-scheme: dark" in text
    assert "width=device-width" in text
    varlen("plan", *files, "--max-steps", 300, "--html", html).assert_error("there already")
    assert html.read_text() == text


def test_a_picture(varlen, files, tmp_path):
    pytest.importorskip("matplotlib")
    png = tmp_path / "plan.png"
    assert varlen("plan", *files, "--max-steps", 300, "--png", png).status == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    windows = tmp_path / "windows.png"
    assert varlen("plan", *files, "--batch-size", 9, "--windows", 4, "--png", windows).status == 0


def test_without_matplotlib(varlen, files, tmp_path, monkeypatch):
    monkeypatch.setattr("varlen.cli._plan_picture.find_spec", lambda _: None)
    png = tmp_path / "plan.png"
    varlen("plan", *files, "--max-steps", 9, "--png", png).assert_error(
        r"matplotlib is not installed\n  pip install 'varlen\[plot\]'"
    )
    assert not png.exists()
    assert "matplotlib.pyplot" not in sys.modules


def test_files_without_records(varlen, tmp_path):
    path = tmp_path / "empty.tfrecord"
    RecordWriter(path).close()
    outcome = varlen(
        *["plan", path, "--max-steps", 9, "--feature", "a", "--html", tmp_path / "p.html"]
    )
    assert (outcome.status, outcome.out) == (0, "no record in 1 file\n")
    Tags((tmp_path / "p.html").read_text())
    varlen("plan", path, "--max-steps", 9).assert_error("--feature names one")


def test_wrong_arguments(varlen, files, tmp_path):
    varlen("plan", *files).assert_error("found none\n  --max-steps 4096 is a beginning")
    varlen("plan", *files, "--max-steps", 0).assert_error("max-steps")
    both = ["--max-steps", 9, "--buckets", 2, "--windows", 2]
    varlen("plan", *files, *both).assert_error("found both")
    varlen("plan", *files, "--max-steps", 9, "--feature", "token").assert_error("no record has")
    varlen("plan", tmp_path / "no.tfrecord", "--max-steps", 9).assert_error("[Nn]o such file")
    nowhere = tmp_path / "no" / "p.html"
    varlen("plan", *files, "--max-steps", 9, "--html", nowhere).assert_error("no such directory")
    there = varlen("plan", *files, "--max-steps", 9, "--html", files[0])
    there.assert_error(r"is there already\n  at .*\n  give another one$")
    damaged = tmp_path / "damaged.tfrecord"
    damaged.write_bytes(files[0].read_bytes()[:-9])
    for feature in ([], ["--feature", "tokens"]):
        varlen("plan", damaged, "--max-steps", 9, *feature).assert_error("varlen repair")
