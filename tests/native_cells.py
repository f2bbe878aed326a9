"""Cells for tests of the native engine, and what is compared of a run of them."""

import pytest
import torch
from torch.testing import assert_close

from varlen import (
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
    IntersectionRNNCell,
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
    NASCell,
    SLSTMCell,
    SRUCell,
    UGRNNCell,
    WeightNormLSTMCell,
    bidirectional_dynamic_rnn,
    dynamic_rnn,
)
from varlen.rnn import Products, RecurrentCell


class PlainCell(RecurrentCell):
    """A cell with every kind of gate, and one state that is not the output."""

    gate_names = ("both",)
    recurrent_gate_names = ("memory",)
    input_gate_names = ("fresh",)
    vector_names = ("decay",)

    def __init__(self, input_size, num_units):
        super().__init__()
        self.input_size, self.num_units, self.output_size = input_size, num_units, num_units
        self.state_size = LSTMStateTuple(num_units, num_units)
        self.w = torch.nn.Parameter(0.3 * torch.randn(input_size, 2 * num_units))
        self.r = torch.nn.Parameter(torch.randn(num_units, 2 * num_units) / num_units**0.5)
        self.b = torch.nn.Parameter(torch.randn(3 * num_units))
        self.decay = torch.nn.Parameter(torch.rand(num_units))

    def products(self):
        return Products(self.w, self.r, self.b)

    def update(self, gates, state, weights):
        c = weights.decay * state.c + torch.relu(gates.both) - 0.1 * gates.fresh.abs()
        c = c.clamp(-1.5, 1.5)
        leaky = torch.where(c > 0.5, c, 0.4 + 0.2 * c)
        h = torch.tanh(gates.memory) * leaky * torch.exp(-c.square()) / (2 + c.abs())
        return c * h, LSTMStateTuple(c, h)


class NoisyCell(RecurrentCell):
    """A gated cell whose candidate is dropped and whose gate is shifted, by draws."""

    gate_names = ("forget", "candidate")
    vector_names = ("decay",)
    noise_names = ("kept", "shift")
    product_state = 1

    def __init__(self, input_size, num_units, *, num_proj=None):
        super().__init__()
        self.input_size, self.num_units = input_size, num_units
        self.output_size = num_proj or num_units
        self.state_size = LSTMStateTuple(num_units, self.output_size)
        self.w = torch.nn.Parameter(torch.randn(input_size, 2 * num_units))
        self.r = torch.nn.Parameter(0.3 * torch.randn(self.output_size, 2 * num_units))
        self.decay = torch.nn.Parameter(torch.rand(num_units))
        self.second_name = num_proj and "projection"
        self.projection = num_proj and torch.nn.Parameter(
            torch.randn(num_units, num_proj) / num_units
        )

    def products(self):
        return Products(self.w, self.r, None, self.projection)

    def draw_noise(self, lengths):
        if not self.training:
            return None
        shape = int(lengths.sum()), self.num_units
        return torch.rand(shape) < 0.7, 0.1 * torch.randn(shape)

    def update(self, gates, state, weights):
        candidate = torch.tanh(gates.candidate)
        forget = gates.forget
        if weights.noise is not None:
            candidate = candidate * weights.noise.kept / 0.7
            forget = forget + weights.noise.shift
        forget = torch.sigmoid(forget)
        c = weights.decay * forget * state.c + (1 - forget) * candidate
        h = torch.tanh(c)
        if self.second_name:
            h = weights.projection(h)
        return h, LSTMStateTuple(c, h)


