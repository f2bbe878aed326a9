import json
import os
import re
import sys

import numpy as np
import pytest

from varlen import RecordIndex, RecordWriter, Schema, example
from varlen.cli._padding import padding_of
from varlen.features import SequenceExample, sequence_example
from wire_messages import delimited


def write(path, records, **options):
    with RecordWriter(path, **options) as writer:
        writer.write_many(records)
    return path


def record(steps, **context):
    context = {"id": f"s{steps}", "sizes": [1, 2, 3], **context}
    return sequence_example(context, {"x": [[0.5] * 2] * steps, "words": ["é"] * steps})


@pytest.fixture
def records(tmp_path):
    made = [*map(record, (0, 1, 1, 4)), sequence_example(context={"id": b"\xff"})]
    return write(tmp_path / "a.tfrecord", made, compression="GZIP")


@pytest.fixture
def flipped(tmp_path):
    """A file of which the second of four records is damaged."""
    path = write(tmp_path / "flipped.tfrecord", [record(n) for n in (1, 2, 3, 4)])
    damaged = bytearray(path.read_bytes())
    damaged[RecordIndex.build(path).offsets[1] + 20] ^= 1
    path.write_bytes(damaged)
    return path


def cells(text):
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


class TestReport:
    def test_files_and_features_are_described(self, records, varlen):
        outcome = varlen("inspect", records)
        assert (outcome.status, outcome.err) == (0, "")
        described = cells(outcome.out)
        assert [str(records), "5", f"{records.stat().st_size:,}", "GZIP"] in described
        assert ["id", "context", "string", "all", "1", "1", "1 to 2 bytes"] in described
        assert ["sizes", "context", "int64", "4", "3", "3", "1 to 3"] in described
        assert ["words", "lists", "string", "4", "0 to 4", "1", "1", "2 bytes"] in described
        assert ["x", "lists", "float32", "4", "0 to 4", "1", "2", "0.5"] in described

    def test_several_files_are_summed(self, records, varlen):
        outcome = varlen("inspect", records, records)
        assert ["2 files", "10", f"{2 * records.stat().st_size:,}", "GZIP"] in cells(outcome.out)

    def test_many_files_and_features_are_not_all_shown(self, tmp_path, varlen):
        for i in range(25):
            write(tmp_path / f"{i:02}.tfrecord", [record(i)])
        wide = write(tmp_path / "wide", [example({f"f{i:03}": i for i in range(120)})])
        described = cells(varlen("inspect", tmp_path / "*.tfrecord").out)
        assert [line[:2] for line in described[20:23]] == [
            [str(tmp_path / "19.tfrecord"), "1"],
            ["5 more", "5"],
            ["25 files", "25"],
        ]
        shown = varlen("inspect", wide).out
        assert "f099" in shown
        assert "f100" not in shown
        assert "and 20 more" in shown

    def test_the_lengths_of_the_longest_list_are_drawn(self, tmp_path, varlen):
        lengths = [1] * 6 + [2] * 3 + [5]
        made = [sequence_example(sequences={"a": ["x"], "b": [1] * n}) for n in lengths]
        outcome = varlen("inspect", write(tmp_path / "f", made))
        lines = outcome.out.splitlines()
        at = lines.index("steps of b: 17 in 10 records; mean 1.7, median 1, 99 % at most 5")
        drawn = [line.split() for line in lines[at + 1 : at + 6]]
        assert [line[:2] for line in drawn] == [
            ["1", "6"],
            ["2", "3"],
            ["3", "0"],
            ["4", "0"],
            ["5", "1"],
        ]
        assert [len(line[2]) if len(line) > 2 else 0 for line in drawn] == [74, 37, 0, 0, 13]
        assert "padding of b in batches of 64" in lines

    def test_another_feature_may_be_chosen(self, records, varlen):
        assert (
            "values of sizes: 12 in 4 records"
            in varlen("inspect", records, "--feature", "sizes").out
        )
        varlen("inspect", records, "--feature", "wordz").assert_error(
            r"no record has a feature named 'wordz'\n  at --feature\n.*Did you mean 'words'"
        )

    def test_examples_without_lists(self, tmp_path, varlen):
        made = [example({"a": [1, 2], "b": [0.5] * n}) for n in (1, 3)]
        out = varlen("inspect", write(tmp_path / "f", made)).out
        assert "values of b: 4 in 2 records" in out
        same = varlen("inspect", write(tmp_path / "g", [example({"a": [1, 2]})])).out
        assert "padding" not in same

    @pytest.mark.parametrize("width", [60, 80, 200])
    def test_fits_a_terminal(self, tmp_path, varlen, monkeypatch, width):
        folder = tmp_path / ("long" * 20)
        folder.mkdir()
        path = write(folder / "文.tfrecord", [record(n) for n in (1, 2, 70)])
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        lines = varlen("inspect", path).out.splitlines()
        assert re.match("…[^ ]*/文.tfrecord " if width < 100 else str(path), lines[1])
        assert width >= 100 or max(map(len, lines[:2])) <= width
        bars = [line for line in lines if "█" in line]
        assert width - 3 <= max(map(len, bars)) <= width

    def test_a_bar_on_a_terminal(self, records, varlen, monkeypatch):
        monkeypatch.setattr("varlen.cli._progress._DELAY_SECONDS", 0)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        for options, what in (([], "inspect"), (["--check"], "check")):
            outcome = varlen("inspect", records, *options)
            assert re.search(rf"{what}: 100%.*{records.stat().st_size}/", outcome.err)
            assert what + ":" not in outcome.out

    def test_bad_numbers_and_several_kinds(self, tmp_path, varlen):
        made = [example({"a": [float("nan"), -1.5]}), example({"a": 3}), example({"a": []})]
        outcome = varlen("inspect", write(tmp_path / "f", made))
        assert outcome.status == 0
        found = next(line for line in cells(outcome.out) if line[0] == "a")
        assert found[2:4] == ["int64, float32", "2"]
        assert found[-1] == "-1.5, 3, 1 NaN"

    def test_names_that_would_move_the_cursor(self, tmp_path, varlen):
        made = [example({"\x1b[2J": 1, "": 2, "x" * 50: 3})]
        shown = varlen("inspect", write(tmp_path / "f", made)).out
        assert "\x1b" not in shown
        assert r"\x1b[2J" in shown
        assert '""' in shown
        assert "x" * 39 + "… " in shown
        assert "\x1b" not in varlen("inspect", "--head", 1, tmp_path / "f").out

    def test_a_kind_of_url_that_there_is_not(self, varlen):
        pytest.importorskip("fsspec")
        varlen("inspect", "nowhere://a").assert_error("nowhere\n  at nowhere://a")

    def test_a_file_without_records(self, tmp_path, records, varlen, monkeypatch):
        (tmp_path / "empty.tfrecord").touch()
        monkeypatch.chdir(tmp_path)
        alone = varlen("inspect", "empty.tfrecord")
        assert (alone.status, alone.err) == (0, "")
        assert re.search(r"empty\.tfrecord +0 +0 +none", alone.out)
        found = json.loads(varlen("inspect", "--json", "empty.tfrecord").out)
        assert (found["records"], found["lengths"], found["padding"]) == (0, None, None)
        varlen("inspect", "empty.tfrecord", "--save-schema", "s.json").assert_error(
            "expected a record at least, found none\n  at empty.tfrecord"
        )
        assert not (tmp_path / "s.json").exists()
        among_others = varlen("inspect", "empty.tfrecord", records)
        assert among_others.status == 0
        assert re.search(r"empty\.tfrecord +0 +0 +none", among_others.out)

    def test_damage_is_shown_beside_what_is_sound(self, flipped, varlen):
        outcome = varlen("inspect", flipped)
        assert (outcome.status, outcome.err) == (1, "")
        assert f"{flipped} @ byte {16 + len(record(1))}, " in outcome.out
        assert "damaged places: 1, with" in outcome.out
        assert "expected data checksum 0x" in outcome.out
        assert "`varlen repair` saves" in outcome.out
        assert ["words", "lists", "string", "all", "1 to 4", "3", "1", "2 bytes"] in cells(
            outcome.out
        )

    def test_what_is_no_record_file(self, tmp_path, varlen):
        (tmp_path / "text").write_text("hello, hello, hello")
        outcome = varlen("inspect", tmp_path / "text")
        assert outcome.status == 1
        assert "no record is sound: this may be no TFRecord file" in outcome.out

    def test_records_that_are_no_messages(self, tmp_path, varlen):
        path = write(tmp_path / "f", [b"", b"\xff\xff", b"\xff"])
        outcome = varlen("inspect", path)
        assert outcome.status == 0
        assert (
            f"records that are no SequenceExample and no Example: 2, the first at {path} @ byte 16"
        ) in outcome.out

    def test_files_that_cannot_be_inspected(self, tmp_path, records, varlen):
        varlen("inspect", tmp_path / "gone").assert_error("no such file.*gone")
        varlen("inspect", tmp_path / "*.nothing").assert_error("no file matches.*nothing")
        varlen("inspect", tmp_path).assert_error("expected files, found a directory")
        varlen("inspect", records, "--head", 0).assert_error("--head: expected at least 1, found 0")


