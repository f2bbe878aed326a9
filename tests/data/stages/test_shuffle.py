import pytest

from varlen.data import Pipeline, Shuffle


@pytest.mark.parametrize("window", [1, 3, 10, 100])
def test_items_stay_in_their_window(window):
    shuffled = list(Pipeline(range(25), Shuffle(window, seed=0)))
    for start in range(0, 25, window):
        expected = list(range(25))[start : start + window]
        assert sorted(shuffled[start : start + window]) == expected


def test_the_order_is_random_by_seed_and_window():
    def order(seed):
        return list(Pipeline(range(200), Shuffle(100, seed)))

    assert order(1) == order(1)
    assert order(1) != order(2)
    first, second = order(1)[:100], [i - 100 for i in order(1)[100:]]
    assert first != second
    assert first != sorted(first)
    fixed = sum(i == item for i, item in enumerate(first))
    assert fixed < 10, "about 1 item in 100 stays where it is"


def test_the_order_is_the_same_on_every_machine():
    assert list(Pipeline(range(10), Shuffle(10, seed=7))) == [6, 3, 4, 9, 0, 2, 8, 7, 5, 1]


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("window", "seed", "error", "message"),
    [
        (0, 1, ValueError, "Shuffle: window: expected at least 1, found 0"),
        (1, -1, ValueError, "Shuffle: seed: expected at least 0, found -1"),
        (2.0, 1, TypeError, "Shuffle: window: expected an integer, found 2.0"),
        (2, None, TypeError, "Shuffle: seed: expected an integer, found None"),
        (True, 1, TypeError, "Shuffle: window: expected an integer, found True"),
    ],
)
def test_windows_and_seeds_that_cannot_be(window, seed, error, message):
    with pytest.raises(error, match=message):
        Shuffle(window, seed)
