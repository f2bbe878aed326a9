"""Records in any order: permuted, planned, resumed at once, and as a map-style dataset."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from varlen import CheckpointError, CorruptRecordError
from varlen.data import (
    Batch,
    FollowPlan,
    IndexedRecords,
    Map,
    Pad,
    Parse,
    Permute,
    Pipeline,
    RecordDataset,
    Records,
    Repeat,
)
from varlen.data.plan import BatchLimits, BatchPlan
from varlen.features import FixedLenFeature, FixedLenSequenceFeature, sequence_example
from varlen.records import RecordIndex, RecordWriter
from varlen.sequences import JaggedSequence

CONTEXT = {"id": FixedLenFeature([], np.int64)}
LISTS = {"tokens": FixedLenSequenceFeature([], np.int64)}
PARSE = Parse(CONTEXT, LISTS)
LENGTHS = [i * 7 % 11 for i in range(150)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    for number, shard in enumerate([range(70), range(70, 70), range(70, 71), range(71, 150)]):
        with RecordWriter(folder / f"{number}.tfrecord") as writer:
            for i in shard:
                writer.write(sequence_example({"id": i}, {"tokens": list(range(LENGTHS[i]))}))
    return str(folder / "*.tfrecord")


def ids(items):
    return [number for item in items for number in np.ravel(item["id"]).tolist()]


def test_in_order_they_are_as_a_stream(files):
    assert list(Pipeline(IndexedRecords(files))) == list(Pipeline(Records(files)))


def test_any_can_be_had(files):
    records = list(Pipeline(Records(files)))
    items = iter(IndexedRecords(files))
    for positions in ([], [149, 0, 70, 70, 3], range(60, 80), [5, 4]):
        assert items.items_at(positions) == [records[i] for i in positions]
        batch = items.batch_at(positions)
        assert [batch.record(i) for i in range(len(batch))] == [records[i] for i in positions]
    assert next(items) == records[0]
    assert items.skip(100) == 100
    assert next(items) == records[101]
    assert items.skip(1000) == 48
    assert next(items, None) is None


def test_an_epoch_is_a_permutation_and_every_epoch_another(files):
    pipeline = Pipeline(IndexedRecords(files), Permute(seed=5), PARSE)
    orders = [ids(pipeline.for_epoch(epoch)) for epoch in range(3)]
    assert all(sorted(order) == list(range(150)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert ids(Pipeline(IndexedRecords(files), Permute(seed=6), PARSE)) != orders[0]
    repeated = ids(Pipeline(IndexedRecords(files), Permute(seed=5), Repeat(3), PARSE))
    assert repeated == [*orders[0], *orders[1], *orders[2]]
    assert sorted(Pipeline(list("abcdef"), Permute(0))) == list("abcdef")


def test_a_list_that_grew_has_another_order():
    moved = iter(Pipeline([1, 2, 3], Permute(0)))
    next(moved)
    with pytest.raises(CheckpointError, match=r"expected 3 items, as when .* found 4, which have"):
        iter(Pipeline([1, 2, 3, 4], Permute(0))).load_state_dict(moved.state_dict())


@pytest.mark.parametrize("stage", [Permute(0), FollowPlan(BatchPlan(2))])
def test_items_that_come_in_one_order_only_are_refused(files, stage):
    with pytest.raises(TypeError, match="expected items that can be had in any order"):
        iter(Pipeline(Records(files), stage))


def test_the_batches_are_those_of_the_plan(files):
    plan = BatchPlan(BatchLimits(max_steps=40), buckets=3, seed=2)
    expected = plan.over(np.array(LENGTHS)).batches(0)
    pipeline = Pipeline(IndexedRecords(files, "tokens"), FollowPlan(plan), PARSE, Pad())
    batches = list(pipeline)
    assert [batch["id"].tolist() for batch in batches] == [b.tolist() for b in expected]
    for batch in batches:
        lengths = batch["tokens"].lengths.tolist()
        assert lengths == [LENGTHS[i] for i in batch["id"]]
        assert sum(lengths) <= 40
    assert sorted(ids(pipeline.for_epoch(1))) == list(range(150))
    assert ids(pipeline.for_epoch(1)) != ids(batches)


def test_lengths_that_no_index_has_are_read(files):
    plan = BatchPlan(8, buckets=3, feature="tokens", seed=2)
    by_index = Pipeline(IndexedRecords(files, "tokens"), FollowPlan(plan), PARSE)
    by_reading = Pipeline(IndexedRecords(files), FollowPlan(plan), PARSE)
    examples = [
        {"id": i, "tokens": JaggedSequence(np.arange(n), np.int64(n))}
        for i, n in enumerate(LENGTHS)
    ]
    assert ids(by_index) == ids(by_reading) == ids(Pipeline(examples, FollowPlan(plan)))
    with pytest.raises(ValueError, match=r"names no feature that has them\n.*feature=\.\.\."):
        iter(Pipeline(IndexedRecords(files), FollowPlan(BatchPlan(8, buckets=3))))
    in_order = Pipeline(IndexedRecords(files), FollowPlan(BatchPlan(8, shuffle=False)), PARSE)
    assert ids(in_order) == list(range(150))


def test_a_plan_of_bytes(files):
    most = 400
    plan = BatchPlan(BatchLimits(max_bytes=most))
    batches = list(Pipeline(IndexedRecords(files), FollowPlan(plan)))
    assert all(sum(map(len, batch.data)) <= most for batch in batches)
    assert sum(map(len, batches)) == 150


@pytest.mark.parametrize("num_ranks", [1, 2, 3, 4])
def test_ranks_share_a_plan(files, num_ranks):
    plan = BatchPlan(8, buckets=3, seed=2, num_ranks=num_ranks)
    pipeline = Pipeline(IndexedRecords(files, "tokens"), FollowPlan(plan), PARSE)
    passes = [list(pipeline.for_rank(rank, num_ranks)) for rank in range(num_ranks)]
    assert len({len(batches) for batches in passes}) == 1
    shared = [batch for step in zip(*passes, strict=True) for batch in step]
    assert ids(shared) == ids(pipeline)
    whole = Pipeline(IndexedRecords(files, "tokens"), FollowPlan(plan), PARSE)
    state = iter(whole.for_rank(0, num_ranks))
    next(state)
    rest = [list(whole.starting_at(state.state_dict()).for_rank(rank, 2)) for rank in range(2)]
    shared = shared[:num_ranks] + [batch for step in zip(*rest, strict=True) for batch in step]
    assert ids(shared) == ids(pipeline)


def test_a_file_that_changed_is_refused(tmp_path):
    path = tmp_path / "x.tfrecord"
    with RecordWriter(path) as writer:
        writer.write(b"abc")
    index = RecordIndex.build(path)
    index.save()
    source = IndexedRecords(path)
    assert [record.data for record in source] == [b"abc"]
    items = iter(source)
    with RecordWriter(path) as writer:
        writer.write(b"another")
    with pytest.raises(CorruptRecordError, match="another state of the file"):
        next(items)


def test_a_data_set_for_a_loader(files):
    dataset = RecordDataset(files, CONTEXT, LISTS, feature="tokens")
    assert len(dataset) == 150
    assert dataset.lengths.tolist() == LENGTHS
    assert int(dataset[149]["id"]) == int(dataset[-1]["id"]) == 149
    assert dataset[3]["tokens"].values.tolist() == list(range(LENGTHS[3]))
    with pytest.raises(IndexError, match="below 150, how many examples there are, found 150"):
        dataset[150]
    for num_workers in (0, 2):
        loader = DataLoader(
            pickle.loads(pickle.dumps(dataset)),
            batch_size=32,
            shuffle=True,
            collate_fn=dataset.collate,
            num_workers=num_workers,
            generator=torch.Generator().manual_seed(0),
        )
        batches = list(loader)
        assert sorted(ids(batches)) == list(range(150))
        assert [len(batch["id"]) for batch in batches] == [32, 32, 32, 32, 22]
        for batch in batches:
            assert batch["tokens"].lengths.tolist() == [LENGTHS[i] for i in batch["id"]]
    with pytest.raises(TypeError, match=r"collate_fn=dataset\.collate"):
        next(iter(DataLoader(dataset, batch_size=4)))
    with pytest.raises(ValueError, match="feature: expected one to have lengths of"):
        _ = RecordDataset(files, CONTEXT).lengths


def test_a_data_set_is_also_a_source(files):
    dataset = RecordDataset(files, CONTEXT, LISTS)
    assert ids(Pipeline(dataset, Batch(7), Map(lambda batch: batch))) == list(range(150))
