"""Ranks and workers share a pass: nothing is lost, nothing comes twice, the order is kept."""

import json
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, IterableDataset
from torchdata.stateful_dataloader import StatefulDataLoader

from varlen import CheckpointError
from varlen.data import (
    Batch,
    BucketBySequenceLength,
    Interleave,
    Map,
    Pad,
    Parse,
    Pipeline,
    Prefetch,
    Records,
    Shuffle,
)
from varlen.features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    VarLenFeature,
    sequence_example,
)
from varlen.records import RecordWriter
from varlen.sequences import JaggedSequence, SparseValues

PARSE = Parse(
    {"id": FixedLenFeature([], np.int64), "bag": VarLenFeature(np.int64)},
    {"tokens": FixedLenSequenceFeature([], np.int64)},
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("share") / "all.tfrecord"
    with RecordWriter(path) as writer:
        for i in range(53):
            context = {"id": i, "bag": list(range(i % 3))}
            writer.write(sequence_example(context, {"tokens": list(range(i % 7))}))
    return str(path)


def pipeline(file, *more):
    return Pipeline(
        Records(file),
        Shuffle(window=20, seed=3),
        BucketBySequenceLength("tokens", (2, 5), 4),
        PARSE,
        Pad(),
        *more,
    )


def ids(batches):
    return [batch["id"].tolist() for batch in batches]


def by_step(passes):
    """The batches of all ranks in the order of the whole pass; all must be equally many."""
    assert len({len(rank) for rank in passes}) == 1
    return [batch for step in zip(*passes, strict=True) for batch in step]


def joined(lists):
    return [number for numbers in lists for number in numbers]


@pytest.mark.parametrize("num_ranks", [1, 2, 3, 5, 20, 60])
def test_ranks_take_turns_and_divide_the_last_step(file, num_ranks):
    whole = ids(pipeline(file))
    passes = [ids(pipeline(file).for_rank(rank, num_ranks)) for rank in range(num_ranks)]
    shared = by_step(passes)
    full = len(whole) // num_ranks * num_ranks
    assert shared[:full] == whole[:full]
    assert joined(shared) == joined(whole)
    assert len(shared) == -(-len(whole) // num_ranks) * num_ranks
    assert all(shared[full:]) == (num_ranks < 60)  # batches without rows where rows are too few


@settings(deadline=None, max_examples=50)
@given(
    lengths=st.lists(st.integers(0, 4), max_size=30),
    batch_size=st.integers(1, 5),
    before=st.integers(1, 4),
    after=st.integers(1, 4),
    steps=st.integers(0, 6),
)
def test_another_number_of_ranks_goes_on(lengths, batch_size, before, after, steps):
    examples = [
        {
            "id": np.int64(i),
            "tokens": JaggedSequence(np.arange(length), np.int64(length)),
            "bag": SparseValues(np.array([[i]]), np.array([i]), np.array([i + 1])),
        }
        for i, length in enumerate(lengths)
    ]
    pipe = Pipeline(examples, Batch(batch_size))
    taken, states = [], []
    for rank in range(before):
        batches = iter(pipe.for_rank(rank, before))
        taken.append([batch for _, batch in zip(range(steps), batches, strict=False)])
        states.append(json.loads(json.dumps(batches.state_dict())))
    assert all(state == states[0] for state in states)
    rest = [list(pipe.starting_at(states[0]).for_rank(rank, after)) for rank in range(after)]
    batches = [*by_step(taken), *by_step(rest)]
    assert joined(ids(batches)) == list(range(len(lengths)))
    for batch in batches:
        assert batch["tokens"].lengths.tolist() == [lengths[i] for i in batch["id"]]
        assert len(batch["tokens"].values) == sum(batch["tokens"].lengths)
        assert batch["bag"].values.tolist() == batch["id"].tolist()
        assert batch["bag"].indices[:, 0].tolist() == list(range(len(batch["id"])))
        assert batch["bag"].dense_shape[0] == len(batch["id"])


def test_items_that_are_no_batches_are_not_divided():
    passes = [list(Pipeline(range(7), Map(abs)).for_rank(rank, 3)) for rank in range(3)]
    assert passes == [[0, 3, 6], [1, 4], [2, 5]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0), "num_ranks: expected at least 1"),
        ((-1, 2), "rank: expected at least 0"),
        ((2, 2), "rank: expected below 2, found 2"),
    ],
)
def test_a_rank_must_be_one_of_them(arguments, message):
    with pytest.raises(ValueError, match=message):
        Pipeline([1]).for_rank(*arguments)


def test_an_epoch_has_an_order_of_its_own():
    pipe = Pipeline(range(50), Shuffle(50, seed=0))
    first, second = list(pipe), list(pipe.for_epoch(1))
    assert first != second
    assert sorted(first) == sorted(second) == list(range(50))
    moved = iter(pipe)
    moved.begin_epoch(1)
    assert list(moved) == second
    with pytest.raises(ValueError, match="epoch: expected at least 0"):
        pipe.for_epoch(-1)


@pytest.mark.parametrize("num_workers", [0, 1, 2])
def test_workers_of_a_loader_keep_the_order(file, num_workers):
    loader = DataLoader(pipeline(file), batch_size=None, num_workers=num_workers)
    assert ids(loader) == ids(pipeline(file))


