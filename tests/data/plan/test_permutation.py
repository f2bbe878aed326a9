import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varlen.data.plan import permutation, permuted


@given(
    num=st.one_of(st.integers(1, 1000), st.integers(1, 50_000)),
    seed=st.integers(0, 2**70),
    epoch=st.integers(0, 10**6),
)
def test_every_item_comes_once(num, seed, epoch):
    order = permutation(num, seed, epoch)
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(num))


@pytest.mark.parametrize("num", [1, 5, 256, 257, 1000, 40_000, 10**15])
def test_positions_are_asked_for_alone(num):
    positions = np.array([[0, num - 1], [num // 2, num // 3]])
    found = permuted(positions, num, seed=3, epoch=4)
    assert found.shape == positions.shape
    assert found.tolist() == [
        [int(permuted(np.array(i), num, 3, 4)) for i in row] for row in positions.tolist()
    ]
    if num < 10**6:
        assert np.array_equal(found, permutation(num, 3, 4)[positions])


def test_seeds_epochs_and_streams_have_orders_of_their_own():
    orders = [
        permutation(1000, seed, epoch, stream=stream)
        for seed, epoch, stream in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    ]
    for i, one in enumerate(orders):
        for other in orders[:i]:
            assert np.mean(one == other) < 0.01


def test_orders_are_the_same_for_ever():
    assert permutation(8, seed=7, epoch=2).tolist() == [6, 4, 0, 5, 7, 1, 3, 2]
    assert permuted(np.arange(6), 300, seed=7, epoch=2).tolist() == [203, 233, 185, 155, 268, 19]
    assert permuted(np.arange(4), 10**12, seed=7, epoch=2).tolist() == [
        885840313534,
        348948910455,
        226128617253,
        191293038056,
    ]
    assert permutation(0, seed=7, epoch=2).tolist() == []


@pytest.mark.parametrize("num", [7, 300, 1000, 5000])
def test_orders_look_random(num):
    """Every item is as likely at every place, and neighbours are strangers."""
    num_epochs = 400
    orders = np.array([permutation(num, 0, epoch) for epoch in range(num_epochs)])
    # Where some items come: chi-squared over up to 7 equal parts of the order.
    parts = min(num, 7)
    edges = np.linspace(0, num, parts + 1)
    for item in range(0, num, max(1, num // 40)):
        places = np.argmax(orders == item, axis=1)
        counts, _ = np.histogram(places, edges)
        expected = num_epochs * np.diff(np.ceil(edges)) / num
        assert ((counts - expected) ** 2 / expected).sum() < 28  # 1 in 10,000 for 6 degrees
    apart = np.abs(np.diff(orders, axis=1))
    assert apart.mean() == pytest.approx((num + 1) / 3, rel=0.05)
    # As many neighbours stay neighbours as by chance: 2 of each order.
    assert (apart == 1).sum() / num_epochs == pytest.approx(2 * (num - 1) / num, rel=0.2)
    firsts = np.corrcoef(orders[:, 0], orders[:, 1])[0, 1]
    assert abs(firsts) < (1 if num < 10 else 0.2)


def test_positions_outside():
    for wrong in (-1, 300):
        with pytest.raises(IndexError, match=f"expected positions from 0 to 299, found {wrong}"):
            permuted(np.array([5, wrong]), 300, 0, 0)
