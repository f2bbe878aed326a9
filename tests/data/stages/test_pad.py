import numpy as np
import pytest
import torch

from varlen.data import Batch, Pad, Pipeline
from varlen.sequences import JaggedSequence, PaddedSequence, SparseValues


def padded(example, *examples, padding_values=None):
    stage = Pad() if padding_values is None else Pad(padding_values)
    (batch,) = Pipeline([example, *examples], Batch(9), stage)
    return batch


def sequence(values):
    return JaggedSequence(values, len(values))


def test_sequences_are_padded_to_the_longest_of_the_batch():
    batch = padded({"x": sequence([1, 2, 3])}, {"x": sequence([])}, {"x": sequence([4])})
    assert isinstance(batch["x"], PaddedSequence)
    assert batch["x"].data.tolist() == [[1, 2, 3], [0, 0, 0], [4, 0, 0]]
    assert batch["x"].data.dtype == torch.int64
    assert batch["x"].lengths.tolist() == [3, 0, 1]
    assert batch["x"].lengths.dtype == torch.int64


def test_empty_batches_of_sequences_have_no_steps():
    assert padded({"x": sequence(np.zeros((0, 3)))})["x"].data.shape == (1, 0, 3)


@pytest.mark.parametrize(
    ("rows", "value", "expected"),
    [
        ([[1, 2], [3]], -1, [[1, 2], [3, -1]]),
        ([[1.5, 2.5], [3.5]], 0.25, [[1.5, 2.5], [3.5, 0.25]]),
        ([[1.5, 2.5], [3.5]], 7, [[1.5, 2.5], [3.5, 7.0]]),
        ([[True, True], [False]], True, [[True, True], [False, True]]),
        ([[b"a", b"b"], [b"c"]], b"-", [[b"a", b"b"], [b"c", b"-"]]),
    ],
)
def test_padding_with_a_given_value(rows, value, expected):
    batch = padded(*({"x": sequence(r)} for r in rows), padding_values={"x": value})
    assert batch["x"].data.tolist() == expected


@pytest.mark.parametrize(
    ("words", "expected"), [([b"a", b"b"], [[b"a", b"b"], [b""] * 2]), (["a"], [["a"], [""]])]
)
def test_strings_stay_objects_and_are_padded_with_empty_ones(words, expected):
    batch = padded({"x": sequence(words)}, {"x": sequence(np.zeros(0, object))})
    assert isinstance(batch["x"].data, np.ndarray)
    assert batch["x"].data.tolist() == expected
    assert isinstance(batch["x"].lengths, torch.Tensor)


def test_numbers_become_tensors():
    sparse = SparseValues(np.zeros((1, 1), np.int64), np.ones(1, np.float32), np.array([1]))
    batch = padded({"number": 1.5, "name": b"a", "bag": sparse, "pair": np.ones(2, np.int32)})
    assert batch["number"].dtype == torch.float64
    assert batch["pair"].dtype == torch.int32
    assert batch["name"].tolist() == [b"a"]
    assert isinstance(batch["name"], np.ndarray)
    assert isinstance(batch["bag"], SparseValues)
    assert batch["bag"].values.dtype == torch.float32
    assert batch["bag"].indices.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("padding_values", "error", "message"),
    [
        ({"x": 1.5}, TypeError, r"padding_values\['x'\]: expected a value of int64, found 1.5"),
        ({"x": b""}, TypeError, "expected a value of int64, found b''"),
        ({"words": 0}, TypeError, "expected a value of object, found 0"),
        ({"word": b""}, ValueError, "no sequence named 'word' .* Did you mean 'words'"),
        ({"id": 0}, ValueError, "no sequence named 'id' in the batch"),
    ],
)
def test_padding_values_that_do_not_fit(padding_values, error, message):
    example = {"x": sequence([1]), "words": sequence([b"a"]), "id": 3}
    with pytest.raises(error, match=message):
        padded(example, padding_values=padding_values)


def test_what_is_no_batch():
    with pytest.raises(TypeError, match="Pad: expected a batch, a dict, found int"):
        list(Pipeline([3], Pad()))


def test_padding_on_the_left():
    stage = Pad({"x": -1}, side="left")
    rows = [{"x": sequence([1, 2, 3])}, {"x": sequence([])}, {"x": sequence([4])}]
    (batch,) = Pipeline(rows, Batch(3), stage)
    assert batch["x"].data.tolist() == [[1, 2, 3], [-1, -1, -1], [-1, -1, 4]]
    assert batch["x"].lengths.tolist() == [3, 0, 1]


@pytest.mark.parametrize(
    ("length", "multiple", "steps"), [(3, 1, 3), (3, 4, 4), (4, 4, 4), (5, 4, 8), (0, 4, 0)]
)
def test_padding_to_multiples(length, multiple, steps):
    (batch,) = Pipeline(
        [{"x": sequence(np.ones((length, 2)))}], Batch(1), Pad(multiple_of=multiple)
    )
    assert batch["x"].data.shape == (1, steps, 2)
    assert batch["x"].data.sum() == 2 * length


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"side": "top"}, ValueError, "Pad: side: expected 'right' or 'left', found 'top'"),
        ({"multiple_of": 0}, ValueError, "Pad: multiple_of: expected at least 1, found 0"),
        ({"multiple_of": 2.0}, TypeError, "Pad: multiple_of: expected an integer"),
    ],
)
def test_blocks_that_cannot_be(options, error, message):
    with pytest.raises(error, match=message):
        Pad(**options)