class TestJson:
    def test_has_all_that_is_printed(self, records, varlen):
        found = json.loads(varlen("inspect", "--json", records).out)
        assert found["files"] == [
            {
                "file": str(records),
                "records": 5,
                "bytes": records.stat().st_size,
                "compression": "GZIP",
                "lost": [],
                "malformed": 0,
            }
        ]
        assert (found["records"], found["sampled"]) == (5, None)
        assert Schema.from_json(json.dumps(found["schema"])).context["sizes"].size == 3
        assert found["lengths"] == {
            "feature": "words",
            "in": "feature_lists",
            "records": 4,
            "total": 6,
            "min": 0,
            "mean": 1.5,
            "median": 1,
            "p99": 4,
            "max": 4,
            "histogram": [
                {"min": n, "max": n, "records": count} for n, count in enumerate([1, 2, 0, 0, 1])
            ],
        }
        assert found["padding"] == {
            "batch_size": 64,
            "file_order": 0.625,
            "buckets": 0.0,
            "boundaries": [1, 2],
        }

    def test_of_damage_and_several_kinds(self, flipped, tmp_path, varlen):
        mixed = write(tmp_path / "mixed", [record(1, id=5)])
        outcome = varlen("inspect", "--json", flipped, mixed)
        assert outcome.status == 1
        found = json.loads(outcome.out)
        assert [lost["problem"][:22] for lost in found["files"][0]["lost"]] == [
            "expected data checksum"
        ]
        assert found["schema"] is None
        assert "expected values of one kind, found int64" in found["schema_problem"]


