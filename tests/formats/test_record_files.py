import numpy as np
import pytest

from formats.rows import features, ignore
from varlen.errors import CorruptRecordError, FeatureError
from varlen.features import SequenceExample, example, sequence_example
from varlen.formats import Kind, RecordFiles
from varlen.records import RecordWriter
from wire_messages import delimited


def write(path, *records):
    with RecordWriter(path) as writer:
        for record in records:
            writer.write(record)
    return str(path)


def read(tmp_path, *records):
    files = RecordFiles([write(tmp_path / "a.tfrecord", *records)])
    return list(map(features, files.rows(ignore))), dict(files.kinds(ignore))


def test_one_value_everywhere_is_no_list(tmp_path):
    rows, kinds = read(
        tmp_path,
        sequence_example({"a": 1, "b": [1, 2]}, {"x": [1, 2], "y": [[1], [2]]}),
        sequence_example({"a": 2, "b": 3}, {"x": [], "y": [[3, 4], []]}),
    )
    assert rows == [
        {"a": 1, "b": [1, 2], "x": [1, 2], "y": [[1], [2]]},
        {"a": 2, "b": [3], "x": [], "y": [[3, 4], []]},
    ]
    assert kinds == {
        "a": Kind(0, "integer"),
        "b": Kind(1, "integer"),
        "x": Kind(1, "integer"),
        "y": Kind(2, "integer"),
    }


def test_a_feature_with_an_unknown_field_is_not_lost(tmp_path):
    feature, unknown = delimited(3, delimited(1, b"\x05")), b"\x48\x4d"
    context = delimited(1, delimited(1, b"c") + delimited(2, feature) + unknown)
    steps = delimited(1, delimited(1, b"s") + delimited(2, delimited(1, feature)) + unknown)
    rows, _ = read(tmp_path, delimited(1, context) + delimited(2, steps))
    assert rows == [{"c": 5, "s": [5]}]


def test_bytes_are_text_if_all_are_utf8(tmp_path):
    rows, kinds = read(
        tmp_path,
        sequence_example({"t": "é"}, {"b": ["x", "y"]}),
        sequence_example({"t": ""}, {"b": [b"\xff"]}),
    )
    assert rows == [{"t": "é", "b": [b"x", b"y"]}, {"t": "", "b": [b"\xff"]}]
    assert kinds == {"b": Kind(1, "bytes"), "t": Kind(0, "string")}


def test_floats_are_float32(tmp_path):
    path = write(tmp_path / "a", sequence_example({"c": 0.1}, {"x": [0.5], "v": [[1.5, 2.5], []]}))
    [row] = RecordFiles([path]).rows(ignore)
    assert row.context["c"].dtype == np.float32
    assert row.sequences["x"].dtype == np.float32
    assert [step.tolist() for step in row.sequences["v"]] == [[1.5, 2.5], []]


def test_a_feature_without_a_kind_is_missing_and_a_list_without_steps_is_not(tmp_path):
    message = SequenceExample()
    message.context.feature["none"].SetInParent()
    message.context.feature["empty"].int64_list.SetInParent()
    message.feature_lists.feature_list["no_steps"].SetInParent()
    message.feature_lists.feature_list["step"].feature.add()
    rows, kinds = read(tmp_path, message.SerializeToString(), b"")
    assert rows == [{"empty": [], "no_steps": [], "step": [[]]}, {}]
    assert kinds["no_steps"] == Kind(1, None)
    assert kinds["step"] == Kind(2, None)


def test_examples_are_rows_of_context(tmp_path):
    path = write(tmp_path / "a", example({"a": [1, 2], "b": "x"}))
    [row] = RecordFiles([path]).rows(ignore)
    assert (row.context, row.sequences) == ({"a": [1, 2], "b": "x"}, {})


def test_places_and_progress(tmp_path):
    paths = [write(tmp_path / name, example({"a": 1}), example({"a": 2})) for name in "ab"]
    told = []
    rows = list(RecordFiles(paths).rows(told.append))
    assert rows[2].place == f"{paths[1]} @ byte 0"
    assert sum(told) == 2 * sum((tmp_path / name).stat().st_size for name in "ab")


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([b"no message"], r"no SequenceExample and no Example\n  at .*a\.tfrecord @ byte 0"),
        (
            [sequence_example({"x": 1}), sequence_example({"x": 0.5})],
            r"in int64_list as in .* @ byte 0, found float_list\n  at .*@ byte \d\d, 'x'",
        ),
        (
            [sequence_example({"x": 1}), sequence_example(sequences={"x": [1]})],
            "expected 'x' in the context as in .* @ byte 0, found it in the feature lists",
        ),
        ([sequence_example({"x": 1}, {"x": [1]})], "found it in the feature lists"),
    ],
)
def test_records_that_are_no_rows(tmp_path, records, message):
    with pytest.raises(FeatureError, match=message):
        read(tmp_path, *records)


def test_damage(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 100)
    with pytest.raises(CorruptRecordError, match="@ byte 0"):
        list(RecordFiles([str(tmp_path / "a")]).rows(ignore))
