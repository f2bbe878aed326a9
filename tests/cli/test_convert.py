import gzip
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from varlen.features import SequenceExample
from varlen.records import RecordReader


def write_lines(path, *lines):
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def read(path):
    with RecordReader(path) as reader:
        return [SequenceExample.FromString(record) for record in reader]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_lists_are_feature_lists_and_scalars_are_context(tmp_path, varlen):
    line = {"id": "é", "n": 3, "x": 0.5, "words": ["ä", "b"], "tags": [1, 2], "f": [1, 2.5]}
    outcome = varlen("convert", write_lines(tmp_path / "a.jsonl", line), tmp_path / "out")
    assert outcome.status == 0
    assert names(tmp_path / "out") == ["train-00000-of-00001.tfrecord"]
    [example] = read(tmp_path / "out" / "train-00000-of-00001.tfrecord")
    context, lists = example.context.feature, example.feature_lists.feature_list
    assert context["id"].bytes_list.value == ["é".encode()]
    assert context["n"].int64_list.value == [3]
    assert context["x"].float_list.value == [0.5]
    assert [step.bytes_list.value[0].decode() for step in lists["words"].feature] == ["ä", "b"]
    assert [step.int64_list.value[0] for step in lists["tags"].feature] == [1, 2]
    assert [step.float_list.value[0] for step in lists["f"].feature] == [1.0, 2.5]


def test_lists_of_lists_are_steps_with_several_values(tmp_path, varlen):
    source = write_lines(tmp_path / "a.jsonl", {"x": [[1.5, 2], [], [3]]}, {"x": []}, {"x": [[]]})
    assert varlen("convert", source, tmp_path / "out").status == 0
    found = [
        [list(step.float_list.value) for step in example.feature_lists.feature_list["x"].feature]
        for example in read(tmp_path / "out" / "train-00000-of-00001.tfrecord")
    ]
    assert found == [[[1.5, 2.0], [], [3.0]], [], [[]]]


@pytest.mark.parametrize("compressed", [False, True])
def test_splits_and_shards(tmp_path, varlen, compressed):
    lines = [{"split": "train" if i % 3 else "dev-2", "i": i} for i in range(10)]
    source = write_lines(tmp_path / "a.jsonl", *lines)
    if compressed:
        source.write_bytes(gzip.compress(source.read_bytes()))
    outcome = varlen("convert", source, tmp_path / "out", "--split-by", "split", "--shards", 2)
    assert outcome.status == 0
    assert "train" in outcome.out
    assert "6 records" in outcome.out
    found = {
        name: [example.context.feature["i"].int64_list.value[0] for example in read(path)]
        for name in names(tmp_path / "out")
        for path in [tmp_path / "out" / name]
    }
    assert found == {
        "dev-2-00000-of-00002.tfrecord": [0, 6],
        "dev-2-00001-of-00002.tfrecord": [3, 9],
        "train-00000-of-00002.tfrecord": [1, 4, 7],
        "train-00001-of-00002.tfrecord": [2, 5, 8],
    }


def test_blank_lines_are_left_out_and_integers_stand_among_numbers(tmp_path, varlen):
    source = write_lines(tmp_path / "a.jsonl", {"x": 0.5}, "", "  ", {"x": 2})
    assert varlen("convert", source, tmp_path / "out").status == 0
    examples = read(tmp_path / "out" / "train-00000-of-00001.tfrecord")
    values = [example.context.feature["x"].float_list.value[0] for example in examples]
    np.testing.assert_array_equal(values, [0.5, 2.0])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{"], r"not JSON: .*\n  at .*a\.jsonl, line 1$"),
        ([{}, "", "[1]"], r"expected a JSON object, found \[1\]\n  at .*a\.jsonl, line 3$"),
        ([{"x": 1}, {"x": "a"}], r"expected integer as in .*line 1, found string: \"a\"\n  at "),
        ([{"x": [1]}, {"x": 1}], r"found integer: 1\n  at .*a\.jsonl, line 2, key 'x'"),
        ([{"x": [[1]]}, {"x": [1]}], "expected a list of lists of integers .* a list of integers"),
        ([{"x": 1}, {"x": 1.5}], r"found number: 1\.5\n.*\n  write .* without a fraction as 1\.0"),
        ([{"x": []}, {"x": 1}], "expected a list of nothing as in .*line 1, found integer"),
        ([{"x": ["a", 1]}], r"expected a string, a number, .* found \[\"a\", 1\]"),
        ([{"x": None}], "found null\n.*\n  leave the key out where there is no value"),
        ([{"x": {"y": 1}}], r"found \{\"y\": 1\}"),
        ([{"x": [[[1]]]}], r"found \[\[\[1\]\]\]"),
        ([{"x": 2**70}], r"line 1.*'?x'?"),
        ([], "expected a record at least, found none"),
        (["", ""], "expected a record at least, found none"),
    ],
)
def test_lines_that_cannot_be_converted(tmp_path, varlen, lines, message):
    source = write_lines(tmp_path / "a.jsonl", *lines)
    varlen("convert", source, tmp_path / "out").assert_error(message)
    assert names(tmp_path) == ["a.jsonl"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"spilt": "a"}, r"no key 'split' .*\n.*line 1\n  there are: 'spilt'. Did you mean"),
        ({"split": "a/b"}, r"expected the name of a split, .* found \"a/b\"\n.*key 'split'"),
        ({"split": 3}, "found 3"),
        ({"split": ""}, 'found ""'),
    ],
)
def test_splits_that_cannot_be(tmp_path, varlen, line, message):
    source = write_lines(tmp_path / "a.jsonl", line)
    varlen("convert", source, tmp_path / "out", "--split-by", "split").assert_error(message)


