"""Zoneout, recurrent dropout and weight dropping, against loops over time in NumPy."""

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrize
from torch.testing import assert_close

import varlen
from varlen import (
    CFNCell,
    CoupledInputForgetGateLSTMCell,
    CudnnCompatibleGRUCell,
    CudnnCompatibleLSTMCell,
    DropoutWrapper,
    GRUBlockCell,
    GRUBlockCellV2,
    GRUCell,
    IndyGRUCell,
    IndyLSTMCell,
    JANETCell,
    LayerNormGRUCell,
    LayerNormLSTMCell,
    LSTMBlockCell,
    LSTMCell,
    LSTMStateTuple,
    MinGRUCell,
    MinimalRNNCell,
    MultiplicativeLSTMCell,
    MultiRNNCell,
    NASCell,
    RecurrentDropoutWrapper,
    UGRNNCell,
    WeightDrop,
    WeightDropWrapper,
    WeightNormLSTMCell,
    ZoneoutWrapper,
    dynamic_rnn,
)
from varlen.rnn import explain

LENGTHS = [6, 0, 4]
float64 = torch.float64


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def x():
    return torch.randn(3, 6, 5, dtype=float64)


def lstm_step(w, x, c, h, *, keep=1.0):
    """The input of the memory is times `keep`."""
    i, j, f, o = np.split(np.concatenate([x, h]) @ w["kernel"] + w["bias"], 4)
    c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j) * keep
    return c, sigmoid(o) * np.tanh(c)


def gru_step(w, x, h, *, keep=1.0):
    r, z = np.split(sigmoid(np.concatenate([x, h]) @ w["gates.kernel"] + w["gates.bias"]), 2)
    candidate = np.concatenate([x, r * h]) @ w["candidate.kernel"] + w["candidate.bias"]
    return z * h + (1 - z) * np.tanh(candidate) * keep


def weights(cell):
    return {name: value.numpy().copy() for name, value in cell.state_dict().items()}


def assert_run(found, x, step, state):
    """`step(x, state, draw)` is that of one sequence; draw counts the real steps of the batch."""
    outputs, final = found
    draw = 0
    for row, length in enumerate(LENGTHS):
        leaves = state
        for t in range(length):
            output, leaves = step(x[row, t].numpy(), leaves, draw)
            draw += 1
            np.testing.assert_allclose(outputs[row, t].detach(), output, rtol=1e-11, atol=1e-13)
        its_final = final if isinstance(final, tuple) else (final,)
        for leaf, expected in zip(its_final, leaves, strict=True):
            np.testing.assert_allclose(leaf[row].detach(), expected, rtol=1e-11, atol=1e-13)


def test_zoneout_keeps_old_states(x):
    cell = ZoneoutWrapper(LSTMCell(5, 4, dtype=float64), LSTMStateTuple(0.5, 0.3))
    noise = cell.draw_noise(torch.tensor(LENGTHS))
    w, masks = weights(cell), (noise.state.c.numpy(), noise.state.h.numpy())

    def step(x, state, draw):
        new = lstm_step(w, x, *state)
        c, h = (
            np.where(mask[draw], was, now) for mask, was, now in zip(masks, state, new, strict=True)
        )
        return h, (c, h)

    found = dynamic_rnn(cell, x, LENGTHS, noise=noise)
    assert_run(found, x, step, (np.zeros(4), np.zeros(4)))


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_zoneout_takes_the_expectation_in_evaluation(x, engine):
    if engine == "native" and not varlen._native.NATIVE:
        pytest.skip("the native core is left out (VARLEN_NATIVE=0)")
    cell = ZoneoutWrapper(LSTMCell(5, 4, dtype=float64), LSTMStateTuple(0.5, 0.3)).eval()
    w = weights(cell)

    def step(x, state, draw):
        new = lstm_step(w, x, *state)
        c, h = (p * s + (1 - p) * n for p, s, n in zip((0.5, 0.3), state, new, strict=True))
        return h, (c, h)

    assert_run(dynamic_rnn(cell, x, LENGTHS, engine=engine), x, step, (np.zeros(4), np.zeros(4)))
    state = cell.zero_state(3)
    assert_close(cell(x[:, 0], state), cell.resolve(None)[0](x[:, 0], state))


