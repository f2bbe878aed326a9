"""What a pipeline may begin with, and how it is taken up again."""

import pytest
from torch.utils.data import IterableDataset

from varlen import CheckpointError
from varlen.data import IndexedIterator, Interleave, Pipeline, Shuffle
from varlen.testing import check_stage


class Counting:
    """A map-style dataset that knows what was asked of it."""

    def __init__(self, size):
        self.size = size
        self.asked = []

    def __len__(self):
        return self.size

    def __getitem__(self, position):
        self.asked.append(position)
        return position * position


class Failing(Counting):
    """One that gives many items at once, and fails at one of them."""

    def __getitems__(self, positions):
        return [self[position] for position in positions]

    def __getitem__(self, position):
        if position == 5:
            raise OSError("item 5 cannot be read")
        return super().__getitem__(position)


def test_a_map_style_dataset_is_a_source():
    assert list(Pipeline(Counting(4))) == [0, 1, 4, 9]
    check_stage(lambda: Pipeline(Counting(70), Shuffle(9, 0)))
    check_stage(lambda: Pipeline([]))


def test_what_has_positions_is_not_replayed():
    moved = iter(Pipeline(Counting(100)))
    for _ in range(98):
        next(moved)
    dataset = Counting(100)
    resumed = iter(Pipeline(dataset))
    resumed.load_state_dict(moved.state_dict())
    assert list(resumed) == [98**2, 99**2]
    assert dataset.asked == [98, 99]


def test_items_of_a_failing_read_that_come_before_the_failure_are_handed_out():
    items = iter(Pipeline(Failing(9)))
    assert [next(items) for _ in range(5)] == [0, 1, 4, 9, 16]
    for _ in range(2):
        with pytest.raises(OSError, match="item 5 cannot be read"):
            next(items)


def test_a_dataset_that_shrank_is_refused():
    moved = iter(Pipeline(Counting(9)))
    for _ in range(7):
        next(moved)
    with pytest.raises(CheckpointError, match=r"expected at least 7 items, .* found 5"):
        iter(Pipeline(Counting(5))).load_state_dict(moved.state_dict())


def test_an_iterable_dataset_with_a_length_is_replayed():
    class Numbers(IterableDataset):
        def __len__(self):
            return 3

        def __iter__(self):
            return iter(range(3))

    check_stage(lambda: Pipeline(Numbers()))
    assert list(Pipeline(Numbers())) == [0, 1, 2]


def test_a_fresh_epoch_of_a_generator_needs_the_function_that_makes_it():
    moved = iter(Pipeline(i for i in range(5)))
    moved.begin_epoch(0)
    assert next(moved) == 0
    with pytest.raises(ValueError, match="a generator cannot be begun again"):
        moved.begin_epoch(1)
    assert IndexedIterator.__abstractmethods__ >= {"__len__", "items_at", "begin_epoch"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("train.tfrecord", "found str\n  Records reads record files"),
        ({"a": [1, 2]}, "found dict\n  Arrays makes examples of columns"),
        (None, "found NoneType"),
    ],
)
def test_what_nobody_means_as_a_source_is_refused(source, message):
    with pytest.raises(TypeError, match=message):
        Pipeline(source)
    with pytest.raises(TypeError, match=message):
        Interleave([source])
