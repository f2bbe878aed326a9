"""Layer normalisation where all units are equal: sequences that begin with steps of zeros."""

import pytest
import torch

from varlen import (
    LayerNormBasicLSTMCell,
    LayerNormGRUCell,
    LayerNormLSTMCell,
    LayerNormRNNCell,
    _native,
    dynamic_rnn,
)

float64 = torch.float64
UNITS, STEPS = 5, 63
# Rows of silence at the beginning, in the middle, all the time; without any; without any step.
LENGTHS = [STEPS, STEPS, 40, 7, 0]
ENGINES = ("eager", "native") if _native.NATIVE else ("eager",)


def silent_inputs(dtype):
    inputs = torch.randn(len(LENGTHS), STEPS, 3, dtype=dtype)
    inputs[0, :60] = 0
    inputs[1, 20:30] = 0
    inputs[2] = 0
    return inputs


def plain_norm(a, gamma, beta):
    """Of one row: a constant where all units are equal."""
    if a.var(correction=0) == 0:
        return beta
    return gamma * (a - a.mean()) / (a.var(correction=0) + 1e-12).sqrt() + beta


def plain_rnn(w, x, h):
    a = torch.cat([x, h]) @ w["kernel"]
    return plain_norm(a, w["norm.gamma"], w["norm.beta"]).tanh()


def plain_gru(w, x, h):
    def normed(product, source, *gates):
        vectors = [
            torch.cat([w[f"{gate}_{source}.{vector}"] for gate in gates])
            for vector in ("gamma", "beta")
        ]
        return plain_norm(product, *vectors)

    of_x, of_h = x @ w["kernel"], h @ w["recurrent_kernel"]
    both = 2 * UNITS
    gates = normed(of_x[:both], "x", "reset", "update") + normed(
        of_h[:both], "h", "reset", "update"
    )
    r, z = gates.sigmoid().split(UNITS)
    candidate = normed(of_x[both:], "x", "candidate") + r * normed(of_h[both:], "h", "candidate")
    return (1 - z) * h + z * candidate.tanh()


def gradients(cell, inputs, begin, outputs, weighting):
    leaves = [*cell.parameters(), inputs, begin]
    return torch.autograd.grad((outputs * weighting).sum(), leaves)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("make", "step"), [(LayerNormRNNCell, plain_rnn), (LayerNormGRUCell, plain_gru)]
)
def test_no_gradient_goes_through_the_norm_of_equal_units(make, step, engine):
    torch.manual_seed(0)
    cell = make(3, UNITS, dtype=float64)
    inputs = silent_inputs(float64).requires_grad_()
    begin = torch.zeros(len(LENGTHS), UNITS, dtype=float64, requires_grad=True)
    weighting = torch.randn(len(LENGTHS), STEPS, UNITS, dtype=float64)

    outputs, _ = dynamic_rnn(cell, inputs, LENGTHS, begin, engine=engine)

    w = dict(cell.named_parameters())
    rows = []
    for row, length in enumerate(LENGTHS):
        h, steps = begin[row], []
        for t in range(length):
            h = step(w, inputs[row, t], h)
            steps.append(h)
        steps += [torch.zeros(UNITS, dtype=float64)] * (STEPS - length)
        rows.append(torch.stack(steps))
    expected = torch.stack(rows)
    torch.testing.assert_close(outputs, expected, rtol=1e-9, atol=1e-11)
    found = gradients(cell, inputs, begin, outputs, weighting)
    plain = gradients(cell, inputs, begin, expected, weighting)
    for gradient, of_plain in zip(found, plain, strict=True):
        torch.testing.assert_close(gradient, of_plain, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("make", [LayerNormRNNCell, LayerNormGRUCell])
def test_a_silent_beginning_is_learned_from_in_single_precision(make, engine):
    torch.manual_seed(0)
    cell = make(3, UNITS)
    outputs, _ = dynamic_rnn(cell, silent_inputs(torch.float32), LENGTHS, engine=engine)
    outputs.square().sum().backward()
    for name, parameter in cell.named_parameters():
        assert parameter.grad.abs().max() < 1e4, name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "make",
    [
        LayerNormBasicLSTMCell,
        lambda size, units, **kwargs: LayerNormLSTMCell(size, units, layer_norm=True, **kwargs),
    ],
)
def test_the_cells_of_tensorflow_have_its_gradient(make, engine):
    # One zero step: the gradient of the candidate, the gates being one half, is multiplied by a
    # million twice, by the norm of the gate and by that of the memory.
    torch.manual_seed(0)
    cell = make(3, UNITS, dtype=float64)
    inputs = torch.zeros(1, 1, 3, dtype=float64, requires_grad=True)
    weighting = torch.randn(UNITS, dtype=float64)

    outputs, _ = dynamic_rnn(cell, inputs, engine=engine)
    (gradient,) = torch.autograd.grad((outputs * weighting).sum(), inputs)

    def through_norm(of_result):
        return 1e6 * (of_result - of_result.mean())

    of_candidate = through_norm(through_norm(weighting / 2) / 2)
    columns = cell.kernel[:3, UNITS : 2 * UNITS]
    torch.testing.assert_close(gradient[0, 0], columns @ of_candidate, rtol=1e-9, atol=0)
