"""From record files to JSON Lines and Parquet, and there and back again."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from varlen.features import example
from varlen.records import RecordWriter

GOLDEN = Path(__file__).parents[1] / "golden" / "tfrecords"
LINES = [
    {"id": "é", "n": -(2**63), "x": 0.1, "raw": {"b64": "/wA="}, "words": ["a", ""], "e": []},
    {"words": [], "f": [0.1, 1e-30, 3e38], "ragged": [[1], [], [2, 3]], "v": [[0.5, 1.5]] * 3},
    {"n": 2**63 - 1, "words": ["\n"], "ragged": [[]], "v": [], "texts": [["a", "b"], []]},
    {},
]


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def read_lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def records(tmp_path, varlen):
    write_lines(tmp_path / "a.jsonl", LINES)
    assert varlen("convert", tmp_path / "a.jsonl", tmp_path / "records").status == 0
    return tmp_path / "records" / "train-00000-of-00001.tfrecord"


@pytest.mark.parametrize("name", ["b.jsonl", "b.jsonl.gz", "b.json"])
def test_json_lines_are_as_they_were(tmp_path, varlen, records, name):
    outcome = varlen("convert", records, tmp_path / name)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith(f"4 records in {tmp_path / name}\n")
    content = (tmp_path / name).read_bytes()
    text = gzip.decompress(content) if name.endswith(".gz") else content
    assert read_lines(text.decode()) == LINES


def test_json_lines_go_to_the_standard_output(varlen, records):
    outcome = varlen("convert", records, "-")
    assert (outcome.status, outcome.err) == (0, "")
    assert read_lines(outcome.out) == LINES


def test_parquet_is_as_it_was(tmp_path, varlen):
    table = pa.table(
        {
            "id": pa.array(["é", None, ""]),
            "n": pa.array([2**63 - 1, None, -1]),
            "x": pa.array([0.1, None, float("inf")], pa.float32()),
            "raw": pa.array([b"\xff", b"a", None]),
            "words": pa.array([["a", ""], None, []]),
            "f": pa.array([[0.1], None, []], pa.list_(pa.float32())),
            "ragged": pa.array([[[1], []], None, [[2, 3]]]),
            "v": pa.array([[[1, 2]], None, [[3, 4], [5, 6]]], pa.list_(pa.list_(pa.float32(), 2))),
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    assert varlen("convert", tmp_path / "a.parquet", tmp_path / "out").status == 0
    assert varlen("convert", tmp_path / "out" / "*", tmp_path / "b.parquet").status == 0
    back = parquet.read_table(tmp_path / "b.parquet")
    assert back.select(table.column_names).to_pylist() == table.to_pylist()
    kept = [name for name in table.column_names if name != "v"]
    assert back.schema.field("v").type == pa.list_(pa.list_(pa.float32()))
    assert back.select(kept).schema.types == table.select(kept).schema.types


@pytest.mark.parametrize(
    "name",
    [
        "gdmix_lbfgs.tfrecord",
        "lingvo_t2t_ende_511.tfrecord",
        "pytorch_data_example.tfrecord",
        "pytorch_data_sequence_example.tfrecord",
        "tfx_csv_unlabelled.tfrecord.gz",
        "tfx_external_sequence.tfrecord.gz",
        "ydf_toy_00000_of_00002.gzipped",
    ],
)
def test_files_of_others(tmp_path, varlen, name):
    with gzip.open(GOLDEN / f"{name}.expected.jsonl.gz", "rt") as file:
        expected = [json.loads(line) for line in file]
    out, table = tmp_path / "a.jsonl", tmp_path / "a.parquet"
    assert varlen("convert", "--from", "tfrecord", GOLDEN / name, out).status == 0
    assert varlen("convert", "--from", "tfrecord", GOLDEN / name, table).status == 0
    found = read_lines(out.read_text())
    rows = parquet.read_table(table).to_pylist()
    assert len(found) == len(rows)
    for line, row, record in zip(found, rows, expected, strict=False):
        wanted = {
            name: feature
            for name, feature in record.get("features", record.get("context", {})).items()
            if feature["kind"] is not None
        }
        assert set(line) == {*wanted, *record.get("feature_lists", {})}
        assert {key: value for key, value in row.items() if value is not None}.keys() == set(line)
        for key, feature in wanted.items():
            values = line[key] if isinstance(line[key], list) else [line[key]]
            assert len(values) == len(feature["values"])
            if feature["kind"] == "int64":
                assert values == feature["values"] == as_list(row[key])
            elif feature["kind"] == "float":
                assert as_list(row[key]) == feature["values"]
                assert pa.array(values, pa.float32()).to_pylist() == feature["values"]


def as_list(value):
    return value if isinstance(value, list) else [value]


def test_a_summary_for_programs(tmp_path, varlen, records):
    outcome = varlen("convert", records, tmp_path / "b.parquet", "--json")
    summary = json.loads(outcome.out)
    assert summary["out"] == str(tmp_path / "b.parquet")
    assert summary["records"] == 4
    assert summary["features"]["ragged"] == {"depth": 2, "scalar": "integer"}
    outcome = varlen("convert", records, "-", "--json")
    assert len(read_lines(outcome.out)) == 4
    assert json.loads(outcome.err)["records"] == 4


def test_no_records_are_an_empty_file_of_lines(tmp_path, varlen):
    (tmp_path / "a.tfrecord").touch()
    assert varlen("convert", tmp_path / "a.tfrecord", tmp_path / "a.jsonl").status == 0
    assert (tmp_path / "a.jsonl").read_bytes() == b""
    varlen("convert", tmp_path / "a.tfrecord", tmp_path / "a.parquet").assert_error(
        "a feature at least"
    )


@pytest.mark.parametrize("name", ["b.jsonl", "b.parquet", "b.jsonl.gz"])
def test_a_file_is_overwritten_only_if_asked_and_only_by_a_whole_one(tmp_path, varlen, name):
    good, bad = tmp_path / "good.tfrecord", tmp_path / "bad.tfrecord"
    with RecordWriter(good) as writer:
        writer.write(example({"x": 1}))
    bad.write_bytes(good.read_bytes() * 3 + b"damage")
    out = tmp_path / name
    assert varlen("convert", good, out).status == 0
    before = out.read_bytes()
    varlen("convert", good, out).assert_error(r"is there already\n  at .*\n  .*--overwrite")
    varlen("convert", bad, out, "--overwrite").assert_error("bad.tfrecord @ byte")
    assert out.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([good.name, bad.name, name])
    assert varlen("convert", good, good, out, "--overwrite").status == 0
    assert out.read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{r}", "out"], "found no format\n  at out\n  name OUT .jsonl"),
        (["{r}", "out.csv"], "found csv"),
        (["{r}", "-", "--to", "parquet"], "found the standard output"),
        (["{r}", "s3://bucket/b.jsonl"], "found a URL\n  at s3://bucket/b.jsonl"),
        (["{r}", "b.jsonl", "--shards", "2"], "--shards is for writing record files"),
        (["{r}", "b.jsonl", "--split-by", "x"], "--split-by is for writing record files"),
        (["{r}", "{r}", "b.jsonl", "--to", "json"], "--to: no format 'json'\n  there are"),
        (["{r}/", "b.jsonl"], "no such file"),
    ],
)
def test_wrong_arguments(varlen, records, arguments, message):
    given = [argument.format(r=records) for argument in arguments]
    varlen("convert", *given).assert_error(message)


def run(*arguments, **options):
    command = [sys.executable, "-m", "varlen", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, **options)


def test_pipes(records):
    outcome = run("convert", "-", "-", "--from", "tfrecord", input=records.read_bytes())
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert read_lines(outcome.stdout.decode()) == LINES


def test_a_reader_that_has_had_enough(tmp_path):
    with RecordWriter(tmp_path / "a.tfrecord") as writer:
        writer.write_many([example({"x": [0] * 50})] * 20_000)
    command = [sys.executable, "-m", "varlen", "convert", str(tmp_path / "a.tfrecord"), "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b'{"x": [0, 0')
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing(tmp_path, sent):
    with RecordWriter(tmp_path / "a.tfrecord") as writer:
        for _ in range(20):
            writer.write_many([example({"x": [0] * 50})] * 10_000)
    command = [sys.executable, "-m", "varlen", "convert", "a.tfrecord", "b.jsonl"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while len(os.listdir(tmp_path)) == 1:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(sent)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "\ninterrupted\n")
    assert os.listdir(tmp_path) == ["a.tfrecord"]