def test_zoneout_draws_as_often_as_it_says():
    cell = ZoneoutWrapper(LSTMCell(3, 50), LSTMStateTuple(0.5, 0.0))
    noise = cell.draw_noise(torch.tensor([300, 700]))
    assert noise.state.c.shape == (1000, 50)
    assert abs(noise.state.c.double().mean() - 0.5) < 0.01
    assert noise.state.h is None
    assert ZoneoutWrapper(GRUCell(3, 4), 0.0).draw_noise(torch.tensor([3])) is None
    assert cell.eval().draw_noise(torch.tensor([3])) is None


def test_zoneout_in_stacks_and_around_them(x):
    def stack():
        torch.manual_seed(1)
        return [LSTMCell(5, 4, dtype=float64), GRUCell(4, 3, dtype=float64)]

    around = ZoneoutWrapper(MultiRNNCell(stack()), 0.4)
    within = MultiRNNCell([ZoneoutWrapper(cell, 0.4) for cell in stack()])
    for cell in (around, within):
        outputs, state = dynamic_rnn(cell, x, LENGTHS)
        assert_close(outputs[0, -1], state[1][0])
        cell.eval()
    # Around, the upper cell sees the lower one's output before zoneout.
    a, b = (dynamic_rnn(cell, x[:, :1])[1] for cell in (around, within))
    assert_close(a[0], b[0])
    assert not torch.equal(a[1], b[1])


def test_zoneout_of_zoneout_is_step_by_step(x):
    cell = ZoneoutWrapper(ZoneoutWrapper(GRUCell(5, 4, dtype=float64), 0.4), 0.3)
    assert cell.resolve(cell.draw_noise(torch.tensor([2])))[0] is cell
    outputs, state = dynamic_rnn(cell, x, LENGTHS)
    assert_close(outputs[0, 5], state[0])
    once = ZoneoutWrapper(cell.cell.cell, 1 - 0.6 * 0.7).eval()
    assert_close(dynamic_rnn(cell.eval(), x, LENGTHS), dynamic_rnn(once, x, LENGTHS))


@pytest.mark.wrong_types
def test_zoneout_refuses():
    with pytest.raises(TypeError, match="cell: expected an RNNCell, found a Linear"):
        ZoneoutWrapper(torch.nn.Linear(3, 4), 0.5)
    for value in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="ZoneoutWrapper: zoneout_prob: expected at least 0"):
            ZoneoutWrapper(GRUCell(3, 4), value)
    with pytest.raises(TypeError, match="zoneout_prob: expected 2 entries, found 3"):
        ZoneoutWrapper(LSTMCell(3, 4), (0.1, 0.2, 0.3))
    joined = DropoutWrapper(LSTMCell(3, 4, state_is_tuple=False))
    with pytest.raises(ValueError, match=r"ZoneoutWrapper: cell: expected .* state_is_tuple=True"):
        ZoneoutWrapper(joined, 0.5)


def test_recurrent_dropout_drops_the_candidate_alone(x):
    lstm = RecurrentDropoutWrapper(LSTMCell(5, 4, dtype=float64), 0.5)
    noise = lstm.draw_noise(torch.tensor(LENGTHS))
    keep, w = noise.numpy() / 0.5, weights(lstm)

    def lstm_dropped(x, state, draw):
        c, h = lstm_step(w, x, *state, keep=keep[draw])
        return h, (c, h)

    found = dynamic_rnn(lstm, x, LENGTHS, noise=noise)
    assert_run(found, x, lstm_dropped, (np.zeros(4), np.zeros(4)))

    gru = RecurrentDropoutWrapper(GRUCell(5, 4, dtype=float64), 0.5)
    its_weights = weights(gru)

    def gru_dropped(x, state, draw):
        h = gru_step(its_weights, x, *state, keep=keep[draw])
        return h, (h,)

    assert_run(dynamic_rnn(gru, x, LENGTHS, noise=noise), x, gru_dropped, (np.zeros(4),))


