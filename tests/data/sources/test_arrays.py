"""Arrays, tables and plain dicts as examples: the same as lists of examples, in any order."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from varlen import ConfigError, CorruptRecordError
from varlen.data import (
    Arrays,
    Batch,
    BatchPlan,
    Examples,
    FollowPlan,
    Pad,
    Parquet,
    Permute,
    Pipeline,
    Table,
)
from varlen.sequences import JaggedSequence, PaddedSequence, pad
from varlen.testing import check_stage

LENGTHS = np.array([3, 0, 5, 1, 2, 4, 0, 6])
ROWS = [np.arange(n * 2, dtype=np.float32).reshape(n, 2) + 10 * i for i, n in enumerate(LENGTHS)]
IDS = np.arange(len(LENGTHS)) * 7


def jagged():
    return JaggedSequence(np.concatenate(ROWS), LENGTHS)


def padded():
    return PaddedSequence(pad(jagged(), padding_value=np.nan).data, LENGTHS)


def table():
    pairs = pa.list_(pa.list_(pa.float32(), 2))
    return pa.table(
        {"id": pa.array(IDS), "frames": pa.array([row.tolist() for row in ROWS], pairs)}
    )


def plain():
    return [{"id": int(i), "frames": row.tolist()} for i, row in zip(IDS, ROWS, strict=True)]


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parquet")
    pq.write_table(table().slice(0, 5), folder / "0.parquet", row_group_size=2)
    pq.write_table(table().slice(5), folder / "1.parquet")
    return str(folder / "*.parquet")


SOURCES = {
    "jagged": lambda files: Arrays({"id": IDS, "frames": jagged()}),
    "padded": lambda files: Arrays({"id": IDS, "frames": padded()}),
    "tensors": lambda files: Arrays(
        {"id": torch.tensor(IDS), "frames": JaggedSequence(*map(torch.tensor, jagged()))}
    ),
    "table": lambda files: Table(table()),
    "slice of a table": lambda files: Table(pa.concat_tables([table()] * 2).slice(8)),
    "record batch": lambda files: Table(table().to_batches()[0]),
    "Parquet": lambda files: Parquet(files),
    "dicts": lambda files: Examples(plain(), ["frames"]),
    "dicts, one after the other": lambda files: Examples(lambda: iter(plain())),
}
every_source = pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
in_any_order = pytest.mark.parametrize("make", list(SOURCES.values())[:-1], ids=list(SOURCES)[:-1])


@every_source
def test_rows_are_examples(make, parquet):
    examples = list(Pipeline(make(parquet)))
    assert [int(example["id"]) for example in examples] == IDS.tolist()
    for example, row in zip(examples, ROWS, strict=True):
        values, length = example["frames"]
        assert int(length) == len(row) == len(values)
        assert np.reshape(values, (-1, 2)).tolist() == row.tolist()


@every_source
def test_a_state_is_good_at_every_position(make, parquet):
    check_stage(lambda: Pipeline(make(parquet), Batch(3), Pad()))


@in_any_order
def test_plans_and_permutations(make, parquet):
    plan = BatchPlan(3, buckets=2, feature="frames", seed=1)
    batches = list(Pipeline(make(parquet), FollowPlan(plan), Pad()))
    assert sorted(i for batch in batches for i in batch["id"].tolist()) == IDS.tolist()
    for batch in batches:
        for i, row, length in zip(batch["id"].tolist(), *batch["frames"], strict=True):
            expected = ROWS[i // 7]
            assert length == len(expected)
            assert row[:length].tolist() == expected.tolist()
    permuted = [int(example["id"]) for example in Pipeline(make(parquet), Permute(3))]
    assert permuted != IDS.tolist()
    assert sorted(permuted) == IDS.tolist()


def test_strings_and_numbers_of_a_table():
    columns = pa.table(
        {
            "words": [["a", "bé"], []],
            "kind": pa.array(["x", "y"]).dictionary_encode(),
            "raw": pa.array([b"\0", b"1"]),
            "is": [True, False],
        }
    )
    first, second = Pipeline(Table(columns))
    assert first["words"].values.tolist() == ["a", "bé"]
    assert second["words"].values.tolist() == []
    assert [str(first["kind"]), bytes(second["raw"]), bool(first["is"])] == ["x", b"1", True]


def test_chosen_columns_and_known_lengths(parquet):
    source = Parquet(parquet, columns=["id"])
    assert [list(example) for example in source] == [["id"]] * len(IDS)
    assert iter(Parquet(parquet)).known_lengths("frames").tolist() == LENGTHS.tolist()
    with pytest.raises(ConfigError, match="no column named 'frame'") as raised:
        iter(Parquet(parquet, columns=["frame"]))
    assert "did you mean" in str(raised.value).lower()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1, None, 3]}, r"column 'a': expected no missing values, found 1, .* place 1"),
        ({"a": [[1], None]}, r"column 'a': expected no missing values"),
        ({"a": [[1, None]]}, r"column 'a': expected no missing values"),
        ({"a": [[[1], [2, 3]]]}, "column 'a': expected lists of one size within lists, .* 1 and 2"),
        ({"a": [{"b": 1}]}, "column 'a': expected numbers, strings or lists of these"),
    ],
)
def test_columns_that_are_no_features(columns, message):
    with pytest.raises(ValueError, match=message):
        iter(Table(pa.table(columns)))


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 is not enough PAR1")
    with pytest.raises(CorruptRecordError, match="cannot be read as Parquet") as raised:
        iter(Parquet(path))
    assert raised.value.at == str(path)
    path.write_bytes(b"")
    with pytest.raises(CorruptRecordError, match="cannot be read as Parquet"):
        iter(Parquet(path))


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        ({}, ValueError, "expected at least one feature"),
        ({"a": [1, 2], "b": [1]}, ValueError, r"features\['b'\]: expected 2 examples, as in 'a'"),
        ({"a": 3}, ValueError, r"features\['a'\]: expected an array \[examples"),
        (
            {"a": JaggedSequence(np.zeros(4), [1, 2])},
            ValueError,
            r"features\['a'\]: expected as many values as its lengths say, 3, found shape \(4,\)",
        ),
        ({"a": PaddedSequence(np.zeros((2, 3)), [1, 4])}, ValueError, "lengths"),
        ({"a": PaddedSequence(np.zeros(3), [1])}, ValueError, r"data \[examples, time"),
    ],
)
def test_arrays_are_checked(features, error, message):
    with pytest.raises(error, match=message):
        Arrays(features)


class Hub:
    """As a Hugging Face dataset: rows by number, many at once, columns of plain lists."""

    def __init__(self, rows):
        self._rows = rows

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, number):
        return self._rows[number]

    def __getitems__(self, numbers):
        return [self._rows[number] for number in numbers]


def test_a_dataset_of_a_hub():
    rows = [{"tokens": ["a", "b"], "tag": [1, 2], "n": 1}, {"tokens": [], "tag": [], "n": 2}]
    first, second = Pipeline(Examples(Hub(rows), ("tokens", "tag")))
    assert first["tokens"].values.tolist() == ["a", "b"]
    assert first["tag"].values.dtype == np.int64
    assert int(second["tokens"].lengths) == 0
    batch = next(iter(Pipeline(Examples(Hub(rows)), FollowPlan(BatchPlan(2, shuffle=False)))))
    assert batch["tag"].lengths.tolist() == [2, 0]
    assert batch["n"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("row", "sequences", "error", "message"),
    [
        (3, None, TypeError, "expected a dict of features, found int"),
        ({"a": 1}, ["b"], ValueError, "no feature named 'b' in an example"),
        ({"a": 1}, ["a"], ValueError, "feature 'a': expected a list of steps, found 1"),
        ({"a": [[1], [1, 2]]}, None, ValueError, "feature 'a': expected a regular list"),
    ],
)
def test_dicts_that_are_no_examples(row, sequences, error, message):
    with pytest.raises(error, match=message):
        list(Pipeline(Examples([row], sequences)))


@pytest.mark.wrong_types
def test_batches_of_empty_lists_know_what_they_hold():
    rows = [{"tags": [], "frames": []}, {"tags": [4, 0], "frames": [[1.0, 2.0], [3.0, np.nan]]}]
    kinds = {"tags": np.empty(0, np.int64), "frames": np.empty((0, 2))}
    for batch in Pipeline(Examples(rows, kinds), Batch(1)):
        assert batch["tags"].values.dtype == np.int64
        assert batch["frames"].values.shape[1:] == (2,)
    (first, _) = Pipeline(Examples(rows), Batch(1))
    assert first["tags"].values.dtype == np.float64
    with pytest.raises(TypeError, match=r"sequences\['tags'\]: expected an array \[0, ...\]"):
        Examples(rows, {"tags": np.int64})


def test_empty_arrays_of_objects_stand_beside_numbers():
    rows = [{"frames": np.array([], object)}, {"frames": [[1, 2]]}, {"frames": []}]
    (batch,) = Pipeline(Examples(rows, ["frames"]), Batch(3))
    assert batch["frames"].values.dtype == np.int64
    assert batch["frames"].lengths.tolist() == [0, 1, 0]
