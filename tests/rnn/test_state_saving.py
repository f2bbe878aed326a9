"""static_state_saving_rnn, and sequences in chunks, against whole sequences."""

import pytest
import torch
from torch.testing import assert_close

from varlen import (
    GRUCell,
    LSTMCell,
    MultiRNNCell,
    detach_state,
    dynamic_rnn,
    static_state_saving_rnn,
)

float64 = torch.float64
LENGTHS = torch.tensor([7, 0, 3, 5])


class Keeper:
    """Keeps states by name, and remembers the calls."""

    def __init__(self, **states):
        self.states = states
        self.calls = []

    def state(self, name):
        self.calls.append(("state", name))
        return self.states[name]

    def save_state(self, name, value):
        self.calls.append(("save", name))
        self.states[name] = value


def stack():
    return MultiRNNCell([LSTMCell(3, 4, dtype=float64), GRUCell(4, 2, dtype=float64)])


@pytest.fixture
def x():
    return torch.randn(4, 7, 3, dtype=float64, generator=torch.Generator().manual_seed(1))


def test_the_state_comes_from_the_saver_and_goes_back(x):
    cell = stack()
    c, h, s = (torch.randn(4, n, dtype=float64) for n in (4, 4, 2))
    keeper = Keeper(c=c, h=h, s=s)
    steps = list(x.unbind(1))
    outputs, state = static_state_saving_rnn(cell, steps, keeper, (("c", "h"), "s"), LENGTHS)

    expected, final = dynamic_rnn(cell, x, LENGTHS, ((c, h), s))
    assert_close(torch.stack(outputs, 1), expected)
    assert_close(state, final)
    assert keeper.calls == [(what, name) for what in ("state", "save") for name in "chs"]
    assert keeper.states == {"c": state[0].c, "h": state[0].h, "s": state[1]}


def test_one_tensor_has_one_name(x):
    cell = GRUCell(3, 2, dtype=float64)
    keeper = Keeper(s=torch.zeros(4, 2, dtype=float64))
    _, state = static_state_saving_rnn(cell, list(x.unbind(1)), keeper, "s")
    assert keeper.states["s"] is state


@pytest.mark.parametrize("names", ["c", ("c",), ("c", "h", "s"), [["c", "h"], ["s", "t"]]])
def test_names_must_be_those_of_the_leaves(names, x):
    with pytest.raises(ValueError, match="state_name: expected a name for each leaf of a state of"):
        static_state_saving_rnn(LSTMCell(3, 4, dtype=float64), list(x.unbind(1)), Keeper(), names)


def test_one_name_in_a_list_is_not_that_of_a_tensor(x):
    with pytest.raises(ValueError, match="state_name"):
        static_state_saving_rnn(GRUCell(3, 2, dtype=float64), list(x.unbind(1)), Keeper(), ["s"])


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_chunks_with_the_state_carried_over_give_what_the_whole_gives(size, x):
    cell = stack()
    expected, expected_state = dynamic_rnn(cell, x, LENGTHS)
    outputs, state = [], None
    for start in range(0, x.shape[1], size):
        here = x[:, start : start + size]
        lengths = (LENGTHS - start).clamp(0, here.shape[1])
        chunk, state = dynamic_rnn(cell, here, lengths, state)
        state = detach_state(state)
        outputs.append(chunk)
    assert_close(torch.cat(outputs, 1), expected)
    assert_close(state, detach_state(expected_state))
    assert type(state[0]) is type(expected_state[0])


def test_a_detached_state_ends_the_gradient(x):
    """The gradient of each chunk is that of the chunk from a constant state."""
    cell = stack()
    size, state, truncated = 3, None, []
    for start in range(0, x.shape[1], size):
        here = x[:, start : start + size]
        lengths = (LENGTHS - start).clamp(0, here.shape[1])
        outputs, state = dynamic_rnn(cell, here, lengths, state)
        truncated.append(torch.autograd.grad(outputs.square().sum(), list(cell.parameters())))
        state = detach_state(state)

    _, at_start = dynamic_rnn(cell, x[:, :size], LENGTHS.clamp(max=size))
    constant = torch.utils._pytree.tree_map(lambda leaf: leaf.detach().clone(), at_start)
    lengths = (LENGTHS - size).clamp(0, size)
    outputs, _ = dynamic_rnn(cell, x[:, size : 2 * size], lengths, constant)
    expected = torch.autograd.grad(outputs.square().sum(), list(cell.parameters()))
    assert_close(truncated[1], expected)