def test_a_key_that_names_no_splits(tmp_path, varlen):
    source = write_lines(tmp_path / "a.jsonl", *({"id": f"s{i}"} for i in range(40)))
    outcome = varlen("convert", source, tmp_path / "out", "--split-by", "id")
    outcome.assert_error("expected at most 32 splits, found one more, 's32'\n  at .*line 33")
    assert names(tmp_path) == ["a.jsonl"]


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[:30] + b"\0\0" + b[32:]])
def test_a_damaged_gzip_file(tmp_path, varlen, damage):
    source = tmp_path / "a.jsonl.gz"
    lines = b"".join(b'{"i": %d}\n' % i for i in range(500))
    source.write_bytes(damage(gzip.compress(lines)))
    varlen("convert", source, tmp_path / "out").assert_error("the gzip file is damaged")
    assert names(tmp_path) == ["a.jsonl.gz"]


def test_files_and_options_that_cannot_be(tmp_path, varlen):
    source = write_lines(tmp_path / "a.jsonl", {"i": 1})
    varlen("convert", tmp_path / "gone", tmp_path / "out").assert_error("no such file.*gone")
    varlen("convert", tmp_path, tmp_path / "out").assert_error("directory")
    varlen("convert", source, tmp_path / "out", "--shards", 0).assert_error(
        "--shards: expected at least 1, found 0"
    )
    varlen("convert", source, tmp_path / "a.jsonl", "--to", "tfrecord").assert_error(
        "expected a path for a new folder, found a file"
    )
    assert names(tmp_path) == ["a.jsonl"]


def test_a_folder_is_overwritten_only_if_asked_and_only_record_files(tmp_path, varlen):
    source, out = write_lines(tmp_path / "a.jsonl", {"i": 1}), tmp_path / "out"
    varlen("convert", source, out, "--shards", 3)
    before = names(out)
    varlen("convert", source, out).assert_error("is not empty\n  at .*\n  .*--overwrite")
    assert names(out) == before
    assert varlen("convert", source, out, "--overwrite").status == 0
    assert names(out) == ["train-00000-of-00001.tfrecord"]
    (out / "thesis.txt").touch()
    varlen("convert", source, out, "--overwrite").assert_error("found 'thesis.txt'")
    assert names(tmp_path) == ["a.jsonl", "out"]


def test_an_error_leaves_the_folder_that_was_to_be_overwritten(tmp_path, varlen):
    source, out = write_lines(tmp_path / "a.jsonl", {"i": 1}), tmp_path / "out"
    varlen("convert", source, out)
    write_lines(source, {"i": 1}, "{")
    varlen("convert", source, out, "--overwrite").assert_error("not JSON")
    assert len(read(out / "train-00000-of-00001.tfrecord")) == 1


def test_ctrl_c_leaves_nothing(tmp_path):
    source = tmp_path / "endless.jsonl"
    os.mkfifo(source)
    command = [sys.executable, "-m", "varlen", "convert", source.name, "out"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    with process, source.open("w") as lines:
        lines.write('{"i": 1}\n')
        lines.flush()
        while not any("partial" in name for name in names(tmp_path)):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "\ninterrupted\n"
    assert names(tmp_path) == ["endless.jsonl"]


def test_replaces_a_folder_that_has_indexes(tmp_path, varlen):
    source = write_lines(tmp_path / "a.jsonl", {"x": [1]})
    assert varlen("convert", source, tmp_path / "out").status == 0
    assert varlen("index", *(tmp_path / "out").iterdir()).status == 0
    assert varlen("convert", source, tmp_path / "out", "--overwrite").status == 0
    assert names(tmp_path / "out") == ["train-00000-of-00001.tfrecord"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[" * 100_000, "not JSON"),
        (r'{"a": "\ud800"}', "found half a surrogate pair"),
        (r'{"\ud800": 2}', "found half a surrogate pair"),
    ],
)
def test_lines_that_no_record_can_hold(tmp_path, varlen, line, message):
    outcome = varlen("convert", write_lines(tmp_path / "a.jsonl", line), tmp_path / "out")
    outcome.assert_error(message)
    assert names(tmp_path) == ["a.jsonl"]
