"""The layers under torch.compile and torch.export, equal to themselves without; run as a script.

The compiler comes first each time, when nothing has made a cell's program yet.
"""

import pytest
import torch
from torch.testing import assert_close
from torch.utils._pytree import tree_leaves

import varlen

MODULES = {
    "LSTM": lambda n, **kwargs: varlen.LSTM(3, n, 2, bidirectional=True, proj_size=2, **kwargs),
    "GRU": lambda n, **kwargs: varlen.GRU(3, n, 2, bidirectional=True, **kwargs),
    "RNN": lambda n, **kwargs: varlen.RNN(3, n, 2, "relu", bidirectional=True, **kwargs),
}
LENGTHS = torch.tensor([6, 0, 2])


def results(run, module, inputs, lengths):
    torch.manual_seed(0)
    inputs = inputs.clone().requires_grad_()
    output, final = run(inputs, None, lengths)
    module.zero_grad()
    (output.sin().sum() + sum(leaf.cos().sum() for leaf in tree_leaves(final))).backward()
    return [output, final, inputs.grad, *(p.grad for p in module.parameters())]


def check_compile(make):
    for kwargs in ({"batch_first": True}, {"dropout": 0.5}):
        torch.compiler.reset()
        module = make(6, **kwargs)
        inputs = torch.randn(3, 6, 3) if module.batch_first else torch.randn(6, 3, 3)
        compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
        found = [results(compiled, module, inputs, given) for given in (None, LENGTHS)]
        expected = [results(module, module, inputs, given) for given in (None, LENGTHS)]
        assert_close(found, expected)


def check_export(make):
    module = make(5, batch_first=True).eval()
    inputs = torch.randn(3, 6, 3)
    dynamic = torch.export.Dim.DYNAMIC
    exported = torch.export.export(
        module,
        (inputs, None, LENGTHS),
        dynamic_shapes=({0: dynamic, 1: dynamic}, None, {0: dynamic}),
    )
    assert not exported.constants, "the making of a program is no part of the graph"
    program = exported.module()
    assert_close(program(inputs, None, LENGTHS), module(inputs, None, LENGTHS))
    others, lengths = torch.randn(5, 9, 3), torch.tensor([1, 0, 9, 4, 4])
    assert_close(program(others, None, lengths), module(others, None, lengths))


def check_lengths_that_are_no_integers():
    torch.compiler.reset()
    module = varlen.GRU(3, 4, batch_first=True)
    compiled = torch.compile(module, backend="aot_eager")
    for lengths in (torch.tensor([1.5, 2.0]), torch.tensor([True, False])):
        with pytest.raises(TypeError, match="lengths: expected integers, found "):
            compiled(torch.randn(2, 6, 3), None, lengths)


if __name__ == "__main__":
    check_lengths_that_are_no_integers()
    for make in MODULES.values():
        check_export(make)
        check_compile(make)
