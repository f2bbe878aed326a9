"""Cells that draw noise for each step, on the native engine against the eager one."""

import pytest
import torch
from torch.testing import assert_close

from native_cells import NoisyCell, assert_near
from varlen import _native, bidirectional_dynamic_rnn, dynamic_rnn, testing
from varlen.rnn import explain

pytestmark = pytest.mark.skipif(
    not _native.NATIVE, reason="the native core is left out (VARLEN_NATIVE=0)"
)


def results(cell, inputs, lengths, engine, *, reverse, recompute=False):
    torch.manual_seed(7)  # of the draws, which are the same for every dtype
    inputs = inputs.to(cell.dtype).clone().requires_grad_()
    if reverse:
        other = NoisyCell(3, 1).to(cell.dtype).eval()
        (_, outputs), (_, final) = bidirectional_dynamic_rnn(
            other, cell, inputs, lengths, engine=engine, recompute=recompute
        )
    else:
        outputs, final = dynamic_rnn(cell, inputs, lengths, engine=engine, recompute=recompute)
    cell.zero_grad()
    (outputs.sin().sum() + final.c.sin().sum() + final.h.sin().sum()).backward()
    return [outputs, *final, inputs.grad, *(p.grad for p in cell.parameters())]


@pytest.mark.parametrize("units", [1, 5, 16, 70])
@pytest.mark.parametrize("num_proj", [None, 3])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_equals_eager(units, num_proj, reverse, training):
    torch.manual_seed(units)
    cell = NoisyCell(3, units, num_proj=num_proj).train(training)
    assert explain(cell).engine == "native", explain(cell).reason
    lengths = [4, 0, 7, 1, 2]
    inputs = torch.randn(5, 9, 3)
    single = results(cell, inputs, lengths, "native", reverse=reverse)
    again = results(cell, inputs, lengths, "native", reverse=reverse, recompute=True)
    double = results(cell.double(), inputs, lengths, "eager", reverse=reverse)
    assert_near(single, double)
    for found, expected in zip(again, single, strict=True):
        assert torch.equal(found, expected)


def test_holds_to_the_laws():
    testing.check_cell(lambda: NoisyCell(3, 4).double())


def test_draws_are_made_where_none_are_given_and_differ():
    cell, inputs = NoisyCell(3, 20), torch.randn(2, 6, 3)
    torch.manual_seed(0)
    first, _ = dynamic_rnn(cell, inputs, engine="native")
    second, _ = dynamic_rnn(cell, inputs, engine="native")
    torch.manual_seed(0)
    eager, _ = dynamic_rnn(cell, inputs, engine="eager")
    assert not torch.equal(first, second)
    assert_close(first, eager)


def test_noise_that_is_learnt_gets_its_gradient():
    cell, inputs = NoisyCell(3, 4), torch.randn(2, 3, 3)
    kept, shift = cell.draw_noise(torch.tensor([3, 2]))
    shift.requires_grad_()

    def gradient(**engine):
        outputs, _ = dynamic_rnn(cell, inputs, [3, 2], noise=(kept, shift), **engine)
        return torch.autograd.grad(outputs.sum(), shift)

    assert_close(gradient(), gradient(engine="eager"))
    with pytest.raises(ValueError, match="engine='native': its noise has a gradient"):
        gradient(engine="native")


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("shapes", [[(5, 4)], [(5, 4)] * 3, [(5, 4), (4, 4)]])
def test_noise_that_does_not_fit_is_refused(engine, shapes):
    noise = tuple(torch.ones(shape) for shape in shapes)
    message = r"NoisyCell: noise: expected 2 of 5 rows, .* \(kept, shift\), found shapes"
    with pytest.raises(ValueError, match=message):
        dynamic_rnn(NoisyCell(3, 4), torch.ones(2, 3, 3), [3, 2], noise=noise, engine=engine)


def test_to_ask_for_the_engine_draws_nothing():
    cell = NoisyCell(3, 4)
    torch.manual_seed(0)
    assert explain(cell).engine == "native"
    found = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(found, torch.rand(3))


def test_a_second_gradient_goes_through_the_noise():
    cell, inputs = NoisyCell(3, 4).double(), torch.randn(2, 3, 3, dtype=torch.float64)
    noise = cell.draw_noise(torch.tensor([3, 2]))

    def outputs(inputs):
        return dynamic_rnn(cell, inputs, [3, 2], noise=noise)[0]

    inputs.requires_grad_()
    torch.autograd.gradgradcheck(outputs, inputs)
