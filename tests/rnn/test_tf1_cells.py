"""What the reference cases do not say of TensorFlow 1's rarer cells."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from native_cells import assert_near, results
from varlen import (
    CFNCell,
    IndRNNCell,
    IndyGRUCell,
    IndyLSTMCell,
    IntersectionRNNCell,
    LayerNormBasicLSTMCell,
    LayerNormLSTMCell,
    LSTMCell,
    MinimalRNNCell,
    PhasedLSTMCell,
    SRUCell,
    WeightNormLSTMCell,
    _native,
    dynamic_rnn,
)
from varlen.rnn import explain

float64 = torch.float64


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def shapes(cell):
    return {name: tuple(tensor.shape) for name, tensor in cell.state_dict().items()}


def test_parameters_have_the_names_and_shapes_of_tensorflow():
    norms = ("input", "transform", "forget", "output", "state")
    normed = {f"{scope}.{vector}": (4,) for scope in norms for vector in ("gamma", "beta")}
    lstm = {"kernel": (7, 16), "bias": (16,)}
    assert shapes(LayerNormBasicLSTMCell(3, 4)) == {"kernel": (7, 16), **normed}
    assert shapes(LayerNormBasicLSTMCell(3, 4, layer_norm=False)) == lstm
    assert shapes(LayerNormLSTMCell(3, 4)) == lstm
    assert shapes(LayerNormLSTMCell(3, 4, layer_norm=True)) == {**lstm, **normed}
    assert shapes(WeightNormLSTMCell(3, 4, norm=False)) == lstm
    assert shapes(WeightNormLSTMCell(3, 4, num_proj=2)) == {
        "kernel": (5, 16),
        "bias": (16,),
        "norm_0": (16,),
        "norm_1": (16,),
        "projection.kernel": (4, 2),
        "projection.norm_0": (2,),
    }
    assert shapes(IntersectionRNNCell(4, 4)) == {"kernel": (8, 16), "bias": (16,)}
    assert shapes(IntersectionRNNCell(3, 4, num_in_proj=1)) == {
        "kernel": (8, 16),
        "bias": (16,),
        "in_projection.kernel": (3, 4),
        "in_projection.bias": (4,),
    }
    assert shapes(SRUCell(3, 4)) == {"kernel": (3, 16), "bias": (8,)}
    assert shapes(IndRNNCell(3, 4)) == {"kernel_w": (3, 4), "kernel_u": (1, 4), "bias": (4,)}
    assert shapes(IndyLSTMCell(3, 4)) == {"kernel_w": (3, 16), "kernel_u": (1, 16), "bias": (16,)}
    assert shapes(IndyGRUCell(3, 4)) == {
        "gates.kernel_w": (3, 8),
        "gates.kernel_u": (1, 8),
        "gates.bias": (8,),
        "candidate.kernel": (3, 4),
        "candidate.kernel_u": (1, 4),
        "candidate.bias": (4,),
    }
    assert shapes(MinimalRNNCell(3, 4)) == {"kernel": (11, 4), "bias": (4,)}
    assert shapes(CFNCell(3, 4)) == {
        "kernel": (3, 12),
        "recurrent_kernel": (4, 8),
        "bias": (8,),
    }
    assert shapes(PhasedLSTMCell(3, 4, use_peepholes=True, trainable_ratio_on=False)) == {
        "mask_gates.kernel": (11, 8),
        "mask_gates.bias": (8,),
        "new_input.kernel": (7, 4),
        "new_input.bias": (4,),
        "output_gate.kernel": (11, 4),
        "output_gate.bias": (4,),
        "period": (4,),
        "phase": (4,),
        "ratio_on": (4,),
    }


def test_given_initialisers_are_used():
    ones = torch.nn.init.ones_
    weighted = WeightNormLSTMCell(3, 4, use_peepholes=True, num_proj=2, initializer=ones)
    layered = LayerNormLSTMCell(3, 4, use_peepholes=True, num_proj=2, initializer=ones)
    for cell in (weighted, layered, IntersectionRNNCell(3, 4, num_in_proj=1, initializer=ones)):
        for name, parameter in cell.named_parameters():
            assert (parameter == (0 if name.endswith("bias") else 1)).all(), name
    for cell in (MinimalRNNCell, CFNCell):
        made = cell(3, 4, kernel_initializer=ones, bias_initializer=torch.nn.init.zeros_)
        assert (made.kernel == 1).all()
        assert not made.bias.any()
    indy = IndyGRUCell(3, 4, kernel_initializer=ones, bias_initializer=torch.nn.init.zeros_)
    assert (indy.gates.kernel_w == 1).all()
    assert (indy.candidate.kernel == 1).all()
    assert not indy.gates.bias.any()
    assert (IndyLSTMCell(3, 4, bias_initializer=ones).bias == 1).all()


class TestDropoutOfTheCandidate:
    def make(self, **kwargs):
        return LayerNormBasicLSTMCell(3, 4, dropout_keep_prob=0.6, dtype=float64, **kwargs)

    def test_uses_the_mask_that_is_handed_in(self):
        cell = self.make(layer_norm=False, forget_bias=0.0)
        x, c = torch.randn(5, 3, dtype=float64), torch.randn(5, 4, dtype=float64)
        h = torch.randn(5, 4, dtype=float64)
        kept = torch.rand(5, 4) < 0.5
        _, state = cell(x, (c, h), (kept,))
        joined = torch.cat([x, h], 1) @ cell.kernel + cell.bias
        write, candidate, forget, _ = joined.chunk(4, dim=1)
        candidate = torch.tanh(candidate) * kept / 0.6
        expected = torch.sigmoid(forget) * c + torch.sigmoid(write) * candidate
        assert_close(state.c, expected, rtol=1e-12, atol=1e-14)

    @pytest.mark.parametrize("engine", ["eager", "auto"])
    def test_a_whole_run_takes_the_rows_in_batch_order(self, engine):
        cell, lengths = self.make(), [2, 0, 3]
        inputs = torch.randn(3, 4, 3, dtype=float64)
        noise = cell.draw_noise(torch.tensor(lengths))
        assert [tuple(mask.shape) for mask in noise] == [(5, 4)]
        outputs, _ = dynamic_rnn(cell, inputs, lengths, noise=noise, engine=engine)
        state = cell.zero_state(1)
        for t in range(3):
            h, state = cell(inputs[2:, t], state, (noise[0][2 + t][None],))
            assert_close(outputs[2:, t], h, rtol=1e-12, atol=1e-14)

    @pytest.mark.skipif(not _native.NATIVE, reason="the native core is left out")
    @pytest.mark.parametrize("layer_norm", [False, True])
    def test_trains_natively(self, layer_norm):
        cell = LayerNormBasicLSTMCell(4, 21, dropout_keep_prob=0.6, layer_norm=layer_norm)
        assert explain(cell).engine == "native"
        inputs, lengths = torch.randn(5, 9, 4), [4, 0, 7, 1, 2]
        torch.manual_seed(7)
        single = results(cell, inputs, lengths, engine="native")
        torch.manual_seed(7)
        double = results(cell.double(), inputs, lengths, engine="eager")
        assert_near(single, double)

    def test_is_drawn_in_training_alone(self):
        cell = self.make()
        x, state = torch.randn(5, 3, dtype=float64), self.make().zero_state(5)
        assert not torch.equal(cell(x, state)[0], cell(x, state)[0])
        cell.eval()
        assert cell.draw_noise(torch.tensor([3])) is None
        assert torch.equal(cell(x, state)[0], cell(x, state)[0])

    def test_keeps_as_many_as_it_says(self):
        (kept,) = self.make().draw_noise(torch.tensor([50_000]))
        assert abs(kept.double().mean() - 0.6) < 0.01

    @pytest.mark.parametrize("keep_prob", [0.0, -0.5, 1.5])
    def test_refuses_what_is_no_probability(self, keep_prob):
        with pytest.raises(ValueError, match="LayerNormBasicLSTMCell: dropout_keep_prob: expected"):
            LayerNormBasicLSTMCell(3, 4, dropout_keep_prob=keep_prob)


def test_without_layer_norm_the_bias_begins_at_random():
    """Q7"""
    bias = LayerNormBasicLSTMCell(3, 40, layer_norm=False).bias
    assert bias.std() > 0
    assert bias.abs().max() <= (6 / 320) ** 0.5


def test_switched_off_they_are_plain_lstms():
    x, c = torch.randn(2, 3, dtype=float64), torch.randn(2, 4, dtype=float64)
    kwargs = {"use_peepholes": True, "num_proj": 4, "cell_clip": 0.4, "proj_clip": 0.2}
    cell = LSTMCell(3, 4, dtype=float64, **kwargs)
    for other in (
        LayerNormLSTMCell(3, 4, dtype=float64, **kwargs),
        WeightNormLSTMCell(3, 4, norm=False, dtype=float64, **kwargs),
    ):
        other.load_state_dict(cell.state_dict())
        assert_close(other(x, (c, c)), cell(x, (c, c)), rtol=0, atol=0)


def test_normalised_weights_have_the_length_of_their_gain():
    cell = WeightNormLSTMCell(3, 4, num_proj=2, dtype=float64)
    products = cell.products()
    for weights, gain in (
        (products.input, cell.norm_0),
        (products.recurrent, cell.norm_1),
        (products.second, cell.projection.norm_0),
    ):
        assert_close(weights.norm(dim=0), gain.abs(), rtol=1e-12, atol=1e-14)
    with torch.no_grad():
        cell.kernel.zero_()
    assert cell.products().input.isfinite().all()


class TestIntersection:
    def test_wants_inputs_as_wide_as_itself_or_maps_them(self):
        with pytest.raises(
            ValueError, match=r"IntersectionRNNCell: input_size: expected 4, .* found 3; set num_in"
        ):
            IntersectionRNNCell(3, 4)
        assert IntersectionRNNCell(4, 4, num_in_proj=9).in_projection is None
        with pytest.raises(ValueError, match="IntersectionRNNCell: num_in_proj: expected at least"):
            IntersectionRNNCell(3, 4, num_in_proj=-1)

    def test_mapped_inputs_are_those_of_a_linear_layer_before_it(self):
        cell = IntersectionRNNCell(3, 4, num_in_proj=4, dtype=float64)
        inner = IntersectionRNNCell(4, 4, dtype=float64)
        inner.load_state_dict({"kernel": cell.kernel, "bias": cell.bias.data.normal_()})
        projection = cell.in_projection
        projection.bias.data.normal_()
        x, h = torch.randn(5, 3, dtype=float64), torch.randn(5, 4, dtype=float64)
        mapped = x @ projection.kernel + projection.bias
        assert_close(cell(x, h), inner(mapped, h), rtol=1e-12, atol=1e-14)

    @pytest.mark.skipif(not _native.NATIVE, reason="the native core is left out")
    @pytest.mark.parametrize("units", [1, 3, 63, 130])
    def test_mapped_inputs_run_natively(self, units):
        """Not among the cells that are the same, bit for bit, with any number of threads."""
        cell = IntersectionRNNCell(4, units, num_in_proj=units)
        inputs, lengths = torch.randn(7, 9, 4), [9, 0, 3, 1, 8, 5, 2]
        single = results(cell, inputs, lengths, engine="native")
        assert_near(single, results(cell.double(), inputs, lengths, engine="eager"))


class TestPhased:
    def make(self, **kwargs):
        return PhasedLSTMCell(3, 4, dtype=float64, **kwargs)

    def test_a_closed_unit_keeps_its_state_but_for_the_leak(self):
        cell = self.make(leak=0.0)
        with torch.no_grad():
            cell.period.fill_(10.0)
            cell.phase.fill_(2.0)
        state = tuple(torch.randn(2, 1, 4, dtype=float64))
        x = torch.randn(1, 3, dtype=float64)
        for time, is_open in ((2.0, False), (2.5, True), (3.0, False), (9.0, False), (-7.5, True)):
            _, after = cell((torch.tensor([[time]], dtype=float64), x), state)
            unchanged = torch.isclose(after.c, state[0], rtol=0, atol=1e-13)
            assert bool(unchanged.all()) != is_open, time

    def test_all_gradients_but_that_of_the_period_are_true(self):
        """Q8"""
        cell = self.make(ratio_on=0.6, period_init_max=3.0)
        cell.period.requires_grad_(False)
        inputs = torch.rand(2, 1, dtype=float64) * 9, torch.randn(2, 3, dtype=float64)
        state = tuple(torch.randn(2, 2, 4, dtype=float64))
        given = [tensor.requires_grad_() for tensor in (*inputs, *state)]

        def step(time, x, c, h, *_):
            return tuple(cell((time, x), (c, h))[1])

        assert torch.autograd.gradcheck(step, (*given, *cell.parameters()))

    def test_the_gradient_of_the_period_is_that_of_the_division(self):
        """Q8"""
        cell = self.make(leak=1.0, ratio_on=1e-9)  # so that the openness is the phase
        with torch.no_grad():
            cell.period.fill_(3.0)
            cell.phase.fill_(0.5)
        openness = cell._openness(torch.tensor([[7.5]], dtype=float64))
        assert_close(openness, torch.full((1, 4), 1 / 3, dtype=float64))
        (gradient,) = torch.autograd.grad(openness.sum(), cell.period)
        assert_close(gradient, torch.full((4,), -1 / 9, dtype=float64))

    def test_time_may_be_finer_than_the_parameters(self):
        cell = PhasedLSTMCell(3, 4, period_init_max=2.0)
        time = torch.tensor([[1e9 + 0.25], [0.25]], dtype=float64)
        x = torch.randn(1, 3).expand(2, 3)
        with torch.no_grad():
            cell.period.fill_(1.0)
            cell.phase.fill_(0.0)
        output, state = cell((time, x), cell.zero_state(2))
        assert output.dtype == state.c.dtype == torch.float32
        assert_close(output[0], output[1])

    def test_runs_along_time_with_a_pair(self):
        cell = self.make()
        time = torch.rand(3, 5, 1, dtype=float64).cumsum(1)
        x = torch.randn(3, 5, 3, dtype=float64)
        outputs, final = dynamic_rnn(cell, (time, x), [5, 0, 2])
        state = cell.zero_state(3)
        for t in range(2):
            _, state = cell((time[:, t], x[:, t]), state)
        assert_close(final.h[2], state.h[2], rtol=1e-12, atol=1e-14)
        assert not outputs[2, 2:].any()

    @pytest.mark.wrong_types
    def test_refuses_what_is_no_pair_of_time_and_inputs(self):
        cell, x = self.make(), torch.zeros(2, 3, dtype=float64)
        state = cell.zero_state(2)
        expected = r"PhasedLSTMCell: inputs: expected a pair \(time, x\) of shapes \(batch, 1\)"
        with pytest.raises(ValueError, match=f"{expected} .* found a Tensor"):
            cell(x, state)
        with pytest.raises(ValueError, match=rf"{expected} .*found \[\(2, 3\), \(2, 3\)\]"):
            cell((x, x), state)
        with pytest.raises(ValueError, match=r"expected x of torch.float64, .*int64"):
            cell((torch.zeros(2, 1, dtype=torch.int64), x), state)
        for wrong in (x, (*state, x)):
            with pytest.raises(
                TypeError, match=r"PhasedLSTMCell: state: expected 2 parts \(c, h\)"
            ):
                cell((x[:, :1], x), wrong)
        with pytest.raises(ValueError, match=r"PhasedLSTMCell: period_init_min: expected above 0"):
            PhasedLSTMCell(3, 4, period_init_min=5.0, period_init_max=2.0)
        with pytest.raises(ValueError, match="PhasedLSTMCell: ratio_on: expected above 0, found 0"):
            PhasedLSTMCell(3, 4, ratio_on=0.0)
        with pytest.raises(TypeError, match="PhasedLSTMCell: leak: expected a number, found None"):
            PhasedLSTMCell(3, 4, leak=None)
        with pytest.raises(ValueError, match="PhasedLSTMCell: num_units: expected at least 1"):
            PhasedLSTMCell(3, 0)


def test_independent_units_do_not_see_each_other():
    for make in (IndRNNCell, IndyGRUCell):
        cell = make(3, 4, dtype=float64)
        x = torch.randn(1, 3, dtype=float64)
        jacobian = torch.autograd.functional.jacobian(
            lambda h, cell=cell, x=x: cell(x, h)[0][0], torch.randn(1, 4, dtype=float64)
        )[:, 0]
        assert_close(jacobian, torch.diag(jacobian.diag()), rtol=0, atol=0)
        assert jacobian.diag().all()


def test_a_chaos_free_network_forgets_without_inputs():
    cell = CFNCell(3, 4, dtype=float64)
    state = 5 * torch.ones(1, 4, dtype=float64)
    outputs, _ = dynamic_rnn(cell, torch.zeros(1, 400, 3, dtype=float64), None, state)
    norms = outputs[0].norm(dim=1).detach().numpy()
    assert (np.diff(norms) < 0).all()
    assert norms[-1] < 0.5


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    "make", [LayerNormBasicLSTMCell, IndRNNCell, IndyGRUCell, IndyLSTMCell, SRUCell, MinimalRNNCell]
)
def test_errors_name_the_cell_and_the_argument(make):
    with pytest.raises(ValueError, match=f"{make.__name__}: input_size: expected at least 1"):
        make(0, 4)
    with pytest.raises(ValueError, match=f"{make.__name__}: activation: no function named 'tahn'"):
        make(3, 4, activation="tahn")
    with pytest.raises(TypeError, match=f"{make.__name__}: activation: expected a function"):
        make(3, 4, activation=3)
