"""Cells step by step: against NumPy, their parameters, and what they refuse."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from varlen import (
    BasicLSTMCell,
    BasicRNNCell,
    CFNCell,
    CoupledInputForgetGateLSTMCell,
    CudnnCompatibleGRUCell,
    CudnnCompatibleLSTMCell,
    GRUBlockCell,
    GRUBlockCellV2,
    GRUCell,
    IndRNNCell,
    IndyGRUCell,
    IndyLSTMCell,
    JANETCell,
    LayerNormBasicLSTMCell,
    LayerNormGRUCell,
    LayerNormLSTMCell,
    LayerNormRNNCell,
    LSTMBlockCell,
    LSTMCell,
    LSTMStateTuple,
    MinGRUCell,
    MinimalRNNCell,
    MinLSTMCell,
    MultiplicativeLSTMCell,
    NASCell,
    RNNCell,
    SLSTMCell,
    SRUCell,
    UGRNNCell,
    WeightNormLSTMCell,
)

float64 = torch.float64


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def arrays(cell):
    return {name: parameter.detach().numpy() for name, parameter in cell.named_parameters()}


def randomise(cell):
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return cell


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def x():
    return torch.from_numpy(np.random.default_rng(1).normal(size=(3, 5)))


def test_basic_rnn_cell(x):
    cell = randomise(BasicRNNCell(5, 4, activation="relu", dtype=float64))
    h = torch.randn(3, 4, dtype=float64)
    output, state = cell(x, h)
    w = arrays(cell)
    expected = np.maximum(np.concatenate([x, h], 1) @ w["kernel"] + w["bias"], 0)
    np.testing.assert_allclose(output.detach(), expected, rtol=1e-12, atol=1e-14)
    assert state is output


def test_gru_cell(x):
    cell = randomise(GRUCell(5, 4, dtype=float64))
    h = torch.randn(3, 4, dtype=float64).numpy()
    output, _ = cell(x, torch.from_numpy(h))
    w = arrays(cell)
    gates = sigmoid(np.concatenate([x, h], 1) @ w["gates.kernel"] + w["gates.bias"])
    reset, update = gates[:, :4], gates[:, 4:]
    joined = np.concatenate([x, reset * h], 1)
    candidate = np.tanh(joined @ w["candidate.kernel"] + w["candidate.bias"])
    np.testing.assert_allclose(
        output.detach(), update * h + (1 - update) * candidate, rtol=1e-12, atol=1e-14
    )


def numpy_lstm(w, x, c, h, *, cell_clip=np.inf, proj_clip=np.inf, forget_bias=1.0):
    n = c.shape[1]
    i, j, f, o = np.split(np.concatenate([x, h], 1) @ w["kernel"] + w["bias"], 4, axis=1)
    zero = np.zeros(n)
    i = i + w.get("w_i_diag", zero) * c
    f = f + w.get("w_f_diag", zero) * c
    c = np.clip(c * sigmoid(f + forget_bias) + sigmoid(i) * np.tanh(j), -cell_clip, cell_clip)
    h = sigmoid(o + w.get("w_o_diag", zero) * c) * np.tanh(c)
    if "projection.kernel" in w:
        h = np.clip(h @ w["projection.kernel"], -proj_clip, proj_clip)
    return c, h


@pytest.mark.parametrize("make", [BasicLSTMCell, LSTMCell])
@pytest.mark.parametrize("forget_bias", [1.0, 0.0])
def test_plain_lstm_cells(x, make, forget_bias):
    cell = randomise(make(5, 4, forget_bias=forget_bias, dtype=float64))
    c, h = torch.randn(2, 3, 4, dtype=float64)
    output, state = cell(x, (c, h))
    c, h = numpy_lstm(arrays(cell), x, c.numpy(), h.numpy(), forget_bias=forget_bias)
    np.testing.assert_allclose(state.c.detach(), c, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(state.h.detach(), h, rtol=1e-12, atol=1e-14)
    assert output is state.h
    assert isinstance(state, LSTMStateTuple)


def test_lstm_cell_with_everything(x):
    cell = randomise(
        LSTMCell(5, 4, use_peepholes=True, cell_clip=0.4, num_proj=2, proj_clip=0.1, dtype=float64)
    )
    assert cell.state_size == LSTMStateTuple(4, 2)
    assert cell.output_size == 2
    c, h = torch.randn(3, 4, dtype=float64), torch.randn(3, 2, dtype=float64)
    _, state = cell(x, (c, h))
    c, h = numpy_lstm(arrays(cell), x, c.numpy(), h.numpy(), cell_clip=0.4, proj_clip=0.1)
    np.testing.assert_allclose(state.c.detach(), c, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(state.h.detach(), h, rtol=1e-12, atol=1e-14)
    assert (state.c.abs() == 0.4).any()
    assert (state.h.abs() == 0.1).any()


def numpy_layer_norm(w, scope, v):
    normed = (v - v.mean(1, keepdims=True)) / np.sqrt(v.var(1, keepdims=True) + 1e-12)
    return w[f"{scope}.gamma"] * normed + w[f"{scope}.beta"]


@pytest.mark.parametrize("layer_norm", [False, True])
def test_coupled_lstm_cell(x, layer_norm):
    cell = randomise(
        CoupledInputForgetGateLSTMCell(
            5,
            4,
            use_peepholes=True,
            num_proj=3,
            proj_clip=0.1,
            num_unit_shards=3,
            num_proj_shards=2,
            layer_norm=layer_norm,
            dtype=float64,
        )
    )
    c, h = torch.randn(3, 4, dtype=float64), torch.randn(3, 3, dtype=float64)
    _, state = cell(x, (c, h))

    w, c, h = arrays(cell), c.numpy(), h.numpy()

    def norm(scope, v):
        return numpy_layer_norm(w, scope, v) if layer_norm else v

    z = np.concatenate([x, h], 1) @ np.concatenate([w["W_0"], w["W_1"], w["W_2"]])
    j, f, o = np.split(z if layer_norm else z + w["B"], 3, axis=1)
    f = sigmoid(norm("forget", f) + 1 + w["W_F_diag"] * c)
    c = norm("state", f * c + (1 - f) * np.tanh(norm("transform", j)))
    h = sigmoid(norm("output", o) + w["W_O_diag"] * c) * np.tanh(c)
    h = np.clip(h @ np.concatenate([w["W_P_0"], w["W_P_1"]]), -0.1, 0.1)
    np.testing.assert_allclose(state.c.detach(), c, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(state.h.detach(), h, rtol=1e-12, atol=1e-13)
    assert (state.h.abs() == 0.1).any()


def test_ugrnn_cell(x):
    cell = randomise(UGRNNCell(5, 4, forget_bias=0.5, activation="relu", dtype=float64))
    h = torch.randn(3, 4, dtype=float64)
    output, state = cell(x, h)
    w = arrays(cell)
    gate, candidate = np.split(np.concatenate([x, h], 1) @ w["kernel"] + w["bias"], 2, axis=1)
    gate = sigmoid(gate + 0.5)
    expected = gate * h.numpy() + (1 - gate) * np.maximum(candidate, 0)
    np.testing.assert_allclose(output.detach(), expected, rtol=1e-12, atol=1e-14)
    assert state is output


@pytest.mark.parametrize("num_proj", [None, 3])
def test_nas_cell(x, num_proj):
    cell = randomise(NASCell(5, 4, num_proj=num_proj, use_bias=True, dtype=float64))
    c, m = torch.randn(3, 4, dtype=float64), torch.randn(3, num_proj or 4, dtype=float64)
    _, state = cell(x, LSTMStateTuple(c, m))

    w, c, m = arrays(cell), c.numpy(), m.numpy()
    u = np.split(x.numpy() @ w["kernel"], 8, axis=1)
    r = np.split(m @ w["recurrent_kernel"] + w["bias"], 8, axis=1)
    gated = np.tanh(sigmoid(u[0] + r[0]) * np.maximum(u[1] + r[1], 0))
    scale = np.tanh(sigmoid(u[2] + r[2]) + np.maximum(u[3] * r[3], 0))
    mixed = np.tanh(np.tanh(u[4] + r[4]) * sigmoid(u[5] + r[5]))
    added = sigmoid(np.tanh(u[6] + r[6]) + sigmoid(u[7] + r[7]))
    c = np.tanh(gated + c) * scale
    m = np.tanh(c * np.tanh(mixed + added))
    if num_proj:
        m = m @ w["projection_weights"]
    np.testing.assert_allclose(state.c.detach(), c, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(state.h.detach(), m, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("make", [BasicLSTMCell, LSTMCell, CoupledInputForgetGateLSTMCell])
def test_joined_state_is_c_then_h(x, make):
    cell = make(5, 4, dtype=float64)
    joined = make(5, 4, state_is_tuple=False, dtype=float64)
    joined.load_state_dict(cell.state_dict())
    state = cell.zero_state(3)
    _, state = cell(x, state)
    output, after = joined(x, torch.cat(state, dim=1))
    expected, pair = cell(x, state)
    assert joined.state_size == 8
    assert_close(output, expected, rtol=0, atol=0)
    assert_close(after, torch.cat(pair, dim=1), rtol=0, atol=0)


def test_parameters_have_the_names_and_shapes_of_tensorflow():
    def shapes(cell):
        return {name: tuple(p.shape) for name, p in cell.named_parameters()}

    assert shapes(BasicRNNCell(3, 4)) == {"kernel": (7, 4), "bias": (4,)}
    assert shapes(GRUCell(3, 4)) == {
        "gates.kernel": (7, 8),
        "gates.bias": (8,),
        "candidate.kernel": (7, 4),
        "candidate.bias": (4,),
    }
    assert shapes(BasicLSTMCell(3, 4)) == {"kernel": (7, 16), "bias": (16,)}
    assert shapes(LSTMCell(3, 4, use_peepholes=True, num_proj=2)) == {
        "kernel": (5, 16),
        "bias": (16,),
        "w_f_diag": (4,),
        "w_i_diag": (4,),
        "w_o_diag": (4,),
        "projection.kernel": (4, 2),
    }
    coupled = CoupledInputForgetGateLSTMCell(
        3, 5, use_peepholes=True, num_proj=2, num_unit_shards=2, num_proj_shards=3, layer_norm=True
    )
    norms = [
        f"{s}.{p}" for s in ("transform", "forget", "output", "state") for p in ("gamma", "beta")
    ]
    assert shapes(coupled) == {
        "W_0": (3, 15),
        "W_1": (2, 15),
        "B": (15,),
        "W_F_diag": (5,),
        "W_O_diag": (5,),
        "W_P_0": (2, 2),
        "W_P_1": (2, 2),
        "W_P_2": (1, 2),
        **dict.fromkeys(norms, (5,)),
    }
    assert shapes(UGRNNCell(3, 4)) == {"kernel": (7, 8), "bias": (8,)}
    assert shapes(NASCell(3, 4)) == {"recurrent_kernel": (4, 32), "kernel": (3, 32)}
    assert shapes(NASCell(3, 4, num_proj=2, use_bias=True)) == {
        "recurrent_kernel": (2, 32),
        "kernel": (3, 32),
        "bias": (32,),
        "projection_weights": (4, 2),
    }


def test_given_initialisers_are_used():
    cell = LSTMCell(3, 4, use_peepholes=True, num_proj=2, initializer=torch.nn.init.ones_)
    for name, parameter in cell.named_parameters():
        assert (parameter == (0 if name == "bias" else 1)).all(), name
    gru = GRUCell(
        3, 4, kernel_initializer=torch.nn.init.ones_, bias_initializer=torch.nn.init.zeros_
    )
    assert (gru.gates.kernel == 1).all()
    assert (gru.gates.bias == 0).all()
    assert (gru.candidate.bias == 0).all()
    # TensorFlow ignored the one of this cell.
    coupled = CoupledInputForgetGateLSTMCell(
        3, 4, use_peepholes=True, num_proj=2, initializer=torch.nn.init.ones_
    )
    for name, parameter in coupled.named_parameters():
        assert (parameter == (0 if name == "B" else 1)).all(), name


def test_shards_are_cut_from_the_rows():
    with pytest.raises(ValueError, match=r"num_unit_shards: expected at most 7, .*, found 8"):
        CoupledInputForgetGateLSTMCell(3, 4, num_unit_shards=8)
    with pytest.raises(ValueError, match=r"num_proj_shards: expected at most 4, .*, found 5"):
        CoupledInputForgetGateLSTMCell(3, 4, num_proj=2, num_proj_shards=5)
    with pytest.raises(ValueError, match="num_unit_shards: expected at least 1, found 0"):
        CoupledInputForgetGateLSTMCell(3, 4, num_unit_shards=0)


@pytest.mark.wrong_types
def test_an_activation_has_a_name_or_is_a_function(x):
    by_name = BasicRNNCell(5, 4, activation="softsign", dtype=float64)
    by_function = BasicRNNCell(5, 4, activation=torch.nn.functional.softsign, dtype=float64)
    by_function.load_state_dict(by_name.state_dict())
    h = by_name.zero_state(3)
    assert_close(by_name(x, h), by_function(x, h))
    with pytest.raises(ValueError, match=r"no function named 'tahn'; .* Did you mean 'tanh'\?"):
        BasicRNNCell(5, 4, activation="tahn")
    with pytest.raises(TypeError, match="activation: expected a function or its name, found a int"):
        BasicRNNCell(5, 4, activation=3)


EVERY = [
    CFNCell,
    CudnnCompatibleGRUCell,
    CudnnCompatibleLSTMCell,
    GRUBlockCell,
    GRUBlockCellV2,
    IndRNNCell,
    IndyGRUCell,
    IndyLSTMCell,
    LSTMBlockCell,
    LayerNormBasicLSTMCell,
    LayerNormLSTMCell,
    MinimalRNNCell,
    SRUCell,
    WeightNormLSTMCell,
    BasicRNNCell,
    GRUCell,
    BasicLSTMCell,
    LSTMCell,
    CoupledInputForgetGateLSTMCell,
    UGRNNCell,
    NASCell,
    JANETCell,
    LayerNormGRUCell,
    LayerNormRNNCell,
    MinGRUCell,
    MinLSTMCell,
    MultiplicativeLSTMCell,
    SLSTMCell,
]


@pytest.mark.parametrize("make", EVERY)
class TestEveryCellRefuses:
    def test_integer_inputs(self, make):
        cell = make(3, 4)
        with pytest.raises(
            ValueError, match=r"expected inputs of torch.float32, .* found torch.int"
        ):
            cell(torch.zeros(2, 3, dtype=torch.int64), cell.zero_state(2))

    def test_another_precision(self, make):
        cell = make(3, 4)
        with pytest.raises(ValueError, match=r"found torch.float64"):
            cell(torch.zeros(2, 3, dtype=float64), cell.zero_state(2))

    def test_another_depth(self, make):
        cell = make(3, 4)
        with pytest.raises(ValueError, match=r"expected inputs of shape \(batch, 3\), .*\(2, 5\)"):
            cell(torch.zeros(2, 5), cell.zero_state(2))

    def test_a_whole_sequence(self, make):
        cell = make(3, 4)
        with pytest.raises(ValueError, match=r"found \(2, 7, 3\)"):
            cell(torch.zeros(2, 7, 3), cell.zero_state(2))

    def test_integer_parameters(self, make):
        with pytest.raises(ValueError, match=r"dtype: expected a floating one, found torch.int32"):
            make(3, 4, dtype=torch.int32)

    @pytest.mark.wrong_types
    def test_sizes_that_cannot_be(self, make):
        with pytest.raises(
            ValueError, match=f"{make.__name__}: (num_)?units: expected at least 1, found 0"
        ):
            make(3, 0)
        with pytest.raises(
            ValueError, match=f"{make.__name__}: input_size: expected at least 1, found -3"
        ):
            make(-3, 4)
        with pytest.raises(TypeError, match=r"units: expected an int, found 4.0"):
            make(3, 4.0)


def test_lstm_refuses_the_other_form_of_state():
    x = torch.zeros(2, 3)
    with pytest.raises(TypeError, match=r"expected a pair \(c, h\), found a Tensor"):
        LSTMCell(3, 4)(x, torch.zeros(2, 8))
    with pytest.raises(TypeError, match=r"expected one tensor \[c, h\], found a LSTMStateTuple"):
        LSTMCell(3, 4, state_is_tuple=False)(x, LSTMStateTuple(x, x))


@pytest.mark.wrong_types
def test_lstm_validates_what_tensorflow_let_through():
    with pytest.raises(ValueError, match="num_proj: expected at least 1, found 0"):
        LSTMCell(3, 4, num_proj=0)
    with pytest.raises(ValueError, match=r"cell_clip: expected above 0, .* found -1"):
        LSTMCell(3, 4, cell_clip=-1)
    with pytest.raises(ValueError, match=r"LSTMCell: cell_clip: expected above 0, .* found 0"):
        LSTMCell(3, 4, cell_clip=0.0)
    with pytest.raises(TypeError, match="LSTMCell: cell_clip: expected a number, found '1'"):
        LSTMCell(3, 4, cell_clip="1")
    with pytest.raises(TypeError, match=r"initializer: expected a function .* found 'glorot'"):
        LSTMCell(3, 4, initializer="glorot")
    with pytest.raises(TypeError, match=r"dtype: expected a torch.dtype, found 'float32'"):
        LSTMCell(3, 4, dtype="float32")
    with pytest.raises(ValueError, match=r"proj_clip: expected above 0, .* found nan"):
        LSTMCell(3, 4, num_proj=2, proj_clip=float("nan"))


def test_clipping_has_no_gradient_outside():
    cell = LSTMCell(1, 1, cell_clip=0.5, dtype=float64)
    c = torch.tensor([[100.0], [0.1]], dtype=float64, requires_grad=True)
    zero = torch.zeros(2, 1, dtype=float64)
    _, state = cell(zero, (c, zero))
    state.c.sum().backward()
    assert state.c[0] == 0.5
    assert c.grad[0] == 0
    assert c.grad[1] != 0


class TestInitialState:
    def test_takes_batch_and_dtype_from_either_source(self):
        cell = LSTMCell(3, 4, num_proj=2, dtype=float64)
        for state in (
            cell.get_initial_state(torch.zeros(5, 3, dtype=float64)),
            cell.get_initial_state(batch_size=5, dtype=float64),
            cell.zero_state(5),
        ):
            assert state.c.shape == (5, 4)
            assert state.h.shape == (5, 2)
            assert state.h.dtype == float64
            assert not state.c.any()

    def test_refuses_contradictions_and_nothing_at_all(self):
        cell = GRUCell(3, 4)
        x = torch.zeros(5, 3)
        with pytest.raises(ValueError, match="batch_size: expected 5, as in inputs, found 4"):
            cell.get_initial_state(x, batch_size=4)
        with pytest.raises(ValueError, match=r"dtype: expected torch.float32, as in inputs"):
            cell.get_initial_state(x, dtype=float64)
        with pytest.raises(ValueError, match="either inputs or both batch_size and dtype"):
            cell.get_initial_state(batch_size=5)

    def test_knows_sizes_of_every_form(self):
        class Image(RNNCell):
            input_size = output_size = 1
            state_size = {"not": "used"}, 1

            def forward(self, inputs, state):
                return inputs, state

        cell = Image()
        cell.state_size = (torch.Size((2, 3)), LSTMStateTuple(4, 5))
        image, pair = cell.zero_state(7)
        assert image.shape == (7, 2, 3)
        assert pair.h.shape == (7, 5)


def test_a_cell_must_have_a_step():
    class NoStep(RNNCell):
        input_size = state_size = output_size = 1

    with pytest.raises(TypeError, match="abstract"):
        NoStep()