class TestHead:
    def test_records_are_readable(self, records, varlen):
        outcome = varlen("inspect", "--head", 2, records)
        assert outcome.out.splitlines()[:14] == [
            f"{records} @ byte 0, {len(record(0))} bytes",
            "  context",
            '    id     string  "s0"',
            "    sizes  int64, 3 values  1, 2, 3",
            "  feature lists",
            "    words  empty, 0 steps",
            "    x      empty, 0 steps",
            "",
            f"{records} @ byte {16 + len(record(0))}, {len(record(1))} bytes",
            "  context",
            '    id     string  "s1"',
            "    sizes  int64, 3 values  1, 2, 3",
            "  feature lists",
            '    words  string, 1 step  "é"',
        ]

    def test_long_ones_are_cut(self, tmp_path, varlen):
        made = sequence_example({"text": "ab" * 500}, {"n": list(range(1000)), "v": [[0.5] * 99]})
        shown = varlen("inspect", "--head", 1, write(tmp_path / "f", [made])).out
        assert all(len(line) <= 120 for line in shown.splitlines()[1:])
        assert re.search(r"n +int64, 1,000 steps  0, 1, 2, .*, \.\.\. 9\d\d more\n", shown)
        assert re.search(r"v +float32, 1 step  \[0\.5, .*, \.\.\. \d\d more\]\n", shown)
        assert re.search(r'text +string +"(ab)+a?…"\n', shown)

    def test_as_json_lines(self, records, varlen):
        outcome = varlen("inspect", "--head", 2, "--json", records)
        assert [json.loads(line) for line in outcome.out.splitlines()] == [
            {"id": "s0", "sizes": [1, 2, 3], "words": [], "x": []},
            {"id": "s1", "sizes": [1, 2, 3], "words": ["é"], "x": [[0.5, 0.5]]},
        ]

    def test_floats_are_short(self, tmp_path, varlen):
        path = write(tmp_path / "f", [example({"a": 0.1})])
        assert varlen("inspect", "--head", 1, "--json", path).out == '{"a": 0.1}\n'
        assert "float32  0.1\n" in varlen("inspect", "--head", 1, path).out

    def test_what_is_not_text_is_base64_as_in_conversion(self, records, varlen):
        outcome = varlen("inspect", "--head", 9, "--json", records)
        assert json.loads(outcome.out.splitlines()[-1]) == {"id": {"b64": "/w=="}}
        assert 'id  string  {"b64": "/w=="}\n' in varlen("inspect", "--head", 9, records).out

    def test_what_has_no_kind_is_missing_as_in_conversion(self, tmp_path, varlen):
        made = SequenceExample()
        made.context.feature["a"].SetInParent()
        made.context.feature["b"].int64_list.value.append(1)
        path = write(tmp_path / "f.tfrecord", [made.SerializeToString()])
        head = varlen("inspect", "--head", 1, "--json", path).out
        assert head == varlen("convert", path, "-").out == '{"b": 1}\n'

    def test_a_feature_with_an_unknown_field_is_shown(self, tmp_path, varlen):
        entry = delimited(1, b"a") + delimited(2, delimited(3, delimited(1, b"\x05"))) + b"\x48\x4d"
        path = write(tmp_path / "f.tfrecord", [delimited(1, delimited(1, entry))])
        assert "a  int64  5\n" in varlen("inspect", "--head", 1, path).out
        assert varlen("inspect", "--head", 1, "--json", path).out == '{"a": 5}\n'

    def test_what_is_no_message(self, tmp_path, varlen):
        path = write(tmp_path / "f", [b"\xff\xff"])
        shown = varlen("inspect", "--head", 1, path)
        assert shown.status == 0
        assert "no SequenceExample and no Example:\n    b'\\xff\\xff'\n" in shown.out
        varlen("inspect", "--head", 1, "--json", path).assert_error(
            r"the record is no SequenceExample and no Example\n  at .*f @ byte 0"
        )


