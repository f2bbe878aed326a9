import json

import numpy as np
import pytest
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from varlen import CheckpointError
from varlen.data import BatchLimits, BatchPlan, RecordDataset
from varlen.features import FixedLenFeature, FixedLenSequenceFeature, sequence_example
from varlen.records import RecordWriter

LENGTHS = [i * 7 % 11 for i in range(60)]
PLAN = BatchPlan(BatchLimits(5, max_padded_steps=30), buckets=3, seed=2)


def planned(plan=PLAN, lengths=LENGTHS):
    return plan.over(np.array(lengths, np.int64))


@pytest.mark.parametrize("num_ranks", [1, 2, 3, 7])
def test_ranks_make_equal_steps_and_lose_nothing(num_ranks):
    samplers = [planned().sampler(rank, num_ranks) for rank in range(num_ranks)]
    for sampler in samplers:
        sampler.set_epoch(3)
    taken = [list(sampler) for sampler in samplers]
    assert {len(batches) for batches in taken} == {len(samplers[0])}
    assert sorted(i for batches in taken for batch in batches for i in batch) == list(range(60))


@pytest.mark.parametrize("others", [1, 3])
def test_resumes_at_every_position_with_any_number_of_ranks(others):
    sampler = planned().sampler(1, 2)
    sampler.set_epoch(1)
    partner = planned().sampler(0, 2)
    partner.set_epoch(1)
    for position in range(len(sampler) + 1):
        batches = iter(sampler)
        first = [next(batches) for _ in range(position)]
        done = [i for batch in first for i in batch]
        done += [i for _, batch in zip(range(position), partner, strict=False) for i in batch]
        state = json.loads(json.dumps(sampler.state_dict()))
        rest = []
        for rank in range(others):
            resumed = planned().sampler(rank, others)
            resumed.load_state_dict(state)
            resumed.set_epoch(1)  # as the loop over epochs does
            num_left = len(resumed)
            left = list(resumed)
            assert len(left) == num_left
            rest += [i for batch in left for i in batch]
        assert sorted(done + rest) == list(range(60))


def test_epochs_differ_and_a_new_pass_begins_at_the_beginning():
    sampler = planned().sampler()
    first = list(sampler)
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert list(sampler) != first
    assert len(json.dumps(sampler.state_dict())) < 1000


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (planned(BatchPlan(5, buckets=3, seed=2)), "limits="),
        (planned(BatchPlan(PLAN.limits, buckets=3)), "with seed=2, this one has 0"),
        (planned(lengths=LENGTHS[:-1]), "over 60 examples, this one has 59"),
        (planned(lengths=LENGTHS[::-1]), "other lengths"),
    ],
)
def test_a_state_refuses_another_plan(other, message):
    state = planned().sampler().state_dict()
    with pytest.raises(CheckpointError, match=message):
        other.sampler().load_state_dict(state)


def test_a_state_of_something_else():
    with pytest.raises(CheckpointError, match="expected the state of a plan"):
        planned().sampler().load_state_dict({"epoch": 1})
    with pytest.raises(ValueError, match="rank: expected below 2"):
        planned().sampler(2, 2)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("records") / "a.tfrecord"
    with RecordWriter(path) as writer:
        for i, length in enumerate(LENGTHS):
            writer.write(sequence_example({"id": i}, {"tokens": [i] * length}))
    return RecordDataset(
        path,
        {"id": FixedLenFeature([], np.int64)},
        {"tokens": FixedLenSequenceFeature([], np.int64)},
        feature="tokens",
    )


def ids(batches):
    return [batch["id"].tolist() for batch in batches]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_in_a_data_loader(dataset, num_workers):
    sampler = planned(lengths=dataset.lengths).sampler()
    loader = DataLoader(
        dataset, batch_sampler=sampler, collate_fn=dataset.collate, num_workers=num_workers
    )
    for epoch in range(2):
        sampler.set_epoch(epoch)
        assert ids(loader) == [batch.tolist() for batch in planned().batches(epoch)]


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")  # torchdata calls it
@pytest.mark.parametrize("num_workers", [0, 2])
def test_in_a_stateful_data_loader(dataset, num_workers):
    def loader():
        sampler = planned(lengths=dataset.lengths).sampler()
        sampler.set_epoch(2)
        return StatefulDataLoader(
            dataset, batch_sampler=sampler, collate_fn=dataset.collate, num_workers=num_workers
        )

    expected = [batch.tolist() for batch in planned().batches(2)]
    saved = loader()
    batches = iter(saved)
    assert ids(next(batches) for _ in range(3)) == expected[:3]
    resumed = loader()
    resumed.load_state_dict(saved.state_dict())
    assert ids(resumed) == expected[3:]
