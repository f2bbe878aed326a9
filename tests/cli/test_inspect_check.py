import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from records.frames import file_of, frame
from varlen import RecordIndex, Schema, example, sequence_example

ORACLE = Path(__file__).parents[1] / "golden" / "oracle" / "records" / "files"


def made(n, **more):
    return sequence_example({"id": f"{n:03}", **more}, {"tokens": [n] * (n % 5)})


SOUND = [made(n) for n in range(100)]


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "sound.tfrecord"
    path.write_bytes(file_of(SOUND))
    return path


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "schema.json"
    Schema.infer(SOUND).save(path)
    return path


def test_sound_files(sound, schema, varlen):
    outcome = varlen("inspect", "--check", sound, sound)
    assert (outcome.status, outcome.err) == (0, "")
    assert (
        outcome.out == "200 sound records in 2 files: no damage, and each feature is of one kind\n"
    )
    outcome = varlen("inspect", "--check", "--schema", schema, sound)
    assert outcome.status == 0
    assert outcome.out == "100 sound records in 1 file: no damage, and all records fit the schema\n"


def test_every_damage_is_reported_with_its_byte(sound, varlen):
    data = bytearray(sound.read_bytes())
    offsets = RecordIndex.build(sound).offsets.tolist()
    data[offsets[3] + 13] ^= 1
    data[offsets[50] + 13] ^= 1
    path = sound.with_name("damaged.tfrecord")
    path.write_bytes(data + b"garbage" + frame(SOUND[0]) + b"cut")
    end = len(data)
    outcome = varlen("inspect", "--check", path, sound)
    assert (outcome.status, outcome.err) == (1, "")
    lines = outcome.out.splitlines()
    sizes = [offsets[i + 1] - offsets[i] for i in (3, 50)]
    assert lines[0].startswith(f"{path} @ byte {offsets[3]}, {sizes[0]} bytes lost: expected data")
    assert lines[1].startswith(f"{path} @ byte {offsets[50]}, {sizes[1]} bytes lost: expected data")
    assert lines[2].startswith(f"{path} @ byte {end}, 7 bytes lost: expected length checksum")
    assert lines[3].startswith(f"{path} @ byte {end + 7 + len(frame(SOUND[0]))}, 3 bytes lost: ")
    assert lines[4:] == ["199 sound records in 2 files; damaged places: 4; misfits: 0"]


def test_what_does_not_fit_is_reported_with_record_feature_and_step(sound, schema, varlen):
    wrong = [
        made(5, extra=1),
        sequence_example({"id": "0001"}, {"tokens": [1, 2, 200]}),
        sequence_example({}, {"tokens": [0.5]}),
        b"\xff",
    ]
    bad = sound.with_name("bad.tfrecord")
    bad.write_bytes(file_of([*SOUND, *wrong, *SOUND]))
    offsets = RecordIndex.build(bad).offsets.tolist()[100:104]
    outcome = varlen("inspect", "--check", "--schema", schema, bad)
    assert outcome.status == 1
    expected = [
        (0, "context.extra: expected no context feature of this name: there are: 'id'"),
        (1, "context.id: expected 3 bytes, found 4"),
        (1, "feature_lists.tokens[2]: expected a value of 1 to 99, found 200"),
        (2, "context.id: expected it in every record, found none"),
        (2, "feature_lists.tokens[0]: expected int64, found float32"),
        (3, "expected a SequenceExample or an Example, found other bytes"),
    ]
    assert outcome.out.splitlines() == [
        *(f"{bad} @ byte {offsets[i]}, record {100 + i}: {problem}" for i, problem in expected),
        "204 sound records in 1 file; damaged places: 0; misfits: 6",
    ]