CELLS = {
    "BasicRNNCell": lambda d, n: BasicRNNCell(d, n),
    "GRUCell": lambda d, n: GRUCell(d, n),
    "LSTMCell": lambda d, n: LSTMCell(d, n),
    "LSTMCell, everything": lambda d, n: LSTMCell(
        d, n, use_peepholes=True, cell_clip=0.7, num_proj=n // 2 + 1, proj_clip=0.4
    ),
    "LSTMCell, wide projection": lambda d, n: LSTMCell(d, n, num_proj=n + 17),
    "LSTMCell, joined state": lambda d, n: LSTMCell(d, n, state_is_tuple=False),
    "CoupledInputForgetGateLSTMCell": lambda d, n: CoupledInputForgetGateLSTMCell(
        d, n, use_peepholes=True, num_proj=n // 2 + 1, proj_clip=0.4, num_unit_shards=2
    ),
    "CoupledInputForgetGateLSTMCell, layer norm": lambda d, n: CoupledInputForgetGateLSTMCell(
        d, n, num_proj=n // 2 + 1, layer_norm=True
    ),
    "NASCell": lambda d, n: NASCell(d, n, use_bias=True),
    "NASCell, projection": lambda d, n: NASCell(d, n, num_proj=n + 3),
    "UGRNNCell": lambda d, n: UGRNNCell(d, n),
    "JANETCell": lambda d, n: JANETCell(d, n, chrono_steps=20),
    "LayerNormGRUCell": lambda d, n: LayerNormGRUCell(
        d, n + 7
    ),  # of few, the difference is all rounding
    "LayerNormRNNCell": lambda d, n: LayerNormRNNCell(d, n),
    "MinGRUCell": lambda d, n: MinGRUCell(d, n),
    "MinLSTMCell": lambda d, n: MinLSTMCell(d, n),
    "SLSTMCell": lambda d, n: SLSTMCell(d, n),
    "SLSTMCell, exponential": lambda d, n: SLSTMCell(d, n, exponential_forget=True),
    "LSTMBlockCell": lambda d, n: LSTMBlockCell(d, n, use_peephole=True, cell_clip=0.3),
    "GRUBlockCell": lambda d, n: GRUBlockCell(d, n),
    "GRUBlockCellV2": lambda d, n: GRUBlockCellV2(d, n),
    "CudnnCompatibleLSTMCell": lambda d, n: CudnnCompatibleLSTMCell(d, n),
    "CudnnCompatibleGRUCell": lambda d, n: CudnnCompatibleGRUCell(d, n),
    "LayerNormBasicLSTMCell": lambda d, n: LayerNormBasicLSTMCell(d, n + 7),
    "LayerNormLSTMCell": lambda d, n: LayerNormLSTMCell(
        d, n + 7, layer_norm=True, use_peepholes=True, cell_clip=1.5, num_proj=n // 2 + 1
    ),
    "WeightNormLSTMCell": lambda d, n: WeightNormLSTMCell(
        d, n + 7, use_peepholes=True, cell_clip=0.7, num_proj=n // 2 + 1, proj_clip=0.4
    ),
    "IntersectionRNNCell": lambda d, n: IntersectionRNNCell(d, d),
    "SRUCell": lambda d, n: SRUCell(d, n),
    "IndRNNCell": lambda d, n: IndRNNCell(d, n),
    "IndyGRUCell": lambda d, n: IndyGRUCell(d, n),
    "IndyLSTMCell": lambda d, n: IndyLSTMCell(d, n),
    "MinimalRNNCell": lambda d, n: MinimalRNNCell(d, n),
    "CFNCell": lambda d, n: CFNCell(d, n),
    "PlainCell": PlainCell,
}
every_cell = pytest.mark.parametrize("make", CELLS.values(), ids=CELLS)

# One of each kind of program: gates of all kinds, vectors, second products that narrow, widen or
# meet the gates, sums along the units, states of their own, no product with the state.
SOME = (
    "BasicRNNCell",
    "GRUCell",
    "LSTMCell, everything",
    "LSTMCell, wide projection",
    "CoupledInputForgetGateLSTMCell, layer norm",
    "NASCell",
    "SLSTMCell",
    "SRUCell",
    "PlainCell",
)
some_cells = pytest.mark.parametrize("make", [CELLS[name] for name in SOME], ids=SOME)


def leaves_of_a_state(cell, batch_size, draw):
    """Drawn where the first state is zero; what begins elsewhere has a reason for it (sLSTM)."""
    zeros = cell.unpack_state(cell.zero_state(batch_size))
    return [torch.where(leaf == 0, draw(leaf), leaf) for leaf in zeros]


def results(cell, inputs, lengths, *, engine, reverse=False, recompute=False):
    """Outputs, final states and all gradients of a sum of sines, as a flat list."""
    generator = torch.Generator().manual_seed(3)

    def weights(tensor):
        return torch.randn(tensor.shape, generator=generator).to(tensor)

    inputs = inputs.to(cell.dtype).clone().requires_grad_()
    leaves = [leaf.requires_grad_() for leaf in leaves_of_a_state(cell, len(lengths), weights)]
    state = cell.pack_state(leaves)
    if reverse:
        other = BasicRNNCell(cell.input_size, 1, dtype=cell.dtype)
        (_, outputs), (_, final) = bidirectional_dynamic_rnn(
            other,
            cell,
            inputs,
            lengths,
            initial_state_bw=state,
            engine=engine,
            recompute=recompute,
        )
    else:
        outputs, final = dynamic_rnn(
            cell, inputs, lengths, state, engine=engine, recompute=recompute
        )
    found = [outputs, *cell.unpack_state(final)]
    cell.zero_grad()
    sum(leaf.sin().sum() for leaf in found).backward()
    differentiated = [inputs, *leaves, *cell.parameters()]
    return found + [torch.zeros_like(t) if t.grad is None else t.grad for t in differentiated]


def assert_near(single, double):
    """Within 3e-5 of the double-precision result, relative to the array's largest magnitude."""
    for found, expected in zip(single, double, strict=True):
        bound = 3e-5 * expected.abs().max().item() if expected.numel() else 0
        # A sum that nearly cancels has no digits of its own, hence the floor.
        assert_close(found.double(), expected.double(), rtol=0, atol=max(bound, 1e-7))
