"""Cells that TensorFlow 1 never had, against loops over time in NumPy."""

import numpy as np
import pytest
import torch

from varlen import (
    JANETCell,
    LayerNormGRUCell,
    LayerNormRNNCell,
    MinGRUCell,
    MinLSTMCell,
    MultiplicativeLSTMCell,
    SLSTMCell,
    SLSTMStateTuple,
    _native,
    dynamic_rnn,
)
from varlen.rnn import explain

UNITS, STEPS = 4, 7


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def norm(a, gamma, beta):
    return gamma * (a - a.mean()) / np.sqrt(a.var() + 1e-12) + beta


def run(cell, loop):
    """Outputs and final state of the cell, after they were found to be those of `loop`.

    `loop(w, x, state)` makes a step of one sequence and returns `(output, state)`.
    """
    torch.manual_seed(0)
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    lengths = [STEPS, 0, 3]
    x = torch.randn(3, STEPS, 5, dtype=torch.float64)
    leaves = [
        torch.rand(3, UNITS, dtype=torch.float64) for _ in cell.unpack_state(cell.zero_state(0))
    ]
    outputs, final = dynamic_rnn(cell, x, lengths, cell.pack_state(leaves))

    w = {name: parameter.detach().numpy() for name, parameter in cell.named_parameters()}
    for row, length in enumerate(lengths):
        state = [leaf[row].numpy() for leaf in leaves]
        for t in range(length):
            output, state = loop(w, x[row, t].numpy(), state)
            np.testing.assert_allclose(outputs[row, t].detach(), output, rtol=1e-11, atol=1e-13)
        for leaf, expected in zip(cell.unpack_state(final), state, strict=True):
            np.testing.assert_allclose(leaf[row].detach(), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("beta", [1.0, 0.0])
def test_janet(beta):
    def step(w, x, state):
        (h,) = state
        s, c = np.split(np.concatenate([x, h]) @ w["kernel"] + w["bias"], 2)
        h = sigmoid(s) * h + (1 - sigmoid(s - beta)) * np.tanh(c)
        return h, [h]

    run(JANETCell(5, UNITS, beta=beta, dtype=torch.float64), step)


def test_janet_begins_with_the_memory_that_is_asked_for():
    torch.manual_seed(0)
    cell = JANETCell(3, 500, chrono_steps=101)
    forget, candidate = cell.bias.detach().split(500)
    assert ((forget.exp() >= 1 - 1e-5) & (forget.exp() <= 100 + 1e-3)).all()
    assert abs(forget.exp().mean() - 50.5) < 5
    assert not candidate.any()
    assert (JANETCell(3, 4).bias[:4] == 1).all()
    with pytest.raises(ValueError, match="JANETCell: chrono_steps: expected at least 3, found 2"):
        JANETCell(3, 4, chrono_steps=2)
    with pytest.raises(ValueError, match="JANETCell: chrono_steps: expected at least 1, found -1"):
        JANETCell(3, 4, chrono_steps=-1)


def test_layer_norm_rnn():
    def step(w, x, state):
        (h,) = state
        a = np.concatenate([x, h]) @ w["kernel"]
        h = np.maximum(norm(a, w["norm.gamma"], w["norm.beta"]), 0)
        return h, [h]

    run(LayerNormRNNCell(5, UNITS, activation="relu", dtype=torch.float64), step)


def test_layer_norm_gru_normalises_both_gates_together():
    def step(w, x, state):
        (h,) = state
        n = UNITS

        def scopes(name, source):
            names = ("reset", "update") if name == "gates" else (name,)
            return [
                np.concatenate([w[f"{gate}_{source}.{vector}"] for gate in names])
                for vector in ("gamma", "beta")
            ]

        gates = norm(x @ w["kernel"][:, : 2 * n], *scopes("gates", "x"))
        gates = gates + norm(h @ w["recurrent_kernel"][:, : 2 * n], *scopes("gates", "h"))
        r, z = sigmoid(gates[:n]), sigmoid(gates[n:])
        of_x = norm(x @ w["kernel"][:, 2 * n :], *scopes("candidate", "x"))
        of_h = norm(h @ w["recurrent_kernel"][:, 2 * n :], *scopes("candidate", "h"))
        h = (1 - z) * h + z * np.tanh(of_x + r * of_h)
        return h, [h]

    run(LayerNormGRUCell(5, UNITS, dtype=torch.float64), step)


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_min_gru(activation):
    act = {"identity": lambda x: x, "tanh": np.tanh}[activation]

    def step(w, x, state):
        (h,) = state
        z, candidate = np.split(x @ w["kernel"] + w["bias"], 2)
        h = (1 - sigmoid(z)) * h + sigmoid(z) * act(candidate)
        return h, [h]

    run(MinGRUCell(5, UNITS, activation=activation, dtype=torch.float64), step)


def test_min_lstm():
    def step(w, x, state):
        (h,) = state
        f, i, candidate = np.split(x @ w["kernel"] + w["bias"], 3)
        f, i = sigmoid(f), sigmoid(i)
        h = f / (f + i) * h + i / (f + i) * candidate
        return h, [h]

    run(MinLSTMCell(5, UNITS, dtype=torch.float64), step)


def test_min_lstm_is_right_where_both_gates_vanish():
    cell = MinLSTMCell(1, 1)
    with torch.no_grad():
        cell.kernel.zero_()
        cell.bias.copy_(torch.tensor([-200.0, -201.0, 0.0]))
    _, state = cell(torch.zeros(1, 1), torch.ones(1, 1))
    assert state.item() == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-5)


