import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen.data import Batch, BucketBySequenceLength, Pipeline
from varlen.sequences import JaggedSequence, SparseValues


def row(*values, dtype=np.int64):
    return JaggedSequence(np.array(values, dtype), np.int64(len(values)))


def rows_of(lengths):
    return [{"x": JaggedSequence(np.full(n, i), n)} for i, n in enumerate(lengths)]


def lengths_of(batches):
    return [batch["x"].lengths.tolist() for batch in batches]


def test_examples_become_a_batch():
    examples = [
        {"id": 7, "name": b"a\0", "pair": [1.0, 2.0], "tokens": row(1, 2)},
        {"id": 8, "name": b"bcd", "pair": [3.0, 4.0], "tokens": row()},
        {"id": 9, "name": b"", "pair": [5.0, 6.0], "tokens": row(3)},
    ]
    first, second = Pipeline(examples, Batch(2))
    assert first["id"].tolist() == [7, 8]
    assert first["name"].dtype == object
    assert first["name"].tolist() == [b"a\0", b"bcd"]
    assert first["pair"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert first["tokens"].values.tolist() == [1, 2]
    assert first["tokens"].lengths.tolist() == [2, 0]
    assert first["tokens"].lengths.dtype == np.int64
    assert second["id"].tolist() == [9]
    assert second["tokens"].lengths.tolist() == [1]
    (only,) = Pipeline(examples, Batch(2, drop_remainder=True))
    assert only["id"].tolist() == [7, 8]


def test_sequences_keep_dtype_and_shape_of_their_steps():
    wide = JaggedSequence(np.ones((2, 3), np.float32), 2)
    narrow = JaggedSequence(np.zeros((0, 3), np.float32), 0)
    (batch,) = Pipeline([{"x": narrow}, {"x": wide}], Batch(2))
    assert batch["x"].values.shape == (2, 3)
    assert batch["x"].values.dtype == np.float32
    (batch,) = Pipeline([{"x": JaggedSequence([], 0)}, {"x": JaggedSequence([4, 5], 2)}], Batch(2))
    assert batch["x"].values.tolist() == [4, 5]
    assert batch["x"].values.dtype == np.int64
    (batch,) = Pipeline([{"x": narrow}], Batch(2))
    assert batch["x"].values.shape == (0, 3)


def test_sparse_values_get_a_batch_axis():
    one = SparseValues(np.array([[0, 1], [2, 0]]), np.array([5.0, 6.0]), np.array([3, 2]))
    none = SparseValues(np.zeros((0, 2), np.int64), np.zeros(0), np.array([1, 4]))
    (batch,) = Pipeline([{"x": none}, {"x": one}], Batch(2))
    assert batch["x"].indices.tolist() == [[1, 0, 1], [1, 2, 0]]
    assert batch["x"].values.tolist() == [5.0, 6.0]
    assert batch["x"].dense_shape.tolist() == [2, 3, 4]


@pytest.mark.parametrize(
    ("examples", "error", "message"),
    [
        (
            [{"x": np.zeros(2)}, {"x": np.zeros(3)}],
            ValueError,
            r"feature 'x' of example 1: expected shape \(2,\), as in feature 'x' of example 0, "
            r"found \(3,\); sequences of unequal length go into JaggedSequence\(values, length\)",
        ),
        ([{"x": 1}, {"y": 1}], ValueError, r"example 1 .* features \['x'\], .* found \['y'\]"),
        ([{"x": 1}, 2], TypeError, "example 1 of the batch: expected a dict .* found int"),
        ([{"x": 1}, {"x": 1.5}], TypeError, "example 1: expected int64, as in .* found float64"),
        ([{"x": row(1)}, {"x": row(1, dtype=np.int32)}], TypeError, "found int32"),
        ([{"x": row(1)}, {"x": 1}], ValueError, "expected JaggedSequence, .* found int"),
        ([{"x": JaggedSequence([1, 2], 3)}] * 2, ValueError, r"length says, 3, found shape \(2,\)"),
        ([{"x": JaggedSequence([1], [1])}] * 2, ValueError, r"found lengths of shape \(1,\)"),
        (
            [{"x": row(1)}, {"x": JaggedSequence([[1, 2]], 1)}],
            ValueError,
            r"expected steps of shape \(\), as in feature 'x' of example 0, found \(2,\)",
        ),
        (
            [{"x": SparseValues([[0]], [1], [2])}, {"x": SparseValues([[0, 0]], [1], [2, 2])}],
            ValueError,
            r"feature 'x' of example 1: expected rank 1, as in .* example 0, found rank 2",
        ),
        ([{"x": [[1], [2, 3]]}] * 2, ValueError, "values of a regular shape"),
    ],
)
def test_examples_that_do_not_go_together(examples, error, message):
    with pytest.raises(error, match=message):
        list(Pipeline(examples, Batch(2)))


def plain_buckets(lengths, boundaries, sizes, drop_remainder):
    """The rule, written out."""
    buckets = [[] for _ in sizes]
    batches = []
    for length in lengths:
        bucket = sum(length >= boundary for boundary in boundaries)
        buckets[bucket].append(length)
        if len(buckets[bucket]) == sizes[bucket]:
            batches.append(buckets[bucket])
            buckets[bucket] = []
    return batches + [left for left in buckets if left and not drop_remainder]


@given(
    lengths=st.lists(st.integers(0, 9), max_size=30),
    boundaries=st.sets(st.integers(0, 8), min_size=1, max_size=4).map(sorted),
    data=st.data(),
    drop_remainder=st.booleans(),
)
def test_buckets_are_those_of_the_plain_rule(lengths, boundaries, data, drop_remainder):
    sizes = [data.draw(st.integers(1, 4)) for _ in range(len(boundaries) + 1)]
    stage = BucketBySequenceLength("x", boundaries, sizes, drop_remainder=drop_remainder)
    found = lengths_of(Pipeline(rows_of(lengths), stage))
    assert found == plain_buckets(lengths, boundaries, sizes, drop_remainder)


def test_one_batch_size_is_for_all_buckets():
    pipeline = Pipeline(rows_of([1, 5, 1, 5, 5, 1]), BucketBySequenceLength("x", [3], 2))
    assert lengths_of(pipeline) == [[1, 1], [5, 5], [1], [5]]


@pytest.mark.parametrize(
    ("example", "error", "message"),
    [
        ({"y": row(1)}, ValueError, r"no feature named 'x' in the example; there are: 'y'"),
        ({"x": [1, 2]}, TypeError, "feature 'x': expected a JaggedSequence, found list"),
        (row(1), TypeError, "expected a dict of features, found JaggedSequence"),
        ({"x": JaggedSequence([1], [1])}, ValueError, "feature 'x': expected a single sequence"),
    ],
)
def test_examples_without_the_length(example, error, message):
    with pytest.raises(error, match=message):
        list(Pipeline([example], BucketBySequenceLength("x", [3], 2)))


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("boundaries", "batch_size", "error", "message"),
    [
        ([], 2, ValueError, "boundaries: expected at least one, found none"),
        (5, 2, TypeError, "boundaries: expected a list of integers, found 5"),
        ([2.5], 2, TypeError, r"boundaries\[0\]: expected an integer, found 2.5"),
        ([3, 4.0], 2, TypeError, r"boundaries\[1\]: expected an integer, found 4.0"),
        ([3, 3], 2, ValueError, "expected each to be above the one before, found 3 after 3"),
        ([-1], 2, ValueError, r"boundaries\[0\]: expected at least 0, found -1"),
        ([3], [1, 2, 3], ValueError, "one for each of the 2 buckets, found 3"),
        ([3], [1, 0], ValueError, "batch_size: expected at least 1, found 0"),
        ([3], "ab", TypeError, "batch_size: expected an integer, found 'a'"),
    ],
)
def test_buckets_that_cannot_be(boundaries, batch_size, error, message):
    with pytest.raises(error, match=message):
        BucketBySequenceLength("x", boundaries, batch_size)


@pytest.mark.wrong_types
@pytest.mark.parametrize(("size", "error"), [(0, ValueError), (2.0, TypeError), ("2", TypeError)])
def test_batch_sizes_that_cannot_be(size, error):
    with pytest.raises(error, match="Batch: batch_size: expected"):
        Batch(size)
