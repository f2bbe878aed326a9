import numpy as np
import pytest

from varlen.data import Batch, Pipeline, Repeat, SortByLength
from varlen.sequences import JaggedSequence

LENGTHS = np.random.default_rng(0).integers(0, 90, 103).tolist()


def examples(lengths=LENGTHS):
    return [
        {"id": i, "tokens": JaggedSequence(np.zeros(n), np.int64(n))} for i, n in enumerate(lengths)
    ]


def lengths_of(items):
    return [int(item["tokens"].lengths) for item in items]


def test_windows_are_sorted_up_and_down():
    expected = []
    for number, begin in enumerate(range(0, 103, 20)):
        expected += sorted(LENGTHS[begin : begin + 20], reverse=number % 2 == 1)
    assert lengths_of(Pipeline(examples(), SortByLength("tokens", 20))) == expected


def test_batches_of_sorted_windows_have_little_padding():
    def padding(*stages):
        padded = sum(
            int(batch["tokens"].lengths.max()) * len(batch["id"])
            for batch in Pipeline(examples(), *stages, Batch(5))
        )
        return 1 - sum(LENGTHS) / padded

    assert padding(SortByLength("tokens", 50)) < 0.4 * padding()


def test_noise_is_small_and_another_in_each_epoch():
    stage = SortByLength("tokens", 103, noise=0.1, seed=4)
    found = list(Pipeline(examples(), stage, Repeat(2)))
    first, second = found[:103], found[103:]
    assert [e["id"] for e in first] != [e["id"] for e in second]
    for epoch in (first, second):
        assert sorted(e["id"] for e in epoch) == list(range(103))
        lengths = lengths_of(epoch)
        longest_before = np.maximum.accumulate(lengths)
        assert all(n * 1.1 >= 0.9 * m for n, m in zip(lengths, longest_before, strict=True))


def test_an_example_without_the_feature_is_met_again():
    items = iter(
        Pipeline([*examples([3, 1]), {"id": 9}, *examples([2])], SortByLength("tokens", 2))
    )
    assert lengths_of([next(items), next(items)]) == [1, 3]
    for _ in range(2):
        with pytest.raises(ValueError, match="tokens"):
            next(items)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0}, "window: expected at least 1"),
        ({"window": 3, "noise": 1.0}, "noise: expected from 0 to below 1, found 1.0"),
        ({"window": 3, "seed": -1}, "seed: expected at least 0"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SortByLength("tokens", **arguments)