def test_multiplicative_lstm():
    def step(w, x, state):
        c, h = state
        m = (x @ w["input_kernel"]) * (h @ w["recurrent_kernel"])
        i, g, f, o = np.split(np.concatenate([x, m]) @ w["kernel"] + w["bias"], 4)
        c = sigmoid(f + 0.5) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return h, [c, h]

    cell = MultiplicativeLSTMCell(5, UNITS, forget_bias=0.5, dtype=torch.float64)
    run(cell, step)
    if _native.NATIVE:
        assert "it uses split, for which programs have no operation" in explain(cell).reason


@pytest.mark.parametrize("exponential_forget", [False, True])
def test_slstm(exponential_forget):
    """Without a stabiliser: gates as they are, c and n not scaled by exp(-m)."""
    forget_gate = np.exp if exponential_forget else sigmoid

    def step(w, x, state):
        c, n, m, h = state
        c, n = c * np.exp(m), n * np.exp(m)
        z, i, f, o = np.split(np.concatenate([x, h]) @ w["kernel"] + w["bias"], 4)
        m = np.maximum(np.log(forget_gate(f)) + m, i)
        c = forget_gate(f) * c + np.exp(i) * np.tanh(z)
        n = forget_gate(f) * n + np.exp(i)
        h = sigmoid(o) * c / n
        return h, [c * np.exp(-m), n * np.exp(-m), m, h]

    run(SLSTMCell(5, UNITS, exponential_forget=exponential_forget, dtype=torch.float64), step)


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_slstm_is_finite_for_gates_of_any_size(scale):
    torch.manual_seed(0)
    cell = SLSTMCell(5, UNITS)
    x = (scale * torch.randn(6, 50, 5)).requires_grad_()
    outputs, state = dynamic_rnn(cell, x)
    outputs.sum().backward()
    assert isinstance(state, SLSTMStateTuple)
    assert (state.n >= 1).all()
    assert (outputs.abs() <= 1).all()
    assert all(p.grad.isfinite().all() for p in [x, *cell.parameters()])


def test_first_step_of_slstm_writes_its_candidate():
    cell = SLSTMCell(1, 1, dtype=torch.float64)
    with torch.no_grad():
        cell.kernel.zero_()
        cell.bias.copy_(torch.tensor([0.3, -500, 2, 0], dtype=torch.float64))  # all but shut
    _, state = cell(torch.zeros(1, 1, dtype=torch.float64), cell.zero_state(1))
    assert state.n.item() == 1
    assert state.h.item() == pytest.approx(0.5 * np.tanh(0.3), rel=1e-12)
