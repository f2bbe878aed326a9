import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._pytree import tree_map

from varlen import CheckpointError, LSTMCell, dynamic_rnn
from varlen.data import Chunk, Pad, Pipeline
from varlen.sequences import JaggedSequence


def examples_of(lengths):
    return [
        {"id": i, "x": JaggedSequence(100 * i + np.arange(n), n)} for i, n in enumerate(lengths)
    ]


def rows_of(batch):
    ends = np.cumsum(batch["x"].lengths)
    pieces = zip(ends - batch["x"].lengths, ends, strict=True)
    return [batch["x"].values[begin:end].tolist() for begin, end in pieces]


def test_every_row_reads_on_in_its_own_sequence():
    batches = list(Pipeline(examples_of([5, 2, 4, 1]), Chunk(steps=2, batch_size=2)))
    assert [rows_of(batch) for batch in batches] == [
        [[0, 1], [100, 101]],
        [[2, 3], [200, 201]],
        [[4], [202, 203]],
        [[300], []],
    ]
    assert [batch["is_first"].tolist() for batch in batches] == [
        [True, True],
        [False, True],
        [False, False],
        [True, False],
    ]
    assert [batch["id"].tolist() for batch in batches[:3]] == [[0, 1], [0, 2], [0, 2]]
    assert batches[3]["id"][0] == 3
    assert batches[0]["is_first"].dtype == bool


def test_ranks_share_the_rows_of_every_chunk():
    """So that each row goes on in its own rank, in the same place."""
    pipeline = Pipeline(examples_of([5, 2, 4, 1, 3]), Chunk(steps=2, batch_size=3), Pad())
    whole = list(pipeline)
    ranks = [list(pipeline.for_rank(rank, 2)) for rank in range(2)]
    assert [len(batches) for batches in ranks] == [len(whole)] * 2
    for batch, *shares in zip(whole, *ranks, strict=True):
        assert [len(share["is_first"]) for share in shares] == [1, 2]
        for name in ("is_first", "id"):
            assert np.concatenate([share[name] for share in shares]).tolist() == [*batch[name]]
        rows = [row for share in shares for row in live_rows(share["x"])]
        assert rows == live_rows(batch["x"])


def live_rows(padded):
    return [row[:n].tolist() for row, n in zip(padded.data, padded.lengths, strict=True)]


def plain_streams(lengths, steps, batch_size):
    """The rule, written out: per row, the (sequence, first step) of each of its chunks."""
    waiting, chunks = list(enumerate(lengths)), []
    rows = [None] * batch_size
    while True:
        for r in range(batch_size):
            if rows[r] is None and waiting:
                rows[r] = (*waiting.pop(0), 0)
        if not any(rows):
            return chunks
        chunks.append([row and (row[0], row[2], min(steps, row[1] - row[2])) for row in rows])
        for r, row in enumerate(rows):
            if row:
                rows[r] = (row[0], row[1], row[2] + steps) if row[2] + steps < row[1] else None


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(0, 9), max_size=8),
    steps=st.integers(1, 4),
    batch_size=st.integers(1, 4),
)
def test_chunks_are_those_of_the_plain_rule(lengths, steps, batch_size):
    batches = list(Pipeline(examples_of(lengths), Chunk(steps, batch_size)))
    expected = plain_streams(lengths, steps, batch_size)
    assert [rows_of(batch) for batch in batches] == [
        [[100 * p[0] + p[1] + t for t in range(p[2])] if p else [] for p in chunk]
        for chunk in expected
    ]
    assert [batch["is_first"].tolist() for batch in batches] == [
        [p is not None and p[1] == 0 for p in chunk] for chunk in expected
    ]
    everything = sorted(x for batch in batches for row in rows_of(batch) for x in row)
    assert everything == sorted(100 * i + t for i, n in enumerate(lengths) for t in range(n))


def test_a_network_that_carries_its_state_sees_whole_sequences():
    torch.manual_seed(0)
    cell = LSTMCell(3, 4)
    lengths = [7, 2, 5, 0, 3, 4]
    sequences = [np.random.default_rng(i).normal(size=(n, 3)) for i, n in enumerate(lengths)]
    examples = [
        {"id": i, "x": JaggedSequence(x.astype(np.float32), len(x))}
        for i, x in enumerate(sequences)
    ]
    outputs_of = {i: [] for i in range(len(lengths))}
    state = cell.zero_state(2)
    with torch.no_grad():
        for batch in Pipeline(examples, Chunk(steps=2, batch_size=2), Pad()):
            first = batch["is_first"][:, None]
            state = tree_map(lambda s, first=first: s.masked_fill(first, 0), state)
            outputs, state = dynamic_rnn(cell, *batch["x"], initial_state=state)
            for row, length in enumerate(batch["x"].lengths.tolist()):
                outputs_of[int(batch["id"][row])].append(outputs[row, :length])
        for i, x in enumerate(sequences):
            alone, _ = dynamic_rnn(cell, torch.tensor(x, dtype=torch.float32)[None])
            torch.testing.assert_close(torch.cat(outputs_of[i]), alone[0])


def test_a_state_is_small_and_refuses_another_number_of_rows():
    pass_ = iter(Pipeline(examples_of([5] * 100), Chunk(2, 3)))
    for _ in range(50):
        next(pass_)
    assert len(str(pass_.state_dict())) < 400
    with pytest.raises(CheckpointError, match="place 1 it had Chunk"):
        iter(Pipeline([], Chunk(2, 4))).load_state_dict(pass_.state_dict())


@pytest.mark.parametrize(
    ("example", "error", "message"),
    [
        ({"id": 1}, ValueError, "Chunk: expected an example with a sequence"),
        (
            {"x": JaggedSequence([1], 1), "is_first": 1},
            ValueError,
            "expected examples without a feature 'is_first'",
        ),
        (
            {"x": JaggedSequence([1], 1), "y": JaggedSequence([], 0)},
            ValueError,
            "Chunk: expected sequences of one length",
        ),
        (3, TypeError, "Chunk: expected a dict of features, found int"),
    ],
)
def test_examples_that_cannot_be_read_on_in(example, error, message):
    with pytest.raises(error, match=message):
        list(Pipeline([example], Chunk(2, 2)))


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 1), ValueError, "Chunk: steps: expected at least 1"),
        ((1, 0), ValueError, "Chunk: batch_size: expected at least 1"),
        ((1, 1.5), TypeError, "Chunk: batch_size: expected an integer"),
    ],
)
def test_sizes_that_cannot_be(arguments, error, message):
    with pytest.raises(error, match=message):
        Chunk(*arguments)