def test_workers_of_two_ranks(file):
    passes = [
        ids(DataLoader(pipeline(file).for_rank(rank, 2), batch_size=None, num_workers=2))
        for rank in range(2)
    ]
    assert joined(by_step(passes)) == joined(ids(pipeline(file)))


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")  # torchdata calls it
@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("position", [0, 1, 4, 7])
def test_a_stateful_loader_goes_on(file, num_workers, position):
    def load():
        return StatefulDataLoader(pipeline(file), batch_size=None, num_workers=num_workers)

    whole = ids(pipeline(file))
    loader = load()
    batches = iter(loader)
    assert ids(next(batches) for _ in range(position)) == whole[:position]
    fresh = load()
    fresh.load_state_dict(loader.state_dict())
    assert ids(fresh) == whole[position:]


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")
@pytest.mark.parametrize(("before", "after"), [(0, 2), (2, 0), (2, 1), (1, 2)])
@pytest.mark.parametrize("position", [1, 6])
def test_another_number_of_workers_goes_on(file, before, after, position):
    # A thread of this process would be there, and dead, in the workers that are forked from it.
    more = [Prefetch(2)] if before and after else []
    whole = ids(pipeline(file))
    loader = StatefulDataLoader(pipeline(file, *more), batch_size=None, num_workers=before)
    batches = iter(loader)
    assert ids(next(batches) for _ in range(position)) == whole[:position]
    rest = pipeline(file, *more).starting_at(loader.state_dict())
    assert ids(DataLoader(rest, batch_size=None, num_workers=after)) == whole[position:]
    # And again, when some workers of the second loader have not moved yet.
    again = StatefulDataLoader(rest, batch_size=None, num_workers=after)
    assert ids([next(iter(again))]) == whole[position : position + 1]
    rest = pipeline(file, *more).starting_at(again.state_dict())
    assert ids(DataLoader(rest, batch_size=None, num_workers=before)) == whole[position + 1 :]


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")
def test_what_is_no_state_is_refused():
    with pytest.raises(CheckpointError, match="expected the state of a pipeline, found none"):
        Pipeline([1]).starting_at({"model": {}})
    loader = StatefulDataLoader(
        Pipeline(range(9)), batch_size=None, num_workers=1, snapshot_every_n_steps=4
    )
    batches = iter(loader)
    assert [next(batches) for _ in range(5)] == list(range(5))
    with pytest.raises(CheckpointError, match="has made 1 steps since it asked its workers"):
        Pipeline(range(9)).starting_at(loader.state_dict())


class Within(IterableDataset):
    def __init__(self, pipe):
        self.pipe = pipe

    def __iter__(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield from self.pipe
        yield [str(warning.message) for warning in caught]


def test_a_pipeline_within_another_dataset_warns():
    items = list(DataLoader(Within(Pipeline([1, 2])), batch_size=None, num_workers=2))
    told = [message for item in items if isinstance(item, list) for message in item]
    assert [item for item in items if item in (1, 2)] == [1, 1, 2, 2]
    assert len(told) == 1
    assert "each of the 2 workers of a DataLoader makes the whole pass" in told[0]
    assert "give the DataLoader the Pipeline itself" in told[0]
    assert [*Within(Pipeline([1, 2]))] == [1, 2, []]


def test_a_pipeline_within_a_pipeline_is_shared_once():
    pipe = Pipeline(Pipeline(range(6), Shuffle(3, 0)), Map(abs))
    loader = DataLoader(pipe, batch_size=None, num_workers=2)
    assert list(loader) == list(pipe)


class SharesItself(IterableDataset):
    """Gives each worker of a DataLoader items of its own, as those of Hugging Face do."""

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        worker, num_workers = (0, 1) if info is None else (info.id, info.num_workers)
        yield from range(worker, 40, num_workers)


def lazily_within():
    yield from Pipeline(SharesItself(), Prefetch(2))


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")
@pytest.mark.parametrize(
    "source",
    [
        SharesItself(),
        Pipeline(SharesItself(), Prefetch(2)),
        lazily_within,
        Interleave([Pipeline(SharesItself()), []]),
    ],
    ids=["itself", "within a pipeline", "within a generator", "one of several"],
)
def test_a_source_that_shares_itself_is_shared_once(source):
    loaded = Pipeline(source, Shuffle(10, 0), Prefetch(2))
    loader = StatefulDataLoader(loaded, batch_size=None, num_workers=2)
    items = iter(loader)
    begun = [next(items) for _ in range(7)]
    state = loader.state_dict()
    assert begun + list(items) == list(loaded)
    resumed = StatefulDataLoader(loaded, batch_size=None, num_workers=2)
    resumed.load_state_dict(state)
    assert list(resumed) == list(loaded)[7:]


def test_functions_of_a_pipeline_know_their_worker():
    loader = DataLoader(Pipeline(SharesItself(), Map(with_worker)), batch_size=None, num_workers=2)
    assert list(loader) == [[i, i % 2, 2] for i in range(40)]


def with_worker(item):
    info = torch.utils.data.get_worker_info()
    return [item, info.id, info.num_workers]


def test_ranks_that_read_the_same_are_warned(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 4)
    with pytest.warns(UserWarning, match=r"each of the 4 ranks .*\n.*pipeline.for_rank"):
        list(Pipeline([1]))
    assert list(Pipeline([1]).for_rank(0, 1)) == [1]