def test_without_a_schema_kinds_are_those_that_came_first(tmp_path, varlen):
    records = [
        sequence_example({"a": 1}, {"b": []}),
        sequence_example({"a": 2, "c": "x"}, {"b": [1.5]}),
        sequence_example({"a": 0.5, "c": "y"}, {"b": [1.5, 2.5]}),
        made(1),
        sequence_example({"a": 1}, {"b": [1]}),
    ]
    path = tmp_path / "f"
    path.write_bytes(file_of(records))
    offsets = RecordIndex.build(path).offsets.tolist()
    outcome = varlen("inspect", "--check", path)
    assert outcome.status == 1
    assert outcome.out.splitlines() == [
        f"{path} @ byte {offsets[2]}, record 2: context.a: expected int64, found float32",
        f"{path} @ byte {offsets[4]}, record 4: feature_lists.b[0]: expected float32, found int64",
        "5 sound records in 1 file; damaged places: 0; misfits: 2",
    ]


def test_kinds_are_remembered_from_file_to_file(tmp_path, varlen):
    for name, value in (("a", 1), ("b", 0.5)):
        (tmp_path / name).write_bytes(file_of([example({"v": value})]))
    outcome = varlen("inspect", "--check", tmp_path / "a", tmp_path / "b")
    assert outcome.out.startswith(
        f"{tmp_path / 'b'} @ byte 0, record 0: context.v: expected int64, found fl"
    )


def test_json(sound, schema, varlen):
    data = bytearray(sound.read_bytes())
    data[13] ^= 1
    path = sound.with_name("damaged.tfrecord")
    path.write_bytes(data + frame(made(101)))
    outcome = varlen("inspect", "--check", "--schema", schema, "--json", path)
    assert outcome.status == 1
    found = json.loads(outcome.out)
    assert (found["sound"], found["files"], found["records"]) == (False, 1, 100)
    first, second = found["problems"]
    assert first.pop("problem").startswith("expected data checksum 0x")
    lost = len(frame(SOUND[0]))
    assert first == {"file": str(path), "byte": 0, "record": None, "num_bytes": lost, "path": ""}
    assert second == {
        "file": str(path),
        "byte": len(data),
        "record": 99,
        "num_bytes": None,
        "path": "feature_lists.tokens[0]",
        "problem": "expected a value of 1 to 99, found 101",
    }
    clean = json.loads(varlen("inspect", "--check", "--json", sound).out)
    assert clean == {"sound": True, "files": 1, "records": 100, "problems": []}


@pytest.mark.parametrize(
    "name", sorted(path.name for path in ORACLE.glob("*.tfrecord") if "flip" in path.name)
)
def test_damage_of_the_reference_files_is_found(name, varlen):
    outcome = varlen("inspect", "--check", "--json", ORACLE / name)
    assert outcome.status == 1
    lost = [p for p in json.loads(outcome.out)["problems"] if p["num_bytes"] is not None]
    # A bit in a compressed stream can fail both a record's checksum and that of the stream.
    assert len(lost) == (2 if name == "gzip_flip.tfrecord" else 1)


def test_an_empty_file_is_sound(tmp_path, schema, varlen):
    (tmp_path / "empty").touch()
    assert varlen("inspect", "--check", "--schema", schema, tmp_path / "empty").status == 0


def test_of_a_compressed_file_bytes_are_of_the_stream(tmp_path, varlen):
    outcome = varlen("inspect", "--check", ORACLE / "gzip_truncated.tfrecord")
    assert " @ byte 98 of the uncompressed stream, " in outcome.out


def test_the_standard_input(sound):
    command = [sys.executable, "-m", "varlen", "inspect", "--check", "-"]
    with sound.open("rb") as file:
        process = subprocess.run(
            command, stdin=file, capture_output=True, text=True, check=False, env=os.environ
        )
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.startswith("100 sound records in 1 file: no damage")


def test_options_that_do_not_go_together(sound, schema, tmp_path, varlen):
    for options, message in (
        (["--schema", schema], "--schema: expected --check with it"),
        (["--check", "--head", 1], "expected --head or --check, found both"),
        (["--check", "--feature", "a"], "expected --feature or --check, found both"),
        (["--head", 1, "--feature", "a"], "expected --feature or --head, found both"),
        (["--check", "--save-schema", tmp_path / "x"], "expected --save-schema or --check"),
        (["--check", "--schema", tmp_path / "gone"], "No such file.*gone"),
        (["--check", "--schema", sound], "expected a schema as JSON.*\n  at .*sound"),
    ):
        varlen("inspect", sound, *options).assert_error(message)
