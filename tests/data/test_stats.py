"""The numbers of a pass: counted right, and told for the pass that was begun last."""

import copy
import pickle
import threading
import time

import numpy as np
import torch

from varlen.data import (
    Batch,
    Filter,
    LimitLength,
    Map,
    Pad,
    Pipeline,
    PipelineStats,
    Prefetch,
    Shuffle,
)
from varlen.sequences import JaggedSequence

LENGTHS = (3, 0, 7, 1, 1, 5, 2, 0, 9, 4)


def examples():
    return [
        {"id": i, "tokens": JaggedSequence(np.arange(n), np.int64(n)), "bag": np.zeros(2)}
        for i, n in enumerate(LENGTHS)
    ]


def slowly(item):
    time.sleep(0.01)
    return item


def test_steps_and_padding():
    pipeline = Pipeline(examples, Batch(4), Pad())
    assert pipeline.stats() is None
    batches = iter(pipeline)
    assert (
        pipeline.stats()
        == batches.stats()
        == PipelineStats(0, 0, 0, 0.0, 0.0, batches.stats().stages)
    )
    next(batches)
    assert (batches.stats().items, batches.stats().live_steps) == (1, 11)
    assert batches.stats().padded_steps == 28
    list(batches)
    stats = pipeline.stats()
    assert (stats.items, stats.live_steps, stats.padded_steps) == (3, 32, 28 + 20 + 18)
    assert stats.padding_share == 1 - 32 / 66
    assert stats.live_steps_per_second == 32 / stats.seconds
    assert stats.padded_steps_per_second == 66 / stats.seconds
    assert 0 < stats.waiting_share <= 1
    assert list(stats.stages) == ["0 function", "1 Batch", "2 Pad"]
    assert "padding 51.5%" in str(stats)


def test_nothing_is_padded_in_other_forms():
    jagged = Pipeline(examples, Batch(4))
    list(jagged)
    assert jagged.stats().live_steps == jagged.stats().padded_steps == 32
    plain = Pipeline(range(3))
    list(plain)
    assert (plain.stats().items, plain.stats().padded_steps) == (3, 0)
    assert plain.stats().padding_share == plain.stats().waiting_share * 0 == 0


def test_the_time_of_a_stage_is_its_own():
    pipeline = Pipeline(range(20), Map(slowly), Map(abs), Filter(bool), Shuffle(5, 0))
    list(pipeline)
    stats = pipeline.stats()
    assert list(stats.stages) == ["0 range", "1 Map", "2 Map", "3 Filter", "4 Shuffle"]
    slow = stats.stages["1 Map"]
    assert slow > 0.19
    assert sum(stats.stages.values()) - slow < slow / 4
    assert stats.waited > 0.19


def test_who_waits_for_whom():
    waiting = Pipeline(range(20), Map(slowly), Prefetch(3))
    list(waiting)
    assert waiting.stats().waiting_share > 0.9
    assert "2 Prefetch" not in waiting.stats().stages
    ready = Pipeline(range(20), Prefetch(3))
    items = iter(ready)
    assert items.stats().queues == {"1 Prefetch": (0, 3)}
    next(items)
    deadline = time.monotonic() + 10
    while items.stats().queues != {"1 Prefetch": (3, 3)}:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    for _ in range(10):
        time.sleep(0.01)
        next(items)
    assert ready.stats().waiting_share < 0.5


def test_the_numbers_outlive_their_pass_and_nothing_else_of_it_does():
    class Items(list):
        pass

    source = Items(range(3))
    pipeline = Pipeline(lambda: source, Prefetch(1))
    list(pipeline)
    kept = pipeline.stats()
    assert kept.items == 3
    assert pipeline.for_rank(0, 1).stats() is None
    assert copy.copy(pipeline).stats() is None
    assert pickle.loads(pickle.dumps(Pipeline([1]))).stats() is None
    items = iter(pipeline)
    next(items)
    assert pipeline.stats().items == 1
    num_threads = threading.active_count()
    del items
    assert threading.active_count() == num_threads - 1
    assert pipeline.stats().items == 1


def test_other_layouts_count_as_well():
    packed = torch.nn.utils.rnn.pack_sequence([torch.ones(3), torch.ones(2)])
    nested = torch.nested.nested_tensor([torch.ones(3), torch.ones(4)], layout=torch.jagged)
    pipeline = Pipeline([{"a": packed, "b": torch.ones(2)}, {"a": nested}])
    list(pipeline)
    assert (pipeline.stats().live_steps, pipeline.stats().padded_steps) == (12, 12)


def test_what_stages_leave_out_is_counted():
    rows = [{"x": JaggedSequence(np.zeros(n), n)} for n in (1, 5, 2)]
    items = iter(Pipeline(rows, LimitLength("x", 2, "truncate"), Batch(2)))
    assert len(list(items)) == 2
    counts = {"examples": 3, "too_long": 1, "steps": 8, "steps_lost": 3}
    assert items.stats().counts == {"1 LimitLength": counts}
