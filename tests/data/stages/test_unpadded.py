import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence

from varlen.data import Batch, Jagged, Nest, Pack, Pipeline
from varlen.sequences import JaggedSequence

WORDS = JaggedSequence(np.array([b"a", b"b"], object), 2)


def batch_of(lengths, stage, **features):
    examples = [
        {"id": i, "x": JaggedSequence(np.arange(2 * n).reshape(n, 2) + 0.5 * i, n), **features}
        for i, n in enumerate(lengths)
    ]
    (batch,) = Pipeline(examples, Batch(len(lengths)), stage)
    assert batch["id"].tolist() == list(range(len(lengths)))
    assert isinstance(batch["id"], torch.Tensor)
    return [torch.from_numpy(example["x"].values) for example in examples], batch


@given(lengths=st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_jagged_sequences_have_tensors(lengths):
    rows, batch = batch_of(lengths, Jagged(), words=WORDS)
    torch.testing.assert_close(batch["x"].values, torch.cat(rows))
    assert batch["x"].lengths.tolist() == lengths
    assert batch["x"].lengths.dtype == torch.int64
    assert isinstance(batch["words"].lengths, torch.Tensor)
    assert batch["words"].values.tolist() == [b"a", b"b"] * len(lengths)


@given(lengths=st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_packed_sequences_are_torchs(lengths):
    rows, batch = batch_of(lengths, Pack(), words=WORDS)
    packed, expected = batch["x"], pack_sequence(rows, enforce_sorted=False)
    assert isinstance(packed, PackedSequence)
    for part, other in zip(packed, expected, strict=True):
        torch.testing.assert_close(part, other)
    blocks, found = pad_packed_sequence(packed, batch_first=True)
    assert found.tolist() == lengths
    assert all(
        torch.equal(block[:n], row) for block, row, n in zip(blocks, rows, lengths, strict=True)
    )
    assert isinstance(batch["words"], JaggedSequence)


@given(lengths=st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_nested_tensors_are_jagged(lengths):
    rows, batch = batch_of(lengths, Nest(), words=WORDS)
    assert batch["x"].layout == torch.jagged
    found = batch["x"].unbind()
    assert len(found) == len(rows)
    assert all(torch.equal(one, other) for one, other in zip(found, rows, strict=True))
    assert isinstance(batch["words"], JaggedSequence)


def test_empty_rows_cannot_be_packed():
    with pytest.raises(
        ValueError, match=r"Pack: feature 'x': expected a step .* found none in row 1\n  leave such"
    ):
        batch_of([2, 0, 1], Pack())
    nothing = {"x": JaggedSequence(np.zeros(0), np.zeros(0, np.int64))}
    with pytest.raises(ValueError, match=r"Pack: feature 'x': .* found no row"):
        list(Pipeline([nothing], Pack()))


@pytest.mark.parametrize("stage", [Jagged(), Pack(), Nest()])
def test_what_is_no_batch(stage):
    with pytest.raises(TypeError, match=f"{type(stage).__name__}: expected a batch, a dict, found"):
        list(Pipeline([3], stage))
