"""Unrolls against a loop over single rows and steps, and what they refuse."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from varlen import (
    DropoutWrapper,
    GRUCell,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    RNNCell,
    bidirectional_dynamic_rnn,
    dynamic_rnn,
    static_rnn,
)

float64 = torch.float64


def by_hand(cell, rows, *, backward=False):
    """Row by row and step by step: the outputs of each row, and its final state."""
    results = []
    for row in rows:
        state = cell.zero_state(1)
        outputs = {}
        steps = range(len(row))
        for t in reversed(steps) if backward else steps:
            outputs[t], state = cell(row[None, t], state)
        results.append(([outputs[t] for t in steps], state))
    return results


@pytest.fixture
def x():
    x = torch.randn(4, 6, 3, dtype=float64, generator=torch.Generator().manual_seed(1))
    for row, length in enumerate([6, 0, 2, 5]):
        x[row, length:] = float("nan")
    return x


LENGTHS = [6, 0, 2, 5]


@pytest.mark.parametrize(
    "make",
    [
        lambda: GRUCell(3, 4, dtype=float64),
        lambda: LSTMCell(3, 4, num_proj=2, dtype=float64),
        lambda: MultiRNNCell([LSTMCell(3, 4, dtype=float64), GRUCell(4, 5, dtype=float64)]),
    ],
)
def test_dynamic_rnn_is_a_loop_over_rows_and_steps(make, x):
    cell = make()
    outputs, state = dynamic_rnn(cell, x, LENGTHS)
    leaves = torch.utils._pytree.tree_leaves
    expected = by_hand(cell, [row[:n] for row, n in zip(x, LENGTHS, strict=True)])
    for i, (its_outputs, its_state) in enumerate(expected):
        for t, output in enumerate(its_outputs):
            assert_close(outputs[i : i + 1, t], output)
        assert not outputs[i, LENGTHS[i] :].any()
        for leaf, its_leaf in zip(leaves(state), leaves(its_state), strict=True):
            assert_close(leaf[i : i + 1], its_leaf)


def test_bidirectional_goes_back_from_each_rows_own_end(x):
    cell_fw, cell_bw = GRUCell(3, 4, dtype=float64), LSTMCell(3, 5, dtype=float64)
    (out_fw, out_bw), (state_fw, state_bw) = bidirectional_dynamic_rnn(cell_fw, cell_bw, x, LENGTHS)
    rows = [row[:n] for row, n in zip(x, LENGTHS, strict=True)]
    for i, (its_outputs, its_state) in enumerate(by_hand(cell_bw, rows, backward=True)):
        for t, output in enumerate(its_outputs):
            assert_close(out_bw[i : i + 1, t], output)
        assert not out_bw[i, LENGTHS[i] :].any()
        assert_close(state_bw.c[i : i + 1], its_state.c)
    expected, expected_state = dynamic_rnn(cell_fw, x, LENGTHS)
    assert_close(out_fw, expected, rtol=0, atol=0)
    assert_close(state_fw, expected_state, rtol=0, atol=0)


def test_static_rnn_is_dynamic_rnn_over_a_list(x):
    cell = LSTMCell(3, 4, dtype=float64)
    outputs, state = static_rnn(cell, list(x.unbind(1)), sequence_length=LENGTHS)
    expected, expected_state = dynamic_rnn(cell, x, LENGTHS)
    assert len(outputs) == 6
    assert_close(torch.stack(outputs, 1), expected, rtol=0, atol=0)
    assert_close(state, expected_state, rtol=0, atol=0)


@pytest.mark.parametrize("unroll", ["dynamic", "bidirectional"])
def test_time_major_only_moves_the_axes(x, unroll):
    cells = [GRUCell(3, 4, dtype=float64), GRUCell(3, 4, dtype=float64)]
    if unroll == "dynamic":
        outputs, state = dynamic_rnn(cells[0], x.transpose(0, 1), LENGTHS, time_major=True)
        expected, expected_state = dynamic_rnn(cells[0], x, LENGTHS)
        assert_close(outputs.transpose(0, 1), expected, rtol=0, atol=0)
    else:
        outputs, state = bidirectional_dynamic_rnn(
            *cells, x.transpose(0, 1), LENGTHS, time_major=True
        )
        expected, expected_state = bidirectional_dynamic_rnn(*cells, x, LENGTHS)
        for direction in (0, 1):
            assert_close(outputs[direction].transpose(0, 1), expected[direction], rtol=0, atol=0)
    assert_close(state, expected_state, rtol=0, atol=0)


def test_takes_what_as_tensor_takes():
    cell = GRUCell(3, 4, dtype=float64)
    x = np.random.default_rng(1).normal(size=(2, 5, 3))
    expected, _ = dynamic_rnn(cell, torch.from_numpy(x))
    read_only = x.copy()
    read_only.flags.writeable = False
    for inputs in (x, read_only, x.tolist()):
        if isinstance(inputs, list):
            inputs = [[list(step) for step in row] for row in inputs]
            with pytest.raises(ValueError, match=r"found torch.float32"):
                dynamic_rnn(cell, inputs)  # torch reads Python floats as its default dtype
            inputs = torch.tensor(inputs, dtype=float64)
        assert_close(dynamic_rnn(cell, inputs)[0], expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    "lengths",
    [[5, 2], (5, 2), np.array([5, 2], np.uint8), torch.tensor([5, 2], dtype=torch.int16)],
)
def test_lengths_come_in_any_form(lengths):
    cell = GRUCell(3, 4)
    x = torch.randn(2, 5, 3)
    assert_close(dynamic_rnn(cell, x, lengths), dynamic_rnn(cell, x, [5, 2]), rtol=0, atol=0)


def test_an_empty_batch_and_no_steps_at_all():
    cell = LSTMCell(3, 4, num_proj=2)
    outputs, state = dynamic_rnn(cell, torch.zeros(0, 5, 3), [])
    assert outputs.shape == (0, 5, 2)
    assert state.c.shape == (0, 4)
    start = LSTMStateTuple(torch.ones(2, 4), torch.ones(2, 2))
    outputs, state = dynamic_rnn(cell, torch.zeros(2, 0, 3), initial_state=start)
    assert outputs.shape == (2, 0, 2)
    assert_close(state, start, rtol=0, atol=0)


def test_only_empty_rows_have_gradients_and_they_are_zero():
    cell = LSTMCell(3, 4)
    x = torch.full((2, 5, 3), float("nan"), requires_grad=True)
    outputs, state = dynamic_rnn(cell, x, [0, 0])
    (outputs.sum() + state.h.sum()).backward()
    assert not x.grad.any()
    assert all(p.grad is not None and not p.grad.any() for p in cell.parameters())


class Recorder(RNNCell):
    """Counts its calls and the rows in them; its state has a leaf that belongs to no row."""

    input_size, state_size, output_size = (2, 1), (1, 1), (1, 1)

    def __init__(self):
        super().__init__()
        self.rows = []

    def zero_state(self, batch_size, dtype=None):
        return torch.zeros(batch_size, 1), torch.zeros(())

    def forward(self, inputs, state):
        left, right = inputs
        total, time = state
        self.rows.append(len(left))
        total = total + left.sum(1, keepdim=True) * right
        return (total, -total), (total, time + 1)


def test_nothing_is_computed_past_the_end():
    cell = Recorder()
    x = (torch.ones(3, 9, 2), torch.full((3, 9, 1), 0.5))
    (plus, minus), (total, time) = dynamic_rnn(cell, x, [1, 4, 2])
    assert cell.rows == [3, 2, 1, 1]
    assert time == 4
    assert total.flatten().tolist() == [1, 4, 2]
    assert plus[1, :, 0].tolist() == [1, 2, 3, 4, 0, 0, 0, 0, 0]
    assert_close(minus, -plus)


def test_static_rnn_keeps_nested_outputs():
    steps = [(torch.ones(2, 2), torch.ones(2, 1))] * 3
    outputs, _ = static_rnn(Recorder(), steps)
    assert [plus[0].item() for plus, _ in outputs] == [2, 4, 6]


class Weighted(RNNCell):
    """Takes a pair of how much a step counts and what it is."""

    input_size, state_size, output_size = (1, 3), 3, 3

    def forward(self, inputs, state):
        weight, x = inputs
        state = state + weight * x
        return state, state


def test_inputs_may_be_a_tuple(x):
    weight = torch.rand(4, 6, 1, dtype=float64)
    outputs, state = dynamic_rnn(Weighted(), (weight, x), LENGTHS)
    expected = torch.nan_to_num(weight * x).cumsum(1)
    live = torch.arange(6) < torch.tensor(LENGTHS)[:, None]
    assert_close(outputs, expected * live[..., None])
    assert_close(state, expected[:, -1])

    swapped = (weight.transpose(0, 1), x.transpose(0, 1))
    by_time, _ = dynamic_rnn(Weighted(), swapped, LENGTHS, time_major=True)
    assert_close(by_time.transpose(0, 1), outputs, rtol=0, atol=0)
    steps = list(zip(*swapped, strict=True))
    in_list, _ = static_rnn(Weighted(), steps, sequence_length=LENGTHS)
    assert_close(torch.stack(in_list, 1), outputs, rtol=0, atol=0)
    stack = MultiRNNCell([Weighted(), GRUCell(3, 2, dtype=float64)])
    assert dynamic_rnn(stack, (weight, x), LENGTHS)[0].shape == (4, 6, 2)


def test_a_tuple_of_inputs_that_does_not_fit_is_named(x):
    wanted = r"Weighted: expected inputs of shape \(\(batch, time, 1\), \(batch, time, 3\)\), "
    with pytest.raises(ValueError, match=wanted + r"found \(4, 6, 3\)"):
        dynamic_rnn(Weighted(), x)
    with pytest.raises(ValueError, match=wanted + r"found \(\(4, 6, 3\), \(4, 6, 3\)\)"):
        dynamic_rnn(Weighted(), (x, x))
    with pytest.raises(ValueError, match="expected one batch and time for all"):
        dynamic_rnn(Weighted(), (x[:, :2, :1], x))
    with pytest.raises(ValueError, match=r"GRUCell: .*\(batch, time, 3\), found \(\(4, 6, 3\)"):
        dynamic_rnn(GRUCell(3, 2, dtype=float64), (x, x))


def test_a_given_state_may_be_a_plain_tuple():
    cell = MultiRNNCell([LSTMCell(3, 4), GRUCell(4, 2)])
    x = torch.randn(2, 5, 3)
    start = ((torch.ones(2, 4), torch.ones(2, 4)), torch.ones(2, 2))
    _, state = dynamic_rnn(cell, x, initial_state=start)
    assert isinstance(state[0], LSTMStateTuple)
    assert_close(dynamic_rnn(cell, x, initial_state=list(start)), dynamic_rnn(cell, x, None, start))


def test_float32_agrees_with_float64():
    cell = MultiRNNCell([LSTMCell(3, 63, use_peepholes=True), GRUCell(63, 1)])
    x = torch.randn(5, 20, 3)
    lengths = [20, 3, 0, 1, 17]
    single, _ = dynamic_rnn(cell, x, lengths)
    double, _ = dynamic_rnn(cell.double(), x.double(), lengths)
    assert_close(single.double(), double, rtol=0, atol=3e-6)


def test_one_cell_for_both_directions_shares_its_weights_and_warns():
    cell = GRUCell(3, 4)
    x = torch.randn(2, 5, 3)
    with pytest.warns(UserWarning, match="same module, so they share weights"):
        (out_fw, out_bw), _ = bidirectional_dynamic_rnn(cell, cell, x, [5, 2])
    assert_close(out_bw[1, :2], dynamic_rnn(cell, x[1:, :2].flip(1))[0][0].flip(0))
    assert_close(out_fw, dynamic_rnn(cell, x, [5, 2])[0], rtol=0, atol=0)


class TestRefuses:
    cell = GRUCell(3, 4)
    x = torch.zeros(2, 5, 3)

    @pytest.mark.parametrize(
        ("lengths", "error", "message"),
        [
            ([5, 6], ValueError, "sequence_length: .* from 0 to 5, .* found 6 in row 1"),
            ([-1, 5], ValueError, "sequence_length: .* found -1 in row 0"),
            ([5, 5, 5], ValueError, r"sequence_length: expected one length per row, shape \(2,\)"),
            ([[5, 5]], ValueError, r"found shape \(1, 2\)"),
            (5, ValueError, r"found shape \(\)"),
            ([5.0, 5.0], TypeError, "sequence_length: expected integers, found float64"),
        ],
    )
    def test_lengths(self, lengths, error, message):
        for unroll in (
            lambda n: dynamic_rnn(self.cell, self.x, n),
            lambda n: static_rnn(self.cell, list(self.x.unbind(1)), sequence_length=n),
            lambda n: bidirectional_dynamic_rnn(self.cell, GRUCell(3, 4), self.x, n),
        ):
            with pytest.raises(error, match=message):
                unroll(lengths)

    @pytest.mark.wrong_types
    def test_what_is_no_cell(self):
        for unroll in (dynamic_rnn, static_rnn):
            with pytest.raises(TypeError, match="cell: expected an RNNCell, found a function"):
                unroll(lambda x, h: (x, h), self.x)
        with pytest.raises(TypeError, match="cell_bw: expected an RNNCell, found a str"):
            bidirectional_dynamic_rnn(self.cell, "gru", self.x)
        with pytest.raises(TypeError, match="cell_fw: expected an RNNCell, found a GRUCell"):
            bidirectional_dynamic_rnn(torch.nn.GRUCell(3, 4), self.cell, self.x)

    def test_inputs(self):
        with pytest.raises(ValueError, match=r"inputs: expected shape \(batch, time, ...\)"):
            dynamic_rnn(self.cell, torch.zeros(5))
        with pytest.raises(ValueError, match=r"inputs: expected shape \(time, batch, ...\)"):
            dynamic_rnn(self.cell, torch.zeros(5), time_major=True)
        for shape in ((2, 5), (2, 5, 4), (2, 5, 3, 1)):
            with pytest.raises(ValueError, match=r"expected inputs of shape \(batch, time, 3\)"):
                dynamic_rnn(self.cell, torch.zeros(shape))
        for other in ((2, 4, 1), (3, 5, 1)):
            with pytest.raises(ValueError, match="inputs: expected one batch and time for all"):
                dynamic_rnn(Recorder(), (torch.zeros(2, 5, 2), torch.zeros(other)))

    @pytest.mark.wrong_types
    def test_another_dtype_than_the_cells(self):
        with pytest.raises(ValueError, match=r"dtype: expected torch.float32, .* torch.float64"):
            dynamic_rnn(self.cell, self.x, dtype=float64)
        with pytest.raises(ValueError, match=r"found torch.float64"):
            dynamic_rnn(self.cell, self.x.double())

    @pytest.mark.parametrize(
        ("state", "error", "message"),
        [
            (torch.zeros(3, 4), ValueError, r"initial_state: expected shape \(2, 4\), .* \(3, 4\)"),
            (torch.zeros(2, 5), ValueError, r"initial_state: .* found \(2, 5\)"),
            (torch.zeros(2, 4).double(), TypeError, "initial_state: expected torch.float32"),
            ((torch.zeros(2, 4),) * 2, TypeError, "expected a tensor, found a tuple"),
        ],
    )
    def test_a_state_that_does_not_fit(self, state, error, message):
        with pytest.raises(error, match=message):
            dynamic_rnn(self.cell, self.x, initial_state=state)

    def test_a_state_of_another_structure(self):
        half = torch.zeros(2, 4)
        cell = LSTMCell(3, 4)
        with pytest.raises(TypeError, match="expected a LSTMStateTuple of 2, found a Tensor"):
            dynamic_rnn(cell, self.x, initial_state=half)
        with pytest.raises(TypeError, match="expected 2 entries, found 3"):
            dynamic_rnn(cell, self.x, initial_state=(half, half, half))
        with pytest.raises(ValueError, match=r"initial_state_bw, leaf 1: .* found \(2, 5\)"):
            bidirectional_dynamic_rnn(
                self.cell, cell, self.x, initial_state_bw=(half, torch.zeros(2, 5))
            )

    @pytest.mark.wrong_types
    def test_steps_that_are_no_list_none_or_unequal(self):
        with pytest.raises(TypeError, match="inputs: expected a list of steps, found a Tensor"):
            static_rnn(self.cell, self.x)
        with pytest.raises(ValueError, match="inputs: expected at least one step, found none"):
            static_rnn(self.cell, [])
        with pytest.raises(ValueError, match=r"inputs\[1\]: expected shape \(2, 3\), .* \(3, 3\)"):
            static_rnn(self.cell, [torch.zeros(2, 3), torch.zeros(3, 3)])


def test_draws_belong_to_real_steps_row_by_row():
    cell = DropoutWrapper(GRUCell(1, 1), input_keep_prob=0.5)
    torch.manual_seed(3)
    noise = cell.draw_noise(torch.tensor([2, 0, 3]))
    torch.manual_seed(3)
    assert_close(noise.input, torch.rand(5, 1) >= 0.5)
    torch.manual_seed(3)
    drawn = dynamic_rnn(cell, torch.ones(3, 9, 1), [2, 0, 3])
    given = dynamic_rnn(cell, torch.ones(3, 4, 1), [2, 0, 3], noise=noise)
    assert_close(drawn[0][:, :4], given[0], rtol=0, atol=0)