@pytest.mark.parametrize(
    "make",
    [
        CoupledInputForgetGateLSTMCell,
        GRUCell,
        JANETCell,
        LayerNormGRUCell,
        CFNCell,
        CudnnCompatibleGRUCell,
        CudnnCompatibleLSTMCell,
        GRUBlockCell,
        GRUBlockCellV2,
        IndyGRUCell,
        IndyLSTMCell,
        LSTMBlockCell,
        LayerNormLSTMCell,
        MinimalRNNCell,
        WeightNormLSTMCell,
        LSTMCell,
        MultiplicativeLSTMCell,
        UGRNNCell,
    ],
)
def test_nothing_is_written_where_everything_is_dropped(make):
    """What stays is what the gates keep: by the state alone, a scalar per unit."""
    cell = RecurrentDropoutWrapper(make(5, 4, dtype=float64), 0.5)
    x = torch.randn(2, 5, dtype=float64)
    zeros = cell.zero_state(2)
    none = torch.zeros(2, 4, dtype=torch.bool)
    _, state = cell(x, zeros, none)
    assert not any(leaf.any() for leaf in cell.cell.unpack_state(state))
    _, state = cell(x, zeros, ~none)
    assert any(leaf.any() for leaf in cell.cell.unpack_state(state))


def test_recurrent_dropout_does_nothing_in_evaluation(x):
    cell = RecurrentDropoutWrapper(GRUCell(5, 4, dtype=float64), 0.5).eval()
    assert_close(dynamic_rnn(cell, x), dynamic_rnn(cell.cell, x), rtol=0, atol=0)
    assert cell.draw_noise(torch.tensor([2])) is None
    noise = RecurrentDropoutWrapper(GRUCell(5, 50), 0.3).draw_noise(torch.tensor([400, 600]))
    assert noise.shape == (1000, 50)
    assert abs(noise.double().mean() - 0.3) < 0.01


def test_zoneout_of_a_projection_and_of_any_cell(x):
    """Masks of another width than the units, and a cell that is no products: step by step."""
    torch.manual_seed(0)
    lstm = LSTMCell(5, 4, num_proj=3, dtype=float64)
    for cell in (ZoneoutWrapper(lstm, 0.4), ZoneoutWrapper(DropoutWrapper(lstm, 0.9), 0.4)):
        noise = cell.draw_noise(torch.tensor([2]))
        assert noise.state.h.shape == (2, 3)
        outputs, state = dynamic_rnn(cell, x[:1, :2], noise=noise)
        kept = noise.state.h[1]
        assert_close(outputs[0, 1], state.h[0], rtol=0, atol=0)
        assert torch.equal(outputs[0, 1][kept], outputs[0, 0][kept])
        assert not (outputs[0, 1] == outputs[0, 0])[~kept].any()


@pytest.mark.wrong_types
def test_recurrent_dropout_refuses():
    with pytest.raises(TypeError, match=r"RecurrentDropoutWrapper: cell: .* found a NASCell"):
        RecurrentDropoutWrapper(NASCell(3, 4), 0.5)
    with pytest.raises(ValueError, match="keep_prob: expected above 0 and at most 1, found 0"):
        RecurrentDropoutWrapper(GRUCell(3, 4), 0.0)


