import json
import re

import pytest

from varlen.features import sequence_example
from varlen.records import RecordWriter


@pytest.fixture
def records(tmp_path):
    path = tmp_path / "a.tfrecord"
    with RecordWriter(path, compression="GZIP") as writer:
        for steps in (0, 1, 1, 4):
            writer.write(
                sequence_example(
                    context={"id": f"s{steps}", "sizes": [1, 2, 3]},
                    sequences={"x": [[0.5] * 2] * steps, "words": ["é"] * steps},
                )
            )
        writer.write(sequence_example(context={"id": b"\xff"}))
    return path


def rows(text):
    return [re.split(r"\s{2,}|(?<=\S) (?=[\d])", line.strip()) for line in text.splitlines()]


def test_files_and_features_are_described(records, varlen):
    outcome = varlen("inspect", records)
    assert outcome.status == 0
    described = [line.split() for line in outcome.out.splitlines()]
    assert ["id", "context", "bytes", "5", "1", "1", "1"] in described
    assert ["sizes", "context", "int64", "4", "3", "3", "3"] in described
    assert ["words", "lists", "bytes", "4", "0", "1", "4", "1"] in described
    assert ["x", "lists", "float", "4", "0", "1", "4", "2"] in described
    assert "GZIP" in outcome.out
    assert f"{records.stat().st_size:,}" in outcome.out


def test_several_files_are_summed(records, varlen):
    outcome = varlen("inspect", records, records)
    assert re.search(rf"2 files +10 +{2 * records.stat().st_size:,}", outcome.out)


def test_the_first_records_are_json_lines(records, varlen):
    outcome = varlen("inspect", "--head", 2, records)
    assert [json.loads(line) for line in outcome.out.splitlines()] == [
        {"id": "s0", "sizes": [1, 2, 3], "words": [], "x": []},
        {"id": "s1", "sizes": [1, 2, 3], "words": ["é"], "x": [[0.5, 0.5]]},
    ]


def test_what_is_not_text_is_shown_as_bytes(records, varlen):
    outcome = varlen("inspect", "--head", 9, records)
    assert json.loads(outcome.out.splitlines()[-1]) == {"id": "b'\\xff'"}


def test_a_file_without_records(tmp_path, records, varlen, monkeypatch):
    (tmp_path / "empty.tfrecord").touch()
    monkeypatch.chdir(tmp_path)
    varlen("inspect", "empty.tfrecord").assert_error(
        "expected a record at least, found none\n  at empty.tfrecord"
    )
    among_others = varlen("inspect", "empty.tfrecord", records)
    assert among_others.status == 0
    assert re.search(r"empty\.tfrecord +0 +0 +none", among_others.out)


def test_files_that_cannot_be_inspected(tmp_path, records, varlen):
    varlen("inspect", tmp_path / "gone").assert_error("No such file.*gone")
    varlen("inspect", records, "--head", 0).assert_error("--head: expected at least 1, found 0")
    plain = tmp_path / "plain.tfrecord"
    with RecordWriter(plain) as writer:
        writer.write(b"\xff\xff")
    varlen("inspect", plain).assert_error(
        r"the record is no SequenceExample and no Example\n  at .*plain\.tfrecord @ byte 0"
    )
    damaged = bytearray(plain.read_bytes())
    damaged[12] ^= 1
    plain.write_bytes(damaged)
    varlen("inspect", plain).assert_error(r"at .*plain\.tfrecord @ byte 0")
