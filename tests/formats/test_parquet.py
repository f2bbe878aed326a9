import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, ipc, parquet

from formats.rows import features, ignore
from varlen.errors import ConfigError, CorruptRecordError, FeatureError
from varlen.formats import Kind, Kinds, Row, encode_rows, read_arrow, read_parquet, write_parquet

COLUMNS = {
    "id": pa.array(["a", None, "é"]),
    "n": pa.array([1, 2, None], pa.uint8()),
    "x": pa.array([0.5, None, np.nan], pa.float64()),
    "flag": pa.array([True, None, False]),
    "raw": pa.array([b"\xff", b"", None], pa.large_binary()),
    "coded": pa.array(["p", "q", None]).dictionary_encode(),
    "never": pa.nulls(3),
    "i": pa.array([[1, 2], None, []], pa.list_(pa.int16())),
    "f": pa.array([[0.5], [], None], pa.large_list(pa.float32())),
    "half": pa.array([np.array([1.5], np.float16), None, None], pa.list_(pa.float16())),
    "b": pa.array([[True, False], [], None]),
    "t": pa.array([["x", ""], [], None]),
    "pair": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int64(), 2)),
    "deep": pa.array([[[1.5], []], [], None], pa.list_(pa.list_(pa.float32()))),
    "names": pa.array([[["x"], []], None, [[]]]),
    "vectors": pa.array([[[1, 2], [3, 4]], None, []], pa.list_(pa.list_(pa.int32(), 2))),
    "grid": pa.array(
        [[[1, 2], [3, 4]], None, [[5, 6], [7, 8]]], pa.list_(pa.list_(pa.int8(), 2), 2)
    ),
    "empty": pa.array([[], [], None], pa.list_(pa.null())),
}
TABLE = pa.table(COLUMNS)


def expected():
    """What Arrow itself says of each row, without what is missing."""
    rows = TABLE.to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def same(found, wanted):
    return repr(found) == repr(wanted)  # NaN is like NaN


def write(table, path, kind):
    if kind == "parquet":
        parquet.write_table(table, path, row_group_size=2)
    elif kind == "feather":
        feather.write_feather(table, path)
    else:
        with ipc.new_stream(str(path), table.schema) as stream:
            stream.write_table(table, max_chunksize=2)


READERS = {"parquet": read_parquet, "feather": read_arrow, "stream": read_arrow}


@pytest.mark.parametrize("kind", READERS)
def test_every_type_of_column(tmp_path, kind):
    path = tmp_path / "a"
    write(TABLE, path, kind)
    rows = list(READERS[kind]([str(path)], ignore))
    assert len(rows) == 3
    for row, wanted in zip(rows, expected(), strict=True):
        found = features(row)
        assert same({name: found[name] for name in wanted}, wanted)
        assert set(found) == set(wanted)
    lists = {name for name, column in COLUMNS.items() if "list" in str(column.type)}
    assert set(rows[0].sequences) == lists
    assert rows[2].place == f"{path}, row 2"
    assert len(encode_rows(list(Kinds().checked(rows)))) == 3


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 5000])
def test_rows_come_in_order_across_batches(tmp_path, kind, size):
    lengths = np.arange(size) % 7
    lists = [None if n == 6 else list(range(n)) for n in lengths.tolist()]
    write(pa.table({"x": pa.array(lists, pa.list_(pa.int64()))}), tmp_path / "a", kind)
    rows = READERS[kind]([str(tmp_path / "a")], ignore)
    assert [features(row).get("x") for row in rows] == lists


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([[1], [2, None]]), r"found null\n  at .*row 1, 'x', step 1\n  a row may have"),
        (pa.array([None, [None]], pa.list_(pa.null())), r"found null\n  at .*row 1, 'x', step 0"),
        (pa.array([[[1]], [[2], None]]), r"found null\n  at .*row 1, 'x', step 1"),
        (pa.array([None, [[2, None]]]), r"found null\n  at .*row 1, 'x'\n"),
        (pa.array([["a"], ["b", None]]), r"found null\n  at .*row 1, 'x', step 1"),
        (pa.array([[1, 2], [3, None]], pa.list_(pa.int64(), 2)), r"row 1, 'x', step 1"),
        (pa.array([[[[1]]]]), r"found list<.*\n  at .*'x'\n  leave this column out"),
        (pa.array([{"a": 1}]), "found struct<a: int64>"),
        (pa.array([1], pa.timestamp("ms")), r"found timestamp\[ms\]"),
        (pa.array([[1]], pa.list_(pa.decimal128(5))), "found list<.*decimal128"),
    ],
)
def test_columns_that_no_feature_can_hold(tmp_path, column, message):
    parquet.write_table(pa.table({"x": column}), tmp_path / "a")
    with pytest.raises(FeatureError, match=message):
        list(read_parquet([str(tmp_path / "a")], ignore))


def test_columns_of_one_name(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    write(table, tmp_path / "a", "stream")
    with pytest.raises(FeatureError, match="columns of different names"):
        list(read_arrow([str(tmp_path / "a")], ignore))


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[: len(b) // 2], lambda b: b"x" * 99])
def test_damaged_files(tmp_path, kind, damage):
    path = tmp_path / "a"
    write(pa.table({"x": [list(range(1000))] * 1000}), path, kind)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CorruptRecordError, match=r"damaged: .*\n  at .*a$"):
        list(READERS[kind]([str(path)], ignore))


@pytest.mark.parametrize("read", [read_parquet, read_arrow])
def test_a_file_that_is_not_there(tmp_path, read):
    with pytest.raises(FileNotFoundError):
        list(read([str(tmp_path / "gone")], ignore))


@pytest.mark.parametrize("read", [read_parquet, read_arrow])
def test_without_pyarrow_the_extra_is_named(monkeypatch, read):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'varlen\[arrow\]'"):
        list(read(["a"], ignore))


@pytest.mark.parametrize("kind", READERS)
def test_progress_reaches_the_size_of_the_file(tmp_path, kind):
    path, told = tmp_path / "a", []
    write(pa.table({"x": pa.array(np.arange(200_000))}), path, kind)
    assert sum(1 for _ in READERS[kind]([str(path)], told.append)) == 200_000
    assert len(told) > 1
    assert 0.9 * path.stat().st_size <= sum(told) <= path.stat().st_size


def test_what_is_written_is_read_back(tmp_path):
    kinds = {
        "s": Kind(0, "string"),
        "b": Kind(1, "bytes"),
        "i": Kind(1, "integer"),
        "x": Kind(2, "number"),
        "v": Kind(2, "number"),
        "none": Kind(1, None),
    }
    rows = [
        Row({"s": "é"}, {"b": [b"\xff"], "i": [1], "x": [np.array([0.5]), np.zeros(0)]}, ""),
        Row({}, {"v": np.array([[1, 2], [3, 4]], np.float32), "i": np.array([2**62]), "b": []}, ""),
        Row({"s": ""}, {"none": [], "x": [], "i": []}, ""),
    ]
    path = tmp_path / "a.parquet"
    write_parquet(str(path), iter(rows), kinds)
    found = read_parquet([str(path)], ignore)
    assert list(map(features, found)) == [features(row) for row in rows]
    types = [str(field.type) for field in parquet.read_schema(path)]
    assert types[0] == "string"
    assert types[1:3] == ["list<element: binary>", "list<element: int64>"]


def test_no_feature_has_no_column(tmp_path):
    with pytest.raises(ConfigError, match="a feature at least"):
        write_parquet(str(tmp_path / "a"), [], {})