def test_weight_dropping_drops_weights_of_the_state_alone(x):
    lstm = WeightDropWrapper(LSTMCell(5, 4, num_proj=4, dtype=float64), 0.5)
    noise = lstm.draw_noise(torch.tensor(LENGTHS))
    (mask,) = lstm.masks(int(noise.seed[0]))
    w = weights(lstm)
    w["kernel"][5:] *= mask.numpy() / 0.5

    def lstm_dropped(x, state, draw):
        c, h = lstm_step(w, x, *state)
        h = h @ w["projection.kernel"]
        return h, (c, h)

    gru = WeightDropWrapper(GRUCell(5, 4, dtype=float64), 0.5)
    mask, of_candidate = gru.masks(int(noise.seed[0]))
    its_weights = weights(gru)
    its_weights["gates.kernel"][5:] *= mask.numpy() / 0.5
    its_weights["candidate.kernel"][5:] *= of_candidate.numpy() / 0.5

    def gru_dropped(x, state, draw):
        h = gru_step(its_weights, x, *state)
        return h, (h,)

    for engine in ("eager", "auto"):
        found = dynamic_rnn(lstm, x, LENGTHS, noise=noise, engine=engine)
        assert_run(found, x, lstm_dropped, (np.zeros(4), np.zeros(4)))
        found = dynamic_rnn(gru, x, LENGTHS, noise=noise, engine=engine)
        assert_run(found, x, gru_dropped, (np.zeros(4),))


def test_weight_dropping_takes_one_mask_for_a_run(x):
    cell = WeightDropWrapper(LSTMCell(5, 4, dtype=float64), 0.5)
    first, second = (cell.draw_noise(torch.tensor(LENGTHS)) for _ in range(2))
    assert first.seed.shape == (10, 1)
    assert len(first.seed.unique()) == 1
    assert first.seed[0] != second.seed[0]
    (mask,) = cell.masks(int(first.seed[0]))
    assert mask.shape == (4, 16)
    (large,) = WeightDropWrapper(GRUCell(3, 200), 0.3).masks(1)[:1]
    assert abs(large.double().mean() - 0.3) < 0.01

    outputs, _ = dynamic_rnn(cell, x, LENGTHS, noise=first)
    assert_close(dynamic_rnn(cell, x, LENGTHS, noise=first)[0], outputs, rtol=0, atol=0)
    assert not torch.equal(dynamic_rnn(cell, x, LENGTHS, noise=second)[0], outputs)
    mixed = first._replace(seed=torch.arange(10)[:, None])
    with pytest.raises(ValueError, match="expected one seed in all steps of a run, found 10"):
        dynamic_rnn(cell, x, LENGTHS, noise=mixed)


def test_weight_dropping_runs_on_the_engine_of_the_cell(x):
    cell = WeightDropWrapper(LSTMCell(5, 4, dtype=float64), 0.5)
    assert explain(cell).engine == explain(cell.cell).engine
    outputs, _ = dynamic_rnn(cell, x, LENGTHS)
    outputs.sum().backward()
    # Weights of the first step's state, which is zero, and of what was dropped have no gradient.
    assert 0 < (cell.cell.kernel.grad[5:] == 0).sum() < 4 * 16
    cell.eval()
    assert_close(dynamic_rnn(cell, x), dynamic_rnn(cell.cell, x), rtol=0, atol=0)
    assert cell.draw_noise(torch.tensor([2])) is None


@pytest.mark.wrong_types
def test_weight_dropping_refuses():
    with pytest.raises(TypeError, match=r"WeightDropWrapper: cell: .* found a MultiRNNCell"):
        WeightDropWrapper(MultiRNNCell([GRUCell(3, 4)]), 0.5)
    with pytest.raises(ValueError, match="MinGRUCell has no product with its state"):
        WeightDropWrapper(MinGRUCell(3, 4), 0.5)
    with pytest.raises(ValueError, match=r"keep_prob: expected above 0 and at most 1, found 1.5"):
        WeightDropWrapper(GRUCell(3, 4), 1.5)
    with pytest.raises(ValueError, match="keep_prob: expected above 0 and at most 1, found 0"):
        WeightDrop(0.0)