class TestIndexes:
    def test_steps_come_from_fresh_indexes(self, tmp_path, varlen):
        made = [record(n) for n in range(7)]
        for name in "ab":
            path = write(tmp_path / f"{name}.tfrecord", [made[n % 7] for n in range(3000)])
            RecordIndex.build(path, feature="words").save()
        sampled = json.loads(varlen("inspect", "--json", tmp_path / "*.tfrecord").out)
        assert (sampled["records"], sampled["sampled"]) == (6000, 2000)
        for path in tmp_path.glob("*.index"):
            path.unlink()
        whole = json.loads(varlen("inspect", "--json", tmp_path / "*.tfrecord").out)
        for same in ("files", "bytes", "lengths", "padding"):
            assert sampled[same] == whole[same]
        assert whole["sampled"] is None

    def test_the_report_says_that_it_is_of_a_sample(self, tmp_path, varlen):
        path = write(tmp_path / "a.tfrecord", [record(2)] * 1001)
        assert "all over the files" not in varlen("inspect", path).out
        RecordIndex.build(path, feature="x").save()
        shown = varlen("inspect", path).out
        assert "(of 1,000 records from all over the files" in shown
        assert "steps of x: 2,002 in 1,001 records" in shown
        other = varlen("inspect", path, "--feature", "words").out
        assert "all over the files" not in other
        assert "steps of words: 2,002 in 1,001 records" in other

    def test_stale_and_damaged_ones_are_not_used(self, tmp_path, varlen):
        path = write(tmp_path / "a.tfrecord", [record(2)] * 3)
        RecordIndex.build(path, feature="x").save()
        write(path, [record(2)] * 5)
        assert "steps of words: 10 in 5 records" in varlen("inspect", path).out
        RecordIndex.path_beside(path).write_bytes(b"VLINDEX1")
        assert "steps of words: 10 in 5 records" in varlen("inspect", path).out

    def test_damage_that_the_index_does_not_know_of(self, tmp_path, varlen):
        path = write(tmp_path / "a.tfrecord", [record(2)] * 3)
        RecordIndex.build(path, feature="x").save()
        times = path.stat()
        damaged = bytearray(path.read_bytes())
        damaged[20] ^= 1
        path.write_bytes(damaged)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        outcome = varlen("inspect", path)
        assert outcome.status == 1
        assert "damaged places: 1" in outcome.out

    def test_one_of_a_feature_that_is_not_there(self, tmp_path, varlen):
        path = write(tmp_path / "a.tfrecord", [record(2)] * 3)
        RecordIndex.build(path, feature="nothing").save()
        assert "steps of words: 6 in 3 records" in varlen("inspect", path).out

    def test_an_empty_file(self, tmp_path, varlen):
        path = write(tmp_path / "a.tfrecord", [])
        RecordIndex.build(path, feature="x").save()
        assert varlen("inspect", path).status == 0


