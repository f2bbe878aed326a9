import json
import re

import pytest

from records.frames import file_of, frame
from varlen import RecordReader, RecordWriter

SOUND = [bytes([i]) * 10 for i in range(30)]


@pytest.fixture
def damaged(tmp_path):
    """A file of which the third record is damaged, and bytes stand before the last."""
    data = bytearray(file_of(SOUND[:-1]) + b"garbage" + frame(SOUND[-1]))
    data[2 * 26 + 13] ^= 1
    path = tmp_path / "damaged.tfrecord"
    path.write_bytes(data)
    return path


def test_salvages_what_is_sound(varlen, damaged, tmp_path):
    out = tmp_path / "out.tfrecord"
    outcome = varlen("repair", damaged, out)
    assert (outcome.status, outcome.err) == (0, "")
    assert list(RecordReader(out)) == SOUND[:2] + SOUND[3:]
    lines = outcome.out.splitlines()
    assert lines[:2] == [f"29 sound records in {out}", "lost: 33 bytes; damaged places: 2"]
    assert lines[2].startswith("  @ byte 52, 26 bytes: expected data checksum 0x")
    assert lines[3].startswith("  @ byte 754, 7 bytes: expected length checksum 0x")
    assert len(lines) == 4


def test_prints_json(varlen, damaged, tmp_path):
    found = json.loads(varlen("repair", damaged, tmp_path / "out", "--json").out)
    assert found["records"] == 29
    assert (found["file"], found["out"]) == (str(damaged), str(tmp_path / "out"))
    assert [(place["offset"], place["num_bytes"]) for place in found["lost"]] == [
        (52, 26),
        (754, 7),
    ]
    assert found["lost"][0]["problem"].startswith("expected data checksum")


def test_of_a_compressed_file_bytes_are_of_the_stream(varlen, tmp_path):
    path = tmp_path / "cut.tfrecord"
    with RecordWriter(path, compression="GZIP") as writer:
        writer.write_many(SOUND)
    path.write_bytes(path.read_bytes()[:-30])
    lines = varlen("repair", path, tmp_path / "out").out.splitlines()
    saved = RecordReader(tmp_path / "out")
    assert saved.compression == "GZIP"
    assert list(saved) == SOUND[: int(lines[0].split()[0])]
    assert re.match(
        r"  @ byte \d+ of the uncompressed stream, \d+ bytes: the GZIP stream", lines[2]
    )


def test_names_some_of_many_places(varlen, damaged, tmp_path):
    damaged.write_bytes((frame(b"a") + b"garbage") * 25)
    lines = varlen("repair", damaged, tmp_path / "out").out.splitlines()
    assert lines[1] == "lost: 175 bytes; damaged places: 25"
    assert len(lines) == 23
    assert lines[-1] == "  and 5 more, which --json lists"


@pytest.mark.parametrize("records", [[b"a", b""], []])
def test_a_sound_file(varlen, damaged, tmp_path, records):
    damaged.write_bytes(file_of(records))
    lines = varlen("repair", damaged, tmp_path / "out").out.splitlines()
    assert lines == [f"{len(records)} sound records in {tmp_path / 'out'}", "no damage was found"]
    assert list(RecordReader(tmp_path / "out")) == records


def test_nothing_is_sound(varlen, damaged, tmp_path):
    damaged.write_bytes(b"some text, in no way a file of records")
    varlen("repair", damaged, tmp_path / "out").assert_error("found no sound record")
    assert not (tmp_path / "out").exists()


def test_does_not_lose_other_files(varlen, damaged, tmp_path):
    before = damaged.read_bytes()
    varlen("repair", damaged, damaged).assert_error("found the damaged one")
    varlen("repair", damaged, damaged, "--overwrite").assert_error("found the damaged one")
    assert damaged.read_bytes() == before
    (tmp_path / "out").write_text("mine")
    varlen("repair", damaged, tmp_path / "out").assert_error("there already\n.*\n.*--overwrite")
    assert (tmp_path / "out").read_text() == "mine"
    assert varlen("repair", damaged, tmp_path / "out", "--overwrite").status == 0
    assert len(list(RecordReader(tmp_path / "out"))) == 29


@pytest.mark.parametrize("out", ["-", "s3://bucket/out"])
def test_an_output_that_is_no_file(varlen, damaged, out):
    varlen("repair", damaged, out).assert_error(f"found '{out}', which can only be read from")


def test_a_missing_file(varlen, tmp_path):
    varlen("repair", tmp_path / "none", tmp_path / "out").assert_error("No such file.*none")
    assert not (tmp_path / "out").exists()
