"""The length contract of `LSTM`, `GRU` and `RNN`, in every form of input."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.testing import assert_close
from torch.utils._pytree import tree_leaves, tree_map

import varlen
from varlen.rnn.layers._dropout import dropout_scale

float64 = torch.float64
LENGTHS = [3, 0, 6, 1, 4]

MODULES = {
    "LSTM": lambda **kwargs: varlen.LSTM(3, 5, **kwargs),
    "LSTM, projection": lambda **kwargs: varlen.LSTM(3, 5, proj_size=2, **kwargs),
    "GRU": lambda **kwargs: varlen.GRU(3, 5, **kwargs),
    "RNN": lambda **kwargs: varlen.RNN(3, 5, **kwargs),
}
every_module = pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)
both_precisions = pytest.mark.parametrize("dtype", [torch.float32, float64])


def rows_of(lengths, dtype):
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(n, 3, generator=generator).to(dtype) for n in lengths]


def block_of(rows, num_steps, fill=0.0):
    block = rows[0].new_full((len(rows), num_steps, 3), fill)
    for i, row in enumerate(rows):
        block[i, : len(row)] = row
    return block


def state_for(module, batch_size):
    generator = torch.Generator().manual_seed(6)
    places = module.num_layers * module.num_directions
    parts = [
        torch.randn(places, batch_size, n, generator=generator).to(module.weight_ih_l0)
        for n in module.state_sizes
    ]
    return tuple(parts) if len(parts) > 1 else parts[0]


def live(lengths, num_steps):
    return torch.arange(num_steps) < torch.tensor(lengths)[:, None]


@every_module
@both_precisions
@pytest.mark.parametrize("batch_first", [False, True])
def test_each_row_is_as_if_alone(make, dtype, batch_first):
    torch.manual_seed(0)
    module = make(num_layers=2, bidirectional=True, batch_first=batch_first, dtype=dtype)
    rows = rows_of(LENGTHS, dtype)
    block = block_of(rows, 8, float("nan"))
    state = state_for(module, len(rows))
    output, final = module(block if batch_first else block.transpose(0, 1), state, LENGTHS)
    output = output if batch_first else output.transpose(0, 1)
    assert not output[~live(LENGTHS, 8)].any()
    for i, row in enumerate(rows):
        its_state = tree_map(lambda leaf, i=i: leaf[:, i], state)
        its_final = tree_map(lambda leaf, i=i: leaf[:, i], final)
        if not len(row):
            assert_close(its_final, its_state, rtol=0, atol=0)
            continue
        alone, alone_final = module(row, its_state)
        assert_close(output[i, : len(row)], alone)
        assert_close(its_final, alone_final)


@every_module
@both_precisions
@pytest.mark.parametrize("fill", [1e30, float("inf"), float("nan")])
def test_padding_is_invisible(make, dtype, fill):
    results = []
    for extra, padding in ((0, 0.0), (3, fill)):
        torch.manual_seed(0)
        module = make(num_layers=2, bidirectional=True, batch_first=True, dropout=0.5, dtype=dtype)
        num_steps = max(LENGTHS) + extra
        inputs = block_of(rows_of(LENGTHS, dtype), num_steps, padding).requires_grad_()
        output, final = module(inputs, None, torch.tensor(LENGTHS))
        (output.sin().sum() + sum(leaf.cos().sum() for leaf in tree_leaves(final))).backward()
        is_live = live(LENGTHS, num_steps)
        assert not output[~is_live].any()
        assert not inputs.grad[~is_live].any()
        parameters = [p.grad for p in module.parameters()]
        results.append([output[is_live], inputs.grad[is_live], *tree_leaves(final), *parameters])
    assert_close(results[1], results[0])


@every_module
@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=8))
def test_every_form_gives_the_same(make, lengths):
    torch.manual_seed(0)
    module = make(num_layers=2, bidirectional=True, batch_first=True, dtype=float64)
    rows = rows_of(lengths, float64)
    state = state_for(module, len(rows))
    num_steps = max(lengths)
    expected, final = module(block_of(rows, num_steps), state, lengths)
    is_live = live(lengths, num_steps)

    nested = torch.nested.nested_tensor(rows, layout=torch.jagged)
    output, nested_final = module(nested, state)
    assert_close(output.values(), expected[is_live])
    assert_close(nested_final, final)

    some = [i for i, n in enumerate(lengths) if n]  # torch cannot pack an empty row
    if some:
        packed = pack_padded_sequence(
            block_of(rows, num_steps)[some],
            [lengths[i] for i in some],
            batch_first=True,
            enforce_sorted=False,
        )
        output, packed_final = module(packed, tree_map(lambda leaf: leaf[:, some], state))
        padded, _ = pad_packed_sequence(output, batch_first=True, total_length=num_steps)
        assert_close(padded, expected[some])
        assert_close(packed_final, tree_map(lambda leaf: leaf[:, some], final))


class TestNested:
    def test_output_has_the_ragged_axis_of_the_input_and_gradients_flow(self):
        module = varlen.GRU(3, 3, dtype=float64)
        rows = rows_of(LENGTHS, float64)
        nested = torch.nested.nested_tensor(rows, layout=torch.jagged, requires_grad=True)
        output, _ = module(nested)
        (output + nested).values().sin().sum().backward()  # the sum wants one ragged axis

        block = block_of(rows, 6).requires_grad_()
        padded, _ = module(block.transpose(0, 1), None, LENGTHS)
        is_live = live(LENGTHS, 6)
        (padded.transpose(0, 1) + block)[is_live].sin().sum().backward()
        assert_close(nested.grad.values(), block.grad[is_live])

    def test_rows_may_have_holes_between_them(self):
        module = varlen.LSTM(3, 4, batch_first=True)
        block = torch.randn(2, 5, 3)
        nested = torch.nested.narrow(
            block, 1, torch.tensor([0, 1]), torch.tensor([3, 2]), layout=torch.jagged
        )
        output, (h, _) = module(nested)
        for i, row in enumerate((block[0, :3], block[1, 1:3])):
            alone, (alone_h, _) = module(row)
            assert_close(output[i], alone)
            assert_close(h[:, i], alone_h)

    @pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype")
    def test_only_the_jagged_layout_is_taken(self):
        module = varlen.LSTM(3, 4)
        rows = rows_of([2, 1], torch.float32)
        with pytest.raises(TypeError, match=r"layout=torch.jagged, found torch.strided"):
            module(torch.nested.nested_tensor(rows, layout=torch.strided))
        jagged = torch.nested.nested_tensor(rows, layout=torch.jagged)
        with pytest.raises(ValueError, match=r"shape \(batch, ragged time, features\), found"):
            module(jagged.transpose(1, 2))


@pytest.mark.parametrize(
    "lengths",
    [
        [4, 0, 2],
        np.array([4, 0, 2], np.uint8),
        torch.tensor([4, 0, 2], dtype=torch.int32),
    ],
)
def test_lengths_may_be_anything_of_integers(lengths):
    module = varlen.RNN(3, 4, batch_first=True)
    inputs = torch.randn(3, 4, 3)
    assert_close(module(inputs, lengths=lengths), module(inputs, lengths=[4, 0, 2]))


def test_no_rows_and_no_steps_are_fine():
    module = varlen.LSTM(3, 4, 2, batch_first=True, bidirectional=True)
    for inputs, lengths in (
        (torch.randn(0, 5, 3), None),
        (torch.randn(2, 0, 3), None),
        (torch.randn(2, 5, 3), [0, 0]),
    ):
        output, (h, c) = module(inputs, None, lengths)
        assert output.shape == (*inputs.shape[:2], 8)
        assert h.shape == c.shape == (4, len(inputs), 4)
        (output.sum() + h.sum()).backward()
        assert not output.any()
        assert all(not p.grad.any() for p in module.parameters())


def test_lengths_that_do_not_fit_are_refused():
    module = varlen.GRU(3, 4)
    inputs = torch.randn(5, 2, 3)
    with pytest.raises(ValueError, match=r"lengths: expected a length from 0 to 5, .* 6 in row 1"):
        module(inputs, lengths=[5, 6])
    with pytest.raises(ValueError, match=r"lengths: expected one length per row, shape \(2,\)"):
        module(inputs, lengths=[5, 5, 5])
    with pytest.raises(TypeError, match="lengths: expected integers, found float64"):
        module(inputs, lengths=[1.5, 2.0])
    packed = pack_padded_sequence(inputs, [5, 4])
    with pytest.raises(ValueError, match="lengths: expected None beside a PackedSequence"):
        module(packed, lengths=[5, 4])
    nested = torch.nested.nested_tensor([inputs[:, 0]], layout=torch.jagged)
    with pytest.raises(ValueError, match="lengths: expected None beside a nested tensor"):
        module(nested, lengths=[5])


class TestDropout:
    def test_acts_between_layers_in_training_only(self):
        inputs = torch.randn(40, 8, 3)
        module = varlen.GRU(3, 64, 2, dropout=0.25)
        layers = [varlen.GRU(3, 64), varlen.GRU(64, 64)]
        for i, layer in enumerate(layers):
            layer.load_state_dict(
                {
                    name.replace(f"_l{i}", "_l0"): value
                    for name, value in module.state_dict().items()
                    if f"_l{i}" in name
                }
            )
        below, _ = layers[0](inputs)
        above, _ = layers[1](below)
        assert_close(module.eval()(inputs)[0], above)

        module.train()
        torch.manual_seed(1)
        output, _ = module(inputs)
        # Where nothing is dropped the draw is 1 / 0.75: what is found again by the same draw.
        torch.manual_seed(1)
        time_major = torch.nn.functional.dropout(below.flatten(0, 1), 0.25).reshape(below.shape)
        assert_close(output, layers[1](time_major)[0])
        dropped = (time_major == 0).double().mean().item()
        assert abs(dropped - 0.25) < 0.02

    def test_of_everything(self):
        module = varlen.RNN(3, 4, 2, dropout=1.0, bias=False)
        assert not module(torch.randn(5, 2, 3))[0].any()

    def test_is_drawn_for_real_steps_only(self):
        module = varlen.LSTM(3, 8, 3, dropout=0.5, batch_first=True, bidirectional=True)
        rows = rows_of(LENGTHS, torch.float32)
        drawn = []
        for num_steps in (6, 11):
            torch.manual_seed(1)
            output, _ = module(block_of(rows, num_steps), lengths=LENGTHS)
            drawn.append((output[:, :6], torch.rand(1)))
        assert_close(drawn[0], drawn[1])

    def test_its_operator_passes_the_checks_of_torch(self):
        live = torch.tensor([True, False, True])
        torch.library.opcheck(dropout_scale, (live, 4, 0.0, torch.float32))

    def test_without_layers_to_act_between_warns(self):
        with pytest.warns(
            UserWarning, match="dropout=0.5 acts between layers, and num_layers is 1"
        ):
            varlen.LSTM(3, 4, dropout=0.5)
