"""Stacks and dropout."""

import pickle

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from varlen import (
    BasicRNNCell,
    DropoutWrapper,
    GRUCell,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    ZoneoutWrapper,
    _native,
    bidirectional_dynamic_rnn,
    dynamic_rnn,
)
from varlen.rnn import explain

float64 = torch.float64


class TestMultiRNNCell:
    def test_feeds_each_cell_with_the_one_below(self):
        below, above = LSTMCell(3, 4), GRUCell(4, 2)
        stack = MultiRNNCell([below, above])
        x = torch.randn(5, 3)
        output, (pair, top) = stack(x, stack.zero_state(5))
        middle, expected_pair = below(x, below.zero_state(5))
        expected, expected_top = above(middle, above.zero_state(5))
        assert_close((output, pair, top), (expected, expected_pair, expected_top))
        assert stack.state_size == (LSTMStateTuple(4, 4), 2)
        assert (stack.input_size, stack.output_size) == (3, 2)

    def test_joined_state_lies_side_by_side(self):
        cells = [BasicRNNCell(3, 4), LSTMCell(4, 2, state_is_tuple=False)]
        joined = MultiRNNCell(cells, state_is_tuple=False)
        x = torch.randn(5, 3)
        state = torch.randn(5, 8)
        output, after = joined(x, state)
        expected, parts = MultiRNNCell(cells)(x, (state[:, :4], state[:, 4:]))
        assert joined.state_size == 8
        assert_close(output, expected)
        assert_close(after, torch.cat(parts, 1))
        assert joined.zero_state(5).shape == (5, 8)

    def test_names_its_parameters_by_place(self):
        names = set(MultiRNNCell([BasicRNNCell(3, 4), BasicRNNCell(4, 2)]).state_dict())
        assert names == {"cell_0.kernel", "cell_0.bias", "cell_1.kernel", "cell_1.bias"}

    def test_warns_of_one_cell_in_two_places_and_shares_it(self):
        cell = GRUCell(3, 3)
        with pytest.warns(UserWarning, match="cells 0 and 2 are the same module"):
            stack = MultiRNNCell([cell, GRUCell(3, 3), cell])
        assert stack.cells[0] is stack.cells[2]
        assert len(list(stack.parameters())) == 8

    @pytest.mark.wrong_types
    def test_refuses_what_is_no_stack(self):
        with pytest.raises(TypeError, match="cells: expected a list of cells, found a GRUCell"):
            MultiRNNCell(GRUCell(3, 4))
        with pytest.raises(ValueError, match="cells: expected at least one, found none"):
            MultiRNNCell([])
        with pytest.raises(TypeError, match=r"cells\[1\]: expected an RNNCell, found a Linear"):
            MultiRNNCell([GRUCell(3, 4), torch.nn.Linear(4, 4)])
        with pytest.raises(
            ValueError, match=r"cell 1 takes inputs of size 5, but cell 0 gives .* 4"
        ):
            MultiRNNCell([GRUCell(3, 4), GRUCell(5, 2)])
        with pytest.raises(ValueError, match="state_is_tuple=False: expected cells whose state is"):
            MultiRNNCell([LSTMCell(3, 4)], state_is_tuple=False)

    def test_refuses_a_state_that_is_no_tuple_of_its_cells(self):
        stack = MultiRNNCell([GRUCell(3, 4), GRUCell(4, 4)])
        x = torch.zeros(2, 3)
        with pytest.raises(ValueError, match=r"expected a tuple of 2, .* found a Tensor"):
            stack(x, torch.zeros(2, 8))
        with pytest.raises(ValueError, match="expected a tuple of 2"):
            stack(x, (torch.zeros(2, 4),))


