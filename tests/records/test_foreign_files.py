"""Real files, written by TensorFlow, Beam, Spark and others (tests/golden/tfrecords/README.md)."""

import base64
import gzip
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from varlen import Example, IndexedReader, RecordReader, RecordWriter, SequenceExample

FOLDER = Path(__file__).parent.parent / "golden" / "tfrecords"
FILES = json.loads((FOLDER / "manifest.json").read_text())
COMPRESSIONS = {"none": None, "gzip": "GZIP"}

each_file = pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry["file"])


@each_file
def test_every_record_is_as_recorded(entry):
    with RecordReader(FOLDER / entry["file"]) as reader:
        assert reader.compression == COMPRESSIONS[entry["compression"]]
        records = list(reader)
    assert entry["framing_error"] is None
    assert len(records) == entry["n_records"]
    assert sum(map(len, records)) == entry["payload_bytes"]
    chain = hashlib.sha256(b"".join(hashlib.sha256(record).digest() for record in records))
    assert chain.hexdigest() == entry["payload_sha256_chain"]


@each_file
def test_writing_gives_the_same_file(entry, tmp_path):
    if entry["compression"] != "none":
        pytest.skip("the same bytes can be compressed in many ways")
    with RecordReader(FOLDER / entry["file"]) as reader, RecordWriter(tmp_path / "a") as writer:
        writer.write_many(list(reader))
    assert (tmp_path / "a").read_bytes() == (FOLDER / entry["file"]).read_bytes()


@each_file
def test_any_order(entry, tmp_path):
    if entry["compression"] != "none":
        pytest.skip("only uncompressed files can be read in any order")
    path = shutil.copy(FOLDER / entry["file"], tmp_path)
    with RecordReader(path) as reader:
        records = list(reader)
    order = np.random.default_rng(0).permutation(len(records))
    assert IndexedReader(path)[order] == [records[i] for i in order]


@each_file
def test_the_messages_are_as_recorded(entry):
    if entry["kind"] not in ("Example", "SequenceExample"):
        pytest.skip(f"holds {entry['kind']}")
    with gzip.open(FOLDER / f"{entry['file']}.expected.jsonl.gz") as lines:
        expected = [json.loads(line) for line in lines]
    with RecordReader(FOLDER / entry["file"]) as reader:
        records = reader.read_many(len(expected))
    assert len(expected) == entry["expected_records"]
    for record, message in zip(records, expected, strict=True):
        if entry["kind"] == "Example":
            assert features(Example.FromString(record).features) == message["features"]
        else:
            found = SequenceExample.FromString(record)
            assert features(found.context) == message["context"]
            lists = found.feature_lists.feature_list
            assert {
                name: [feature(step) for step in lists[name].feature] for name in lists
            } == message["feature_lists"]


def features(message):
    return {name: feature(message.feature[name]) for name in message.feature}


def feature(message):
    kind = message.WhichOneof("kind")
    values = list(getattr(message, kind).value) if kind else []
    if kind == "bytes_list":
        values = [base64.b64encode(value).decode() for value in values]
    return {"kind": kind and kind.removesuffix("_list"), "values": values}
