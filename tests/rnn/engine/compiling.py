"""Cells under torch.compile and torch.export, equal to themselves without; run as a script.

The compiler comes first each time, when nothing has made a cell's program yet.
"""

import torch
from torch.testing import assert_close

from varlen import (
    GRUCell,
    LSTMCell,
    MultiRNNCell,
    NASCell,
    dynamic_rnn,
    stack_bidirectional_dynamic_rnn,
)

CELLS = [
    lambda: GRUCell(3, 5),
    lambda: MultiRNNCell([LSTMCell(3, 5, use_peepholes=True, num_proj=4), GRUCell(4, 6)]),
    lambda: NASCell(3, 4),
]
LENGTHS = torch.tensor([6, 0, 2])


class Unrolled(torch.nn.Module):
    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, inputs, lengths):
        return dynamic_rnn(self.cell, inputs, lengths)[0]


class Stacked(torch.nn.Module):
    """Four unlike cells in one graph."""

    def __init__(self):
        super().__init__()
        self.fw = torch.nn.ModuleList([GRUCell(3, 4), LSTMCell(8, 5)])
        self.bw = torch.nn.ModuleList([LSTMCell(3, 4), NASCell(8, 2)])

    def forward(self, inputs, lengths):
        return stack_bidirectional_dynamic_rnn(
            list(self.fw), list(self.bw), inputs, sequence_length=lengths
        )[0]


def results(run, module, inputs):
    inputs = inputs.clone().requires_grad_()
    outputs = run(inputs, LENGTHS)
    module.zero_grad()
    outputs.sin().sum().backward()
    return [outputs, inputs.grad, *(p.grad.clone() for p in module.parameters())]


def check_compile(module):
    torch.compiler.reset()
    inputs = torch.randn(3, 6, 3)
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    assert_close(results(compiled, module, inputs), results(module, module, inputs))


def check_export(make):
    module, dynamic = Unrolled(make()).eval(), torch.export.Dim.DYNAMIC
    exported = torch.export.export(
        module,
        (torch.randn(3, 6, 3), LENGTHS),
        dynamic_shapes=({0: dynamic, 1: dynamic}, {0: dynamic}),
    )
    assert not exported.constants, "the making of a program is no part of the graph"
    inputs, lengths = torch.randn(5, 9, 3), torch.tensor([1, 0, 9, 4, 4])
    assert_close(exported.module()(inputs, lengths), module(inputs, lengths))


if __name__ == "__main__":
    check_compile(Stacked())
    for make in CELLS:
        check_export(make)
        check_compile(Unrolled(make()))
