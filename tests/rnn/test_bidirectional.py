"""Static and stacked bidirectional unrolls against the plain ones."""

import pytest
import torch
from torch.testing import assert_close

from varlen import (
    BasicRNNCell,
    GRUCell,
    LSTMCell,
    bidirectional_dynamic_rnn,
    dynamic_rnn,
    reverse_sequence,
    stack_bidirectional_dynamic_rnn,
    stack_bidirectional_rnn,
    static_bidirectional_rnn,
)

float64 = torch.float64
LENGTHS = [5, 0, 2]


@pytest.fixture
def x():
    x = torch.randn(3, 5, 3, dtype=float64, generator=torch.Generator().manual_seed(1))
    for row, length in enumerate(LENGTHS):
        x[row, length:] = float("nan")
    return x


def layers():
    forward = [LSTMCell(3, 4, num_proj=2, dtype=float64), GRUCell(7, 3, dtype=float64)]
    backward = [GRUCell(3, 5, dtype=float64), BasicRNNCell(7, 6, dtype=float64)]
    return forward, backward


def by_hand(cells_fw, cells_bw, x, states_fw, states_bw):
    """Each direction by dynamic_rnn, the backward one on sequences that are turned around."""
    finals_fw, finals_bw = [], []
    for cell_fw, cell_bw, state_fw, state_bw in zip(
        cells_fw, cells_bw, states_fw, states_bw, strict=True
    ):
        out_fw, final_fw = dynamic_rnn(cell_fw, x, LENGTHS, state_fw)
        turned = reverse_sequence(x, LENGTHS, 1)
        out_bw, final_bw = dynamic_rnn(cell_bw, turned, LENGTHS, state_bw)
        x = torch.cat([out_fw, reverse_sequence(out_bw, LENGTHS, 1)], dim=-1)
        finals_fw.append(final_fw)
        finals_bw.append(final_bw)
    return x, tuple(finals_fw), tuple(finals_bw)


def random_state(cell):
    return torch.utils._pytree.tree_map(torch.randn_like, cell.zero_state(3))


def test_a_stack_is_its_layers_one_after_the_other(x):
    cells_fw, cells_bw = layers()
    states_fw = [random_state(cell) for cell in cells_fw]
    states_bw = [random_state(cells_bw[0]), None]
    expected = by_hand(cells_fw, cells_bw, x, states_fw, states_bw)

    given = (cells_fw, cells_bw, x, states_fw, states_bw, None, LENGTHS)
    assert_close(stack_bidirectional_dynamic_rnn(*given), expected)

    by_time = (cells_fw, cells_bw, x.transpose(0, 1), states_fw, states_bw, None, LENGTHS)
    outputs, *states = stack_bidirectional_dynamic_rnn(*by_time, time_major=True)
    assert_close((outputs.transpose(0, 1), *states), expected)

    in_list = (cells_fw, cells_bw, list(x.unbind(1)), states_fw, states_bw, None, LENGTHS)
    outputs, *states = stack_bidirectional_rnn(*in_list)
    assert_close((torch.stack(outputs, 1), *states), expected)


def test_gradients_of_a_stack_are_those_of_its_layers(x):
    cells_fw, cells_bw = layers()
    weights = torch.nn.ModuleList([*cells_fw, *cells_bw])
    gradients = []
    for run in (
        lambda: stack_bidirectional_dynamic_rnn(cells_fw, cells_bw, x, sequence_length=LENGTHS)[0],
        lambda: by_hand(cells_fw, cells_bw, x, [None] * 2, [None] * 2)[0],
    ):
        gradients.append(torch.autograd.grad(run().square().sum(), list(weights.parameters())))
    assert_close(*gradients)
    assert all(gradient.isfinite().all() for gradient in gradients[0])


def test_static_joins_the_outputs_of_both(x):
    (cell_fw, *_), (cell_bw, *_) = layers()
    state_fw, state_bw = random_state(cell_fw), random_state(cell_bw)
    joined, *states = static_bidirectional_rnn(
        cell_fw, cell_bw, list(x.unbind(1)), state_fw, state_bw, float64, LENGTHS
    )
    outputs, final = bidirectional_dynamic_rnn(cell_fw, cell_bw, x, LENGTHS, state_fw, state_bw)
    assert_close(torch.stack(joined, 1), torch.cat(outputs, -1))
    assert_close(tuple(states), final)


@pytest.mark.parametrize("run", [stack_bidirectional_dynamic_rnn, stack_bidirectional_rnn])
def test_a_stack_says_what_does_not_match(run, x):
    cells_fw, cells_bw = layers()
    steps = x if run is stack_bidirectional_dynamic_rnn else list(x.unbind(1))
    counts = "cells_fw, cells_bw: expected at least one cell and as many in both, found"
    with pytest.raises(ValueError, match=f"{counts} 0 and 2"):
        run([], cells_bw, steps)
    with pytest.raises(ValueError, match=f"{counts} 2 and 1"):
        run(cells_fw, cells_bw[:1], steps)
    with pytest.raises(ValueError, match="initial_states_bw: expected 2, one per layer, found 1"):
        run(cells_fw, cells_bw, steps, None, [None])
    with pytest.raises(ValueError, match=r"initial_states_fw\[1\]: expected shape \(3, 3\)"):
        run(cells_fw, cells_bw, steps, [None, torch.zeros(3, 2, dtype=float64)])
    with pytest.raises(ValueError, match=r"GRUCell: expected inputs of shape .* 7\)"):
        run(cells_fw[1:], cells_bw[:1], steps)


@pytest.mark.wrong_types
@pytest.mark.parametrize("run", [stack_bidirectional_dynamic_rnn, stack_bidirectional_rnn])
def test_a_stack_wants_lists_of_cells(run, x):
    cells_fw, cells_bw = layers()
    steps = x if run is stack_bidirectional_dynamic_rnn else list(x.unbind(1))
    with pytest.raises(TypeError, match="cells_bw: expected a list of cells, found a GRUCell"):
        run(cells_fw, cells_bw[0], steps)
    with pytest.raises(TypeError, match=r"cells_fw\[1\]: expected an RNNCell, found a int"):
        run([cells_fw[0], 3], cells_bw, steps)
    with pytest.raises(TypeError, match="initial_states_fw: expected one per layer, found a Ten"):
        run(cells_fw, cells_bw, steps, torch.zeros(2, 3, 4))


def test_a_cell_in_two_places_shares_its_weights_and_warns(x):
    cell = GRUCell(3, 3, dtype=float64)
    wide = [GRUCell(6, 3, dtype=float64) for _ in range(2)]
    with pytest.warns(UserWarning, match=r"cells_fw\[0\] and cells_bw\[0\] are the same"):
        stack_bidirectional_dynamic_rnn([cell, wide[0]], [cell, wide[1]], x)
    with pytest.warns(UserWarning, match="static_bidirectional_rnn: cell_fw and cell_bw are the"):
        outputs, *_ = static_bidirectional_rnn(cell, cell, list(x.unbind(1)))
    assert outputs[0].shape == (3, 6)
