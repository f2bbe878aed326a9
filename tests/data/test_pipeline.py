import functools
import json

import numpy as np
import pytest

from varlen import CheckpointError
from varlen.data import (
    Batch,
    BatchLimits,
    BatchPlan,
    BucketBySequenceLength,
    Filter,
    FollowPlan,
    Map,
    Pad,
    Parse,
    Pipeline,
    Prefetch,
    Shuffle,
)
from varlen.features import FixedLenFeature

CONTEXT = {"id": FixedLenFeature([], np.int64)}


def test_every_pass_begins_anew():
    pipeline = Pipeline([1, 2, 3], Map(lambda x: x * x))
    assert list(pipeline) == [1, 4, 9]
    assert list(pipeline) == [1, 4, 9]


@pytest.mark.parametrize(
    "source", [range(3), (0, 1, 2), {0: "a", 1: "b", 2: "c"}.keys(), lambda: iter(range(3))]
)
def test_a_source_is_any_iterable_or_a_function_that_returns_one(source):
    pipeline = Pipeline(source)
    moved = iter(pipeline)
    assert next(moved) == 0
    resumed = iter(pipeline)
    resumed.load_state_dict(moved.state_dict())
    assert list(resumed) == [1, 2]


def test_a_generator_has_one_pass():
    pipeline = Pipeline((i for i in range(3)), Map(str))
    assert list(pipeline) == ["0", "1", "2"]
    with pytest.raises(
        ValueError, match=r"a generator cannot be begun again\n  give .* the function"
    ):
        iter(pipeline)


def test_a_fresh_generator_can_be_resumed_but_not_wound_back():
    moved = iter(Pipeline(i for i in range(5)))
    assert [next(moved), next(moved)] == [0, 1]
    state = moved.state_dict()
    resumed = iter(Pipeline(i for i in range(5)))
    resumed.load_state_dict(state)
    assert list(resumed) == [2, 3, 4]
    with pytest.raises(ValueError, match="cannot be begun again"):
        moved.load_state_dict(state)


def test_a_state_is_small_plain_data():
    pass_ = iter(Pipeline(range(100_000), Shuffle(1000, 0), Map(str), Prefetch(3)))
    for _ in range(2500):
        next(pass_)
    assert len(json.dumps(pass_.state_dict())) < 300


@pytest.mark.parametrize(
    ("others", "message"),
    [
        (
            [[1], Shuffle(4, seed=8), Batch(2)],
            r"place 1 it had .*seed=7\), this one has .*seed=8\)",
        ),
        ([[1], Shuffle(4, seed=7)], r"place 2 it had Batch\(.*\), this one has nothing"),
        ([[1], Shuffle(4, seed=7), Batch(2), Map(str)], "place 3 it had nothing, this one has Map"),
        ([range(1), Shuffle(4, seed=7), Batch(2)], r"place 0 it had list, this one has range"),
    ],
)
def test_a_state_refuses_another_pipeline(others, message):
    state = iter(Pipeline([1], Shuffle(4, seed=7), Batch(2))).state_dict()
    with pytest.raises(CheckpointError, match=message):
        iter(Pipeline(*others)).load_state_dict(state)


@pytest.mark.parametrize(
    ("stage", "other", "said"),
    [
        (
            FollowPlan(BatchPlan(BatchLimits(9), seed=1)),
            FollowPlan(BatchPlan(BatchLimits(8), seed=1)),
            "batch_size=8",
        ),
        (Parse(CONTEXT), Parse({"id": FixedLenFeature([2], np.int64)}), r"'id': FixedLen.*2"),
        (Pad({"x": 1}), Pad({"x": 2}), "'x': 2"),
        (BucketBySequenceLength("a", [2], [3, 4]), BucketBySequenceLength("a", [3], 3), r"\(3\)"),
    ],
)
def test_what_is_within_an_argument_counts(stage, other, said):
    state = iter(Pipeline([], stage)).state_dict()
    iter(Pipeline([], stage)).load_state_dict(state)
    with pytest.raises(CheckpointError, match=f"this one has .*{said}"):
        iter(Pipeline([], other)).load_state_dict(state)


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "expected the state of a pipeline, found dict without a version"),
        (None, "expected the state of a pipeline, found NoneType without a version"),
        ({"version": 2, "stages": []}, "pipeline, version 1, found version 2"),
        ({"version": 1, "stages": [], "position": {}}, "lacks its epoch"),
    ],
)
def test_what_is_no_state_of_a_pipeline_is_refused(state, message):
    with pytest.raises(CheckpointError, match=message):
        iter(Pipeline([1])).load_state_dict(state)


@pytest.mark.parametrize("stages", [[], [Batch(2)], [Shuffle(2, 0)], [Map(str)]])
def test_a_source_that_shrank_is_refused(stages):
    examples = [{"x": i} for i in range(6)]
    moved = iter(Pipeline(examples, *stages))
    list(moved)
    resumed = iter(Pipeline(examples[:2], *stages))
    with pytest.raises(
        CheckpointError, match=r"expected .* 6 items, as when the state was saved, found 2"
    ):
        resumed.load_state_dict(moved.state_dict())


@pytest.mark.wrong_types
def test_what_is_no_pipeline():
    with pytest.raises(TypeError, match=r"begins with an iterable of items, .* found int"):
        Pipeline(3)
    with pytest.raises(TypeError, match="expected a stage in place 1, found the class Batch"):
        Pipeline([1], Batch)
    with pytest.raises(TypeError, match=r"stage in place 2, found \[2\]; only the first"):
        Pipeline([1], Batch(2), [2])
    with pytest.raises(TypeError, match="Map: expected a function, found int"):
        Map(3)


def test_a_failing_item_fails_again_rather_than_being_skipped():
    def refuse_2(x):
        if x == 2:
            raise RuntimeError("no 2")
        return x

    pass_ = iter(Pipeline(range(4), Map(refuse_2)))
    assert [next(pass_), next(pass_)] == [0, 1]
    for _ in range(3):
        with pytest.raises(RuntimeError, match="no 2"):
            next(pass_)


def test_a_failing_generator_does_not_pass_for_a_finished_one():
    def numbers():
        yield 1
        raise RuntimeError("the disk is gone")

    for stages in ([], [Prefetch(1)], [Shuffle(3, 0), Prefetch(2)]):
        pass_ = iter(Pipeline(numbers, *stages))
        with pytest.raises(RuntimeError, match="the disk is gone"):
            list(pass_)
        with pytest.raises(RuntimeError, match="the disk is gone"):
            list(pass_)


@pytest.mark.parametrize("stage", [Map, Filter, functools.partial(Map, workers=2)])
def test_a_function_cannot_end_a_pass_unnoticed(stage):
    with pytest.raises(RuntimeError, match="function of a stage raised StopIteration"):
        list(Pipeline(range(3), stage(lambda item: next(iter([])))))