class TestSaveSchema:
    def test_is_what_all_records_fit(self, records, tmp_path, varlen):
        assert varlen("inspect", records, "--save-schema", tmp_path / "s.json").status == 0
        found = Schema.load(tmp_path / "s.json")
        assert found.feature_lists["words"].num_steps == (0, 4)
        assert varlen("inspect", "--check", "--schema", tmp_path / "s.json", records).status == 0

    def test_a_file_that_is_there_is_not_lost(self, records, tmp_path, varlen):
        (tmp_path / "s.json").write_text("mine")
        varlen("inspect", records, "--save-schema", tmp_path / "s.json").assert_error(
            "the file is there already"
        )
        assert (tmp_path / "s.json").read_text() == "mine"

    def test_a_missing_directory_is_noticed_before_any_work(self, tmp_path, varlen):
        varlen("inspect", "-", "--save-schema", tmp_path / "none" / "s.json").assert_error(
            "no such directory to write into\n  at .*none"
        )

    def test_not_of_several_kinds(self, tmp_path, varlen):
        path = write(tmp_path / "f", [example({"a": 1}), example({"a": "x"})])
        varlen("inspect", path, "--save-schema", tmp_path / "s.json").assert_error(
            r"found int64 \(.*f @ byte 0\) and string \(.*f @ byte 30\)\n  at context.a"
        )
        assert not (tmp_path / "s.json").exists()


def test_padding_is_that_of_batches():
    rng = np.random.default_rng(5)
    lengths = rng.integers(0, 50, 1000)
    found = padding_of(lengths)
    padded = sum(lengths[i : i + 64].max() * len(lengths[i : i + 64]) for i in range(0, 1000, 64))
    assert found.file_order == pytest.approx(1 - lengths.sum() / padded)
    buckets = {}
    for length in lengths.tolist():
        number = sum(length >= boundary for boundary in found.boundaries)
        buckets.setdefault(number, []).append(length)
    padded = sum(
        max(rows[i : i + 64]) * len(rows[i : i + 64])
        for rows in buckets.values()
        for i in range(0, len(rows), 64)
    )
    assert found.buckets == pytest.approx(1 - lengths.sum() / padded)
    assert len(found.boundaries) == 7
    assert found.buckets < found.file_order / 3
