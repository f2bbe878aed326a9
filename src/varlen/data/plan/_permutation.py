"""Orders of epochs: random permutations that need no memory, the same on every machine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Fewer items than this are permuted by a table, which is a uniform draw.
_MOST_BY_TABLE = 256
_ROUNDS = 8
_BLOCK = 1 << 15  # positions at a time, so that the work stays in the cache

_Words = NDArray[np.uint64]


def permutation(num: int, seed: int, epoch: int, *, stream: int = 0) -> NDArray[np.int64]:
    """The order of an epoch: which of `num` items comes at each position.

    `permuted` of all positions; see there.
    """
    return permuted(np.arange(num), num, seed, epoch, stream=stream)


def permuted(
    positions: NDArray[np.integer[Any]], num: int, seed: int, epoch: int, *, stream: int = 0
) -> NDArray[np.int64]:
    """Which of `num` items come at some positions of an epoch's order.

    Over all positions from 0 to `num - 1` every item comes once. The order depends on the
    arguments alone, and is the same on every machine and version of NumPy. It takes no memory and
    no time but for the positions that are asked for: a Feistel network over the next power of 2,
    walked until it is back among the items.

    Args:
        positions: integers of any shape, from 0 up to, and without, `num`.
        num: how many items there are.
        seed: at least 0.
        epoch: at least 0; every epoch has an order of its own.
        stream: tells the orders that one seed is used for from each other.

    Returns:
        Items, int64, of the shape of `positions`.

    Raises:
        IndexError: a position outside.
    """
    flat = np.asarray(positions, np.int64).ravel()
    if len(flat) and (flat.min() < 0 or flat.max() >= num):
        wrong = flat[(flat < 0) | (flat >= num)][0]
        raise IndexError(f"expected positions from 0 to {num - 1}, found {wrong}")
    bits = np.random.PCG64([seed, epoch, stream])
    if num <= _MOST_BY_TABLE:
        items = np.argsort(bits.random_raw(num), kind="stable")[flat]
    else:
        keys = bits.random_raw(_ROUNDS)
        items = np.empty_like(flat)
        for begin in range(0, len(flat), _BLOCK):
            block = slice(begin, begin + _BLOCK)
            items[block] = _walked(flat[block].astype(np.uint64), num, keys)
    return items.astype(np.int64, copy=False).reshape(np.shape(positions))


def uniform(numbers: NDArray[np.integer[Any]], seed: int, epoch: int) -> NDArray[np.float64]:
    """A random number from 0 to below 1 for each of some numbers, the same on every machine."""
    key = np.random.PCG64([seed, epoch]).random_raw(1)[0]
    mixed = _mixed(_mixed(numbers.astype(np.uint64), key), ~key)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _walked(values: _Words, num: int, keys: _Words) -> _Words:
    """Scrambles values until each is below `num` again, which keeps it one to one."""
    num_bits = (num - 1).bit_length()
    values = _scrambled(values, num_bits, keys)
    outside = np.flatnonzero(values >= num)
    while len(outside):
        values[outside] = _scrambled(values[outside], num_bits, keys)
        outside = outside[values[outside] >= num]
    return values


def _scrambled(values: _Words, num_bits: int, keys: _Words) -> _Words:
    """A permutation of numbers of `num_bits` bits: each half in turn is mixed with the other."""
    low_bits = np.uint64(num_bits // 2)
    high_bits = np.uint64(num_bits) - low_bits
    high, low = values >> low_bits, values & np.uint64((1 << num_bits // 2) - 1)
    for i, key in enumerate(keys):
        if i % 2:
            low ^= _mixed(high, key) >> (np.uint64(64) - low_bits)
        else:
            high ^= _mixed(low, key) >> (np.uint64(64) - high_bits)
    return (high << low_bits) | low


def _mixed(values: _Words, key: np.uint64) -> _Words:
    """A hash, of which the upper bits are to be used. The multipliers are odd, of random bits."""
    mixed = (values ^ key) * np.uint64(0xD1342543DE82EF95)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0xAF251AF3B0F025B5)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xD1342543DE82EF95)
    return mixed
