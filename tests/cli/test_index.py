import json

import pytest

from varlen import IndexedReader, RecordIndex, RecordWriter, sequence_example


@pytest.fixture
def files(tmp_path):
    """Three record files, the last without records."""
    paths = [tmp_path / f"{name}.tfrecord" for name in ("a", "b", "c")]
    for path, lengths in zip(paths, [(3, 1, 20, 4), (1000,), ()], strict=True):
        with RecordWriter(path) as writer:
            for length in lengths:
                writer.write(sequence_example(sequences={"tokens": [1] * length}))
    return paths


def test_keeps_indexes_beside_the_files(varlen, files):
    outcome = varlen("index", *files, "--feature", "tokens")
    assert (outcome.status, outcome.err) == (0, "")
    assert RecordIndex.load(files[0]).steps.tolist() == [3, 1, 20, 4]
    assert len(RecordIndex.load(files[2])) == 0
    assert IndexedReader(files[1]).index.feature == "tokens"


def test_prints_a_table(varlen, files):
    rows = [line.split() for line in varlen("index", *files).out.splitlines()]
    assert rows[0] == ["file", "records", "bytes"]
    assert [row[1] for row in rows[1:]] == ["4", "1", "0"]
    with_steps = varlen("index", *files, "--feature", "tokens").out.splitlines()
    assert with_steps[0].split() == [
        *["file", "records", "bytes", "steps", "of", "tokens:", "min", "median", "max"]
    ]
    assert [line.split()[3:] for line in with_steps[1:]] == [
        ["1", "3", "20"],
        ["1,000", "1,000", "1,000"],
        [],
    ]


def test_prints_json(varlen, files):
    pattern = files[0].parent / "*.tfrecord"
    found = json.loads(varlen("index", pattern, "--feature", "tokens", "--json").out)
    assert found[0] == {
        "file": str(files[0]),
        "index": f"{files[0]}.index",
        "records": 4,
        "bytes": files[0].stat().st_size,
        "feature": "tokens",
        "steps": {"total": 28, "min": 1, "median": 3, "max": 20},
    }
    assert found[2]["steps"] == {"total": 0, "min": None, "median": None, "max": None}
    assert "steps" not in json.loads(varlen("index", files[0], "--json").out)[0]


def test_files_that_cannot_be_indexed(varlen, files, tmp_path):
    with RecordWriter(tmp_path / "zipped", compression="GZIP") as writer:
        writer.write(b"a")
    varlen("index", tmp_path / "zipped").assert_error(
        r"found one compressed as GZIP\n  at .*zipped"
    )
    varlen("index", "-").assert_error("expected a local file to index")
    varlen("index", tmp_path / "none").assert_error("no such file")
    files[0].write_bytes(files[0].read_bytes()[:-1])
    varlen("index", files[1], files[0]).assert_error(
        r"before the end of the file\n  at .*a.tfrecord @ byte \d+\n  .*`varlen repair`"
    )
    assert list(tmp_path.glob("*.index")) == [RecordIndex.path_beside(files[1])]


def test_a_feature_that_no_record_has(varlen, files, tmp_path):
    varlen("index", *files, "--feature", "tokenz").assert_error(
        r"no record has a step of a feature named 'tokenz'\n  at --feature\n  `varlen inspect`"
    )
    assert not list(tmp_path.glob("*.index"))
    assert varlen("index", files[2], "--feature", "tokenz").status == 0  # there are no records
