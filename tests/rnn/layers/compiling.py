"""The layers under torch.compile and torch.export, equal to themselves without; run as a script."""

import torch
from torch.testing import assert_close
from torch.utils._pytree import tree_leaves

import varlen

MODULES = {
    "LSTM": lambda **kwargs: varlen.LSTM(3, 5, 2, bidirectional=True, proj_size=2, **kwargs),
    "GRU": lambda **kwargs: varlen.GRU(3, 5, 2, bidirectional=True, **kwargs),
    "RNN": lambda **kwargs: varlen.RNN(3, 5, 2, "relu", bidirectional=True, **kwargs),
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
        module = make(**kwargs)
        inputs = torch.randn(3, 6, 3) if module.batch_first else torch.randn(6, 3, 3)
        expected = [results(module, module, inputs, given) for given in (None, LENGTHS)]
        compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
        found = [results(compiled, module, inputs, given) for given in (None, LENGTHS)]
        assert_close(found, expected)


def check_export(make):
    module = make(batch_first=True).eval()
    inputs = torch.randn(3, 6, 3)
    expected = module(inputs, None, LENGTHS)
    dynamic = torch.export.Dim.DYNAMIC
    program = torch.export.export(
        module,
        (inputs, None, LENGTHS),
        dynamic_shapes=({0: dynamic, 1: dynamic}, None, {0: dynamic}),
    ).module()
    assert_close(program(inputs, None, LENGTHS), expected)
    others, lengths = torch.randn(5, 9, 3), torch.tensor([1, 0, 9, 4, 4])
    assert_close(program(others, None, lengths), module(others, None, lengths))


if __name__ == "__main__":
    for make in MODULES.values():
        check_compile(make)
        check_export(make)
