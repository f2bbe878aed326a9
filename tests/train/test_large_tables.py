"""Large tables of embeddings: only the rows that a step sees move."""

import pytest
import torch
from torch import nn

from varlen.train import make_settings
from varlen.train._learner import Learner
from varlen.train.inputs._table import embedding_table

NUM_ROWS, SIZE = 5, 3


def losses_of(seed, num_rows):
    """What a row's embedding is multiplied with, and which rows there are."""
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randint(num_rows, (12,), generator=draw)
    return rows, torch.randn(12, SIZE, generator=draw)


class Model(nn.Module):
    def __init__(self, table):
        super().__init__()
        self.table = table
        self.head = nn.Linear(SIZE, 1)
        nn.init.ones_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, rows):
        return self.head(self.table(rows)).square().sum()


def model(*, sparse):
    table = nn.Embedding(NUM_ROWS, SIZE, sparse=sparse)
    nn.init.constant_(table.weight, 0.5)
    return Model(table)


@pytest.mark.parametrize("clip", [None, 0.5])
def test_the_first_step_is_that_of_a_dense_table(clip):
    training = make_settings("tag", {"training": {"clip": clip}} if clip else {}).training
    models = [model(sparse=sparse) for sparse in (True, False)]
    for one in models:
        one(torch.tensor([0, 0, 2, 4])).backward()
        assert Learner(one, training).step(4, progress=0.5, num_before=0)
    for sparse, dense in zip(*(one.parameters() for one in models), strict=True):
        torch.testing.assert_close(sparse, dense, rtol=1e-5, atol=1e-7)


def test_rows_that_are_not_seen_stay():
    one = model(sparse=True)
    learner = Learner(one, make_settings("tag").training)
    for rows in ([1, 1, 3], [3]):
        before = one.table.weight.detach().clone()
        one(torch.tensor(rows)).backward()
        assert learner.step(len(rows), progress=0.5, num_before=0)
        moved = (one.table.weight != before).any(1)
        assert moved.tolist() == [row in rows for row in range(NUM_ROWS)]


def test_it_is_adam_where_all_rows_are_seen():
    models = [model(sparse=sparse) for sparse in (True, False)]
    learners = [Learner(one, make_settings("tag").training) for one in models]
    for seed in range(6):
        rows = torch.cat([losses_of(seed, NUM_ROWS)[0], torch.arange(NUM_ROWS)])
        for one, learner in zip(models, learners, strict=True):
            one(rows).backward()
            learner.step(len(rows), progress=seed / 6, num_before=seed)
    for sparse, dense in zip(*(one.parameters() for one in models), strict=True):
        torch.testing.assert_close(sparse, dense, rtol=1e-5, atol=1e-6)


def test_a_gradient_that_is_not_finite_changes_nothing():
    one = model(sparse=True)
    learner = Learner(one, make_settings("tag").training)
    (one(torch.tensor([1])) * float("inf")).backward()
    assert not learner.step(1, progress=0.0, num_before=0)
    assert (one.table.weight == 0.5).all()
    assert one.table.weight.grad is None


def test_its_state_is_all_that_the_next_step_depends_on():
    def learn(one, learner, seeds):
        for seed in seeds:
            one(losses_of(seed, NUM_ROWS)[0][:3]).backward()
            learner.step(3, progress=0.5, num_before=seed)

    training = make_settings("tag").training
    whole, halves = model(sparse=True), model(sparse=True)
    learn(whole, Learner(whole, training), range(6))
    first = Learner(halves, training)
    learn(halves, first, range(3))
    state = {name: value.clone() for name, value in first.state().items()}
    assert {f"optimizer.1.0.{name}" for name in ("exp_avg", "exp_avg_sq", "step")} <= state.keys()
    again = model(sparse=True)
    second = Learner(again, training)
    second.load_state(state)
    learn(again, second, range(3, 6))
    for ours, theirs in zip(again.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_only_large_tables_are_sparse():
    assert not embedding_table(100_000, 1).sparse
    assert embedding_table(100_001, 1).sparse
