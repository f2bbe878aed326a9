"""Formats other than JSON Lines into record files."""

import gzip
import json
import re
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from varlen.features import sequence_example
from varlen.formats import RecordFiles
from varlen.records import RecordReader

FILES = {
    "a.csv": b'words,n\n"[""x"", ""y""]",1\n[],2\n',
    "a.csv.gz": gzip.compress(b'words,n\n"[""x"", ""y""]",1\n[],2\n'),
    "a.tsv": b'words\tn\n["x", "y"]\t1\n[]\t2\n',
    "a.jsonl": b'{"words": ["x", "y"], "n": 1}\n{"words": [], "n": 2}\n',
    "a.json.gz": gzip.compress(b'{"words": ["x", "y"], "n": 1}\n{"words": [], "n": 2}\n'),
}
RECORDS = [
    sequence_example({"n": 1}, {"words": ["x", "y"]}),
    sequence_example({"n": 2}, {"words": []}),
]


def read(path):
    with RecordReader(path) as reader:
        return list(reader)


def write(folder, name):
    path = folder / name
    table = pa.table({"words": [["x", "y"], []], "n": [1, 2]})
    if name in FILES:
        path.write_bytes(FILES[name])
    elif name.endswith(".parquet"):
        parquet.write_table(table, path)
    else:
        with pa.ipc.new_file(str(path), table.schema) as file:
            file.write_table(table)
    return path


@pytest.mark.parametrize("name", [*FILES, "a.parquet", "a.arrow", "a.feather", "A.Parquet"])
def test_the_format_is_seen_from_the_name(tmp_path, varlen, name):
    source = write(tmp_path, name) if name != "A.Parquet" else tmp_path / name
    if name == "A.Parquet":
        parquet.write_table(pa.table({"words": [["x", "y"], []], "n": [1, 2]}), source)
    outcome = varlen("convert", source, tmp_path / "out")
    assert (outcome.status, outcome.err) == (0, "")
    assert read(tmp_path / "out" / "train-00000-of-00001.tfrecord") == RECORDS


@pytest.mark.parametrize("name", [*FILES, "a.parquet", "a.arrow"])
def test_pipes(tmp_path, name):
    write(tmp_path, name)
    kind = name.removeprefix("a.").removesuffix(".gz")
    kind = "jsonl" if kind == "json" else kind
    command = [sys.executable, "-m", "varlen", "convert", "-", "out", "--from", kind]
    with (tmp_path / name).open("rb") as file:
        outcome = subprocess.run(command, stdin=file, cwd=tmp_path, check=False)
    assert outcome.returncode == 0
    assert read(tmp_path / "out" / "train-00000-of-00001.tfrecord") == RECORDS


def test_several_files_are_read_in_their_order(tmp_path, varlen):
    for name in ("b", "a"):
        (tmp_path / f"{name}.csv").write_text(f"x\n{name}\n")
    assert varlen("convert", tmp_path / "*.csv", tmp_path / "b.csv", tmp_path / "out").status == 0
    rows = RecordFiles([str(tmp_path / "out" / "train-00000-of-00001.tfrecord")])
    assert [row.context["x"] for row in rows.rows(lambda _: None)] == ["a", "b", "b"]


def test_tables_of_steps(tmp_path, varlen):
    (tmp_path / "a.csv").write_text("id,who,x,w\n1,p,1,a b\n1,p,2,\n2,q,3,c\n")
    outcome = varlen(
        *("convert", tmp_path / "a.csv", tmp_path / "out", "--group-by", "id"),
        *("--context", "who", "--words", "w", "--json"),
    )
    outcome.assert_error("found an empty cell\n  at .*line 3, column 'w'")
    (tmp_path / "a.csv").write_text("id,who,x,w\n1,p,1,a b\n1,p,2,d\n2,q,3,c\n")
    outcome = varlen(
        *("convert", tmp_path / "a.csv", tmp_path / "out", "--group-by", "id"),
        *("--context", "who", "--words", "w", "--split-by", "who", "--json"),
    )
    summary = json.loads(outcome.out)
    assert summary["splits"] == {
        "p": {"records": 1, "files": ["p-00000-of-00001.tfrecord"]},
        "q": {"records": 1, "files": ["q-00000-of-00001.tfrecord"]},
    }
    assert summary["features"]["w"] == {"depth": 2, "scalar": "string"}
    assert summary["records"] == 2
    assert read(tmp_path / "out" / "p-00000-of-00001.tfrecord") == [
        sequence_example({"id": 1}, {"x": [1, 2], "w": [["a", "b"], ["d"]]})
    ]