class TestDropoutWrapper:
    def test_drops_each_part_with_its_own_masks_and_scales_the_rest(self):
        inner = LSTMCell(3, 4, dtype=float64)
        cell = DropoutWrapper(inner, 0.5, 0.25, 0.75)
        x = torch.randn(6, 3, dtype=float64)
        state = inner.zero_state(6)
        noise = cell.draw_noise(torch.ones(6, dtype=torch.int64))
        output, after = cell(x, state, noise)
        expected, expected_after = inner(x * noise.input / 0.5, state)
        assert_close(output, expected * noise.output / 0.25)
        assert_close(after.h, expected_after.h * noise.state.h / 0.75)
        assert_close(after.c, expected_after.c, rtol=0, atol=0)
        assert noise.state.c is None

    @pytest.mark.parametrize("reverse", [False, True])
    @pytest.mark.parametrize(
        "make",
        [
            lambda: LSTMCell(3, 4, dtype=float64),
            lambda: LSTMCell(3, 4, num_proj=2, dtype=float64),
            lambda: LSTMCell(3, 4, state_is_tuple=False, dtype=float64),
            lambda: DropoutWrapper(GRUCell(3, 4, dtype=float64), 0.6, 0.7, 0.8),
            lambda: ZoneoutWrapper(GRUCell(3, 4, dtype=float64), 0.3),
            lambda: MultiRNNCell([LSTMCell(3, 4, dtype=float64), GRUCell(4, 2, dtype=float64)]),
        ],
    )
    @pytest.mark.parametrize("state_keep_prob", [1.0, 0.8])
    def test_a_run_is_its_steps_one_after_the_other(self, make, state_keep_prob, reverse):
        """Whatever is dropped outside of the loop, on whatever engine."""
        torch.manual_seed(0)
        cell = DropoutWrapper(make(), 0.6, 0.7, state_keep_prob)
        inputs, lengths = torch.randn(3, 6, 3, dtype=float64), [6, 0, 4]
        inputs[1], inputs[2, 4:] = float("nan"), float("nan")
        noise = cell.draw_noise(torch.tensor(lengths))

        plain = BasicRNNCell(3, 1, dtype=float64)
        if reverse:
            (_, outputs), (_, final) = bidirectional_dynamic_rnn(
                plain, cell, inputs, lengths, noise_bw=noise
            )
        else:
            outputs, final = dynamic_rnn(cell, inputs, lengths, noise=noise)
        for row, start, length in ((0, 0, 6), (2, 6, 4)):
            state = cell.zero_state(1)
            for k in range(length):
                t = length - 1 - k if reverse else k
                draw = torch.utils._pytree.tree_map(
                    lambda leaf, at=start + k: leaf if leaf is None else leaf[at : at + 1], noise
                )
                output, state = cell(inputs[row : row + 1, t], state, draw)
                assert_close(outputs[row : row + 1, t], output)
            last = torch.utils._pytree.tree_map(lambda leaf, at=row: leaf[at : at + 1], final)
            assert_close(last, state)
        assert not outputs[1].any()
        assert not outputs[2, 4:].any()

    @pytest.mark.skipif(not _native.NATIVE, reason="the native core is left out")
    def test_a_dropping_cell_runs_natively(self):
        lstm = DropoutWrapper(LSTMCell(3, 4), 0.6, 0.7, 0.8)
        stack = MultiRNNCell([LSTMCell(3, 4), GRUCell(4, 2)])
        assert explain(lstm).engine == "native"
        assert explain(DropoutWrapper(stack, 0.6, 0.7)).engine == "native"
        assert explain(DropoutWrapper(stack, 0.6, 0.7, 0.8)).engine == "eager"

    def test_keeps_as_many_as_it_says(self):
        cell = DropoutWrapper(BasicRNNCell(50, 50), 0.9, 0.3, 0.6)
        noise = cell.draw_noise(torch.tensor([300, 700]))
        for mask, keep_prob in ((noise.input, 0.9), (noise.output, 0.3), (noise.state, 0.6)):
            assert mask.shape == (1000, 50)
            assert abs(mask.double().mean() - keep_prob) < 0.01

    def test_a_variational_mask_is_one_for_all_rows_and_steps(self):
        cell = DropoutWrapper(GRUCell(20, 30), 0.5, 0.5, 0.5, variational_recurrent=True)
        noise = cell.draw_noise(torch.tensor([3, 0, 2]))
        for mask, width in ((noise.input, 20), (noise.state, 30), (noise.output, 30)):
            assert mask.shape == (5, width)
            assert (mask == mask[0]).all()
            assert 0 < mask[0].sum() < width

    def test_a_mask_per_sequence_is_one_for_all_its_steps(self):
        cell = DropoutWrapper(
            GRUCell(20, 30), 0.5, 0.5, 0.5, variational_recurrent=True, mask_per_sequence=True
        )
        noise = cell.draw_noise(torch.tensor([3, 0, 2]))
        for mask, width in ((noise.input, 20), (noise.state, 30), (noise.output, 30)):
            assert mask.shape == (5, width)
            assert (mask[:3] == mask[0]).all()
            assert (mask[3] == mask[4]).all()
            assert (mask[0] != mask[3]).any()

    def test_empty_sequences_draw_nothing(self):
        def draw(lengths):
            torch.manual_seed(0)
            cell = DropoutWrapper(
                GRUCell(3, 4), 0.5, variational_recurrent=True, mask_per_sequence=True
            )
            return cell.draw_noise(torch.tensor(lengths)).input

        assert_close(draw([0, 2, 0, 1]), draw([2, 1]))

    def test_draws_from_the_generator_that_is_given(self):
        def draw(seed):
            generator = torch.Generator().manual_seed(seed)
            cell = DropoutWrapper(GRUCell(3, 40), 0.5, generator=generator)
            before = torch.get_rng_state()
            noise = cell.draw_noise(torch.tensor([4]))
            assert torch.equal(torch.get_rng_state(), before)
            return noise.input

        first = draw(7)
        assert_close(draw(7), first)
        assert not torch.equal(draw(8), first)

    def test_a_state_of_which_nothing_is_dropped_runs_as_ever(self):
        inner, x = LSTMCell(3, 4), torch.randn(2, 5, 3)
        cell = DropoutWrapper(
            inner, state_keep_prob=0.5, dropout_state_filter_visitor=lambda state: False
        )
        assert_close(dynamic_rnn(cell, x), dynamic_rnn(inner, x))

    def test_does_nothing_in_evaluation_or_when_everything_stays(self):
        inner = GRUCell(3, 4)
        x = torch.randn(2, 5, 3)
        expected = dynamic_rnn(inner, x)
        assert_close(dynamic_rnn(DropoutWrapper(inner), x), expected, rtol=0, atol=0)
        dropping = DropoutWrapper(inner, 0.5, 0.5, 0.5)
        assert_close(dynamic_rnn(dropping.eval(), x), expected, rtol=0, atol=0)
        assert not torch.equal(dynamic_rnn(dropping.train(), x)[0], expected[0])

    def test_rounds_its_probabilities_to_single_precision(self):
        cell = DropoutWrapper(GRUCell(3, 4), input_keep_prob=0.6)
        assert cell.input_keep_prob == float(np.float32(0.6)) != 0.6

    def test_a_seed_is_a_stream_of_its_own(self):
        def draw(seed):
            cell = DropoutWrapper(GRUCell(3, 4), 0.5, seed=seed)
            return [cell.draw_noise(torch.tensor([4])).input for _ in range(2)]

        first, second = draw(7)
        assert not torch.equal(first, second)
        torch.manual_seed(0)
        assert_close(draw(7), [first, second])
        assert not torch.equal(draw(8)[0], first)

    @pytest.mark.parametrize(
        ("visitor", "dropped"),
        [
            (None, (False, True, True)),
            (lambda state: True, (True, True, True)),
            (lambda state: False, (False, False, False)),
            (
                lambda state: (True, False) if isinstance(state, tuple) else True,
                (True, False, False),
            ),
        ],
    )
    def test_a_visitor_chooses_the_leaves_of_the_state(self, visitor, dropped):
        stack = MultiRNNCell([LSTMCell(3, 4), GRUCell(4, 2)])
        cell = DropoutWrapper(stack, state_keep_prob=0.5, dropout_state_filter_visitor=visitor)
        (c, h), top = cell.draw_noise(torch.tensor([2])).state
        assert tuple(mask is not None for mask in (c, h, top)) == dropped

    def test_its_state_dict_is_that_of_the_cell(self):
        inner = GRUCell(3, 4)
        twice = DropoutWrapper(DropoutWrapper(inner, 0.5), 0.5)
        stack = MultiRNNCell([twice, GRUCell(4, 2)])
        assert set(twice.state_dict()) == set(inner.state_dict())
        assert set(stack.state_dict()) == set(
            MultiRNNCell([GRUCell(3, 4), GRUCell(4, 2)]).state_dict()
        )
        other = MultiRNNCell([GRUCell(3, 4), GRUCell(4, 2)])
        stack.load_state_dict(other.state_dict())
        assert_close(inner.state_dict(), other.cells[0].state_dict(), rtol=0, atol=0)
        with pytest.raises(RuntimeError, match="Missing key"):
            twice.load_state_dict({"gates.kernel": inner.gates.kernel})

    def test_can_be_pickled(self):
        cell = DropoutWrapper(GRUCell(3, 4), 0.5)
        copy = pickle.loads(pickle.dumps(cell))
        assert_close(copy.state_dict(), cell.state_dict(), rtol=0, atol=0)

    @pytest.mark.parametrize("argument", ["input_keep_prob", "output_keep_prob", "state_keep_prob"])
    @pytest.mark.parametrize("value", [0.0, -0.1, 1.5, float("nan")])
    def test_refuses_what_is_no_probability(self, argument, value):
        with pytest.raises(ValueError, match=f"{argument}: expected above 0 and at most 1"):
            DropoutWrapper(GRUCell(3, 4), **{argument: value})

    @pytest.mark.wrong_types
    def test_refuses_what_does_not_fit_the_cell(self):
        with pytest.raises(TypeError, match="cell: expected an RNNCell, found a Linear"):
            DropoutWrapper(torch.nn.Linear(3, 4))
        with pytest.raises(TypeError, match="dropout_state_filter_visitor: expected a function"):
            DropoutWrapper(GRUCell(3, 4), dropout_state_filter_visitor="h")
        with pytest.raises(
            TypeError, match=r"expected True or False for a tensor, found \(True,\)"
        ):
            DropoutWrapper(GRUCell(3, 4), dropout_state_filter_visitor=lambda state: (True,))
        with pytest.raises(ValueError, match="DropoutWrapper: mask_per_sequence: expected vari"):
            DropoutWrapper(GRUCell(3, 4), mask_per_sequence=True)
        with pytest.raises(ValueError, match="DropoutWrapper: generator: expected none beside a"):
            DropoutWrapper(GRUCell(3, 4), seed=1, generator=torch.Generator())
        with pytest.raises(ValueError, match="input_size: expected 3, as in the cell, found 5"):
            DropoutWrapper(GRUCell(3, 4), input_size=5)
        with pytest.raises(ValueError, match=r"dtype: expected torch.float32, as in the cell"):
            DropoutWrapper(GRUCell(3, 4), dtype=float64)