@pytest.mark.parametrize("make", [varlen.LSTM, varlen.GRU])
def test_weight_dropping_as_a_parametrization(make):
    layer = make(3, 4, batch_first=True)
    whole = layer.weight_hh_l0.detach().clone()
    parametrize.register_parametrization(layer, "weight_hh_l0", WeightDrop(0.5))
    x = torch.randn(2, 5, 3)
    torch.manual_seed(1)
    outputs, _ = layer(x)
    torch.manual_seed(1)
    dropped = layer.weight_hh_l0.detach()
    assert ((dropped == 0) | torch.isclose(dropped, 2 * whole)).all()
    assert 0 < (dropped == 0).sum() < dropped.numel()
    plain = make(3, 4, batch_first=True)
    state = {name: getattr(layer, name).detach() for name in plain.state_dict()}
    plain.load_state_dict(state | {"weight_hh_l0": dropped})
    assert_close(outputs, plain(x)[0])
    layer.eval()
    assert_close(layer.weight_hh_l0, whole, rtol=0, atol=0)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda cell: ZoneoutWrapper(cell, 0.3),
        lambda cell: RecurrentDropoutWrapper(cell, 0.6),
        lambda cell: WeightDropWrapper(cell, 0.6),
    ],
)
def test_cells_with_parametrised_weights_can_be_wrapped(wrap, x):
    inner = LSTMCell(5, 4, dtype=float64)
    torch.nn.utils.parametrizations.weight_norm(inner, "kernel")
    cell = wrap(inner)
    outputs, _ = dynamic_rnn(cell, x, LENGTHS)
    outputs.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in inner.parameters())
    assert len(list(inner.parameters())) == 3


@pytest.mark.parametrize(
    "wrap",
    [
        lambda cell: ZoneoutWrapper(cell, 0.3),
        lambda cell: RecurrentDropoutWrapper(cell, 0.6),
        lambda cell: WeightDropWrapper(cell, 0.6),
    ],
)
def test_state_dict_is_that_of_the_cell_and_a_step_may_be_taken_alone(wrap, x):
    inner = LSTMCell(5, 4, dtype=float64)
    cell = wrap(inner)
    assert set(cell.state_dict()) == set(inner.state_dict())
    output, state = cell(x[:, 0], cell.zero_state(3))
    assert output.shape == (3, 4)
    assert isinstance(state, LSTMStateTuple)
    assert (cell.input_size, cell.output_size) == (5, 4)
    output.sum().backward()
    assert inner.kernel.grad.isfinite().all()


@pytest.mark.skipif(not varlen._native.NATIVE, reason="the native core is left out")
@pytest.mark.parametrize(
    "make",
    {
        "zoneout": lambda: ZoneoutWrapper(LSTMCell(3, 5), 0.4),
        "zoneout of the memory": lambda: ZoneoutWrapper(
            LSTMCell(3, 5, num_proj=2), LSTMStateTuple(c=0.5, h=0.0)
        ),
        "zoneout of a GRU": lambda: ZoneoutWrapper(GRUCell(3, 5), 0.3),
        "dropped candidate": lambda: RecurrentDropoutWrapper(LSTMCell(3, 5), 0.6),
        "zoneout of a dropped candidate": lambda: ZoneoutWrapper(
            RecurrentDropoutWrapper(GRUCell(3, 5), 0.6), 0.3
        ),
        "dropped weights": lambda: WeightDropWrapper(GRUCell(3, 5), 0.5),
        "expectation of a projection": lambda: ZoneoutWrapper(
            LSTMCell(3, 5, num_proj=2), 0.4
        ).eval(),
        "a stack of all": lambda: MultiRNNCell(
            [
                ZoneoutWrapper(LSTMCell(3, 4), 0.3),
                RecurrentDropoutWrapper(LayerNormGRUCell(4, 3), 0.5),
                WeightDropWrapper(GRUCell(3, 3), 0.5),
            ]
        ),
    }.items(),
    ids=lambda item: item[0],
)
def test_training_runs_natively_with_the_same_draws(make):
    cell = make[1]()
    assert explain(cell).engine == "native", explain(cell).reason
    inputs = torch.randn(4, 6, 3)
    noise = cell.draw_noise(torch.tensor([6, 0, 3, 1]))
    found = []
    for engine in ("native", "eager"):
        outputs, final = dynamic_rnn(cell, inputs, [6, 0, 3, 1], noise=noise, engine=engine)
        gradients = torch.autograd.grad(outputs.sin().sum(), list(cell.parameters()))
        found.append((outputs, final, gradients))
    assert_close(*found)