def test_splits_and_names_of_classes_in_npz_files(tmp_path, varlen):
    np.savez(
        tmp_path / "a.npz",
        train_x=np.arange(3),
        train_lengths=np.array([1, 2]),
        test_x=np.arange(4),
        test_lengths=np.array([4]),
        label_names=np.array(["p"]),
    )
    outcome = varlen("convert", tmp_path / "a.npz", tmp_path / "out")
    assert outcome.status == 0
    assert outcome.err == (
        f"warning: {tmp_path / 'a.npz'}: 'label_names' with shape (1,) is left out, since it has "
        "no row for each record or step\n"
    )
    assert len(read(tmp_path / "out" / "train-00000-of-00001.tfrecord")) == 2
    assert len(read(tmp_path / "out" / "test-00000-of-00001.tfrecord")) == 1


def test_a_warning_does_not_stand_in_the_line_of_a_bar(tmp_path, varlen, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    np.savez(tmp_path / "a.npz", x=np.arange(2), lengths=np.array([2]), names=np.array([*"pqr"]))
    outcome = varlen("convert", tmp_path / "a.npz", tmp_path / "out.tfrecord")
    assert re.search(r"[\r\n]warning: .*'names'.*left out.*\n", outcome.err)
    assert "convert: " in outcome.err


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ([], [100]),
        (["--shards", "3"], [34, 33, 33]),
        (["--max-records", "40"], [40, 40, 20]),
        (["--max-bytes", "1000"], None),
        (["--compression", "GZIP", "--max-records", "60"], [60, 40]),
    ],
)
def test_how_records_are_shared_out(tmp_path, varlen, options, counts):
    lines = "".join(f'{{"i": {i}}}\n' for i in range(100))
    (tmp_path / "a.jsonl").write_text(lines)
    outcome = varlen("convert", tmp_path / "a.jsonl", tmp_path / "out", "--json", *options)
    files = json.loads(outcome.out)["splits"]["train"]["files"]
    paths = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in paths] == files
    found = [len(read(path)) for path in paths]
    assert sum(found) == 100
    assert counts is None or found == counts
    if "--max-bytes" in options:
        assert len(files) > 1
        assert all(path.stat().st_size <= 1000 for path in paths)
    assert (paths[0].read_bytes()[:2] == b"\x1f\x8b") == ("--compression" in options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.odd", "out"], "cannot tell the format of the file by its name\n  at a.odd\n.*--from"),
        (["-", "out"], "at standard input"),
        (["a.csv", "a.tsv", "out"], r"one format, found csv \(a.csv\) and tsv \(a.tsv\)"),
        (["a.csv", "out", "--from", "cvs"], "no format 'cvs'\n.*Did you mean 'csv'"),
        (["a.csv", "-"], "expected a folder to write record files to, found the standard output"),
        (["a.csv", "s3://b/out"], "expected a local file or folder to write to, found a URL"),
        (["a.csv", "b.parquet"], "expected to make a folder of record files, found parquet"),
        (["a.csv", "out", "--to", "jsonl"], "expected to make a folder of record files"),
        (["a.csv", "out", "--context", "n"], "--context: expected --group-by beside it"),
        (["a.csv", "out", "--group-by", "m"], "no column 'm'"),
        (["a.jsonl", "out", "--group-by", "n"], "--group-by is for csv and tsv"),
        (["a.jsonl", "out", "--words", "n"], "--words is for csv and tsv"),
        (["a.csv", "out", "--shards", "2", "--max-bytes", "9"], "or a limit to each file, found b"),
        (["a.csv", "out", "--max-bytes", "0"], "--max-bytes: expected at least 1, found 0"),
        (["a.csv", "out", "--max-records", "-1"], "--max-records: expected at least 1, found -1"),
        (["a.csv", "out", "--compression", "zip"], "--compression: expected GZIP or ZLIB"),
        (["a.csv"], "Missing argument"),
        ([".", "out", "--from", "csv"], "expected files, found a directory"),
        (["gone.csv", "out"], "no such file.*gone.csv"),
    ],
)
def test_wrong_arguments(tmp_path, varlen, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "a.tsv", "a.jsonl"):
        write(tmp_path, name)
    (tmp_path / "a.odd").touch()
    varlen("convert", *arguments).assert_error(message)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suffix", ["csv", "tsv", "conllu", "jsonl", "npz", "parquet", "arrow"])
@pytest.mark.parametrize("content", [b"", bytes(range(256)) * 20, b"\x1f\x8b\x08\0\0\0\0\0garbage"])
def test_rubbish(tmp_path, varlen, suffix, content):
    (tmp_path / f"a.{suffix}").write_bytes(content)
    varlen("convert", tmp_path / f"a.{suffix}", tmp_path / "out").assert_error(rf"a\.{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == [f"a.{suffix}"]
