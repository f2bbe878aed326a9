"""`LSTM`, `GRU` and `RNN` against torch's own: parameters, results, all gradients."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence
from torch.testing import assert_close
from torch.utils._pytree import tree_leaves

import varlen

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported")

float64 = torch.float64
KINDS = {
    "LSTM": {},
    "LSTM, projection": {"proj_size": 2},
    "GRU": {},
    "RNN": {},
    "RNN, relu": {"nonlinearity": "relu"},
}


def pair(kind, *sizes, **kwargs):
    """Torch's module and ours with the same parameters."""
    name, kwargs = kind.split(",")[0], KINDS[kind] | kwargs
    torch.manual_seed(7)
    theirs = getattr(nn, name)(*sizes, **kwargs)
    torch.manual_seed(7)
    return theirs, getattr(varlen, name)(*sizes, **kwargs)


def random_state(module, batch_size):
    generator = torch.Generator().manual_seed(3)
    places = module.num_layers * (2 if module.bidirectional else 1)
    widths = [module.proj_size or module.hidden_size, module.hidden_size]
    parts = [
        torch.randn(places, batch_size, n, generator=generator).to(module.weight_ih_l0)
        for n in widths
    ]
    return tuple(parts) if module.mode == "LSTM" else parts[0]


def results(module, inputs, state):
    """Outputs, final states and the gradients of everything, as a flat list."""
    data = inputs.data if isinstance(inputs, PackedSequence) else inputs
    data = data.detach().clone().requires_grad_()
    inputs = inputs._replace(data=data) if isinstance(inputs, PackedSequence) else data
    leaves = [] if state is None else [s.clone().requires_grad_() for s in tree_leaves(state)]
    hx = tuple(leaves) if len(leaves) > 1 else leaves[0] if leaves else None
    output, final = module(inputs, hx)
    if isinstance(output, PackedSequence):
        assert torch.equal(output.batch_sizes, inputs.batch_sizes)
        assert output.sorted_indices is inputs.sorted_indices
        assert output.unsorted_indices is inputs.unsorted_indices
        output = output.data
    found = [output, *tree_leaves(final)]
    module.zero_grad()
    sum(leaf.sin().sum() for leaf in found).backward()
    return (
        found + [data.grad, *(leaf.grad for leaf in leaves)] + [p.grad for p in module.parameters()]
    )


every_kind = pytest.mark.parametrize("kind", KINDS)
some_structures = pytest.mark.parametrize(
    ("num_layers", "bidirectional", "bias"),
    [(1, False, True), (1, True, False), (2, True, True), (3, False, False), (3, True, True)],
)


@every_kind
@some_structures
class TestEqualToTorch:
    @pytest.mark.parametrize("batch_first", [False, True])
    def test_padded(self, kind, num_layers, bidirectional, bias, batch_first):
        theirs, ours = pair(
            kind,
            3,
            5,
            num_layers=num_layers,
            bidirectional=bidirectional,
            bias=bias,
            batch_first=batch_first,
            dtype=float64,
        )
        inputs = torch.randn((4, 6, 3) if batch_first else (6, 4, 3), dtype=float64)
        for state in (None, random_state(theirs, 4)):
            assert_close(results(ours, inputs, state), results(theirs, inputs, state))

    @pytest.mark.parametrize("enforce_sorted", [False, True])
    def test_packed(self, kind, num_layers, bidirectional, bias, enforce_sorted):
        theirs, ours = pair(
            kind,
            3,
            5,
            num_layers=num_layers,
            bidirectional=bidirectional,
            bias=bias,
            dtype=float64,
        )
        lengths = [7, 6, 3, 3, 1] if enforce_sorted else [3, 7, 1, 6, 3]
        packed = pack_padded_sequence(
            torch.randn(7, 5, 3, dtype=float64), lengths, enforce_sorted=enforce_sorted
        )
        for state in (None, random_state(theirs, 5)):
            assert_close(results(ours, packed, state), results(theirs, packed, state))


@every_kind
@pytest.mark.parametrize("num_layers", [1, 2])
def test_in_single_precision(kind, num_layers):
    theirs, ours = pair(kind, 3, 20, num_layers=num_layers, bidirectional=num_layers == 2)
    inputs, state = torch.randn(6, 4, 3), random_state(theirs, 4)
    found = results(ours, inputs, state)
    expected = results(theirs.double(), inputs.double(), [s.double() for s in tree_leaves(state)])
    for single, double in zip(found, expected, strict=True):
        assert single.dtype == torch.float32
        bound = max(3e-5 * double.abs().max().item(), 1e-7)
        assert_close(single.double(), double, rtol=0, atol=bound)


@every_kind
def test_one_sequence_without_a_batch(kind):
    theirs, ours = pair(kind, 3, 5, num_layers=2, bidirectional=True, dtype=float64)
    inputs = torch.randn(6, 3, dtype=float64)
    state = random_state(theirs, 1)
    state = tuple(s[:, 0] for s in state) if isinstance(state, tuple) else state[:, 0]
    for hx in (None, state):
        expected, found = theirs(inputs, hx), ours(inputs, hx)
        assert_close(found, expected)


@every_kind
def test_positional_arguments_are_in_the_same_order(kind):
    if kind == "RNN, relu":
        theirs, ours = (m.RNN(3, 4, 2, "relu", False, True, 0.5, True) for m in (nn, varlen))
    elif kind == "LSTM, projection":
        theirs, ours = (m.LSTM(3, 4, 2, False, True, 0.5, True, 2) for m in (nn, varlen))
    elif kind == "RNN":
        theirs, ours = (m.RNN(3, 4, 2, "tanh", False, True, 0.5, True) for m in (nn, varlen))
    else:
        theirs, ours = (getattr(m, kind)(3, 4, 2, False, True, 0.5, True) for m in (nn, varlen))
    assert ours.extra_repr() == theirs.extra_repr()
    assert ours.mode == theirs.mode
    assert ours.nonlinearity == theirs.nonlinearity if "RNN" in kind else True
    assert {n: p.shape for n, p in ours.named_parameters()} == {
        n: p.shape for n, p in theirs.named_parameters()
    }


@every_kind
def test_parameters_have_the_same_names_values_and_order(kind):
    theirs, ours = pair(kind, 3, 5, num_layers=2, bidirectional=True)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert_close(list(ours.parameters()), list(theirs.parameters()), rtol=0, atol=0)
    assert_close(ours.all_weights, theirs.all_weights, rtol=0, atol=0)


@every_kind
def test_state_dicts_go_both_ways(kind):
    theirs, ours = pair(kind, 3, 5, num_layers=2, bidirectional=True)
    inputs = torch.randn(4, 2, 3)
    for source, target in ((theirs, ours), (ours, theirs)):
        for parameter in source.parameters():
            nn.init.normal_(parameter)
        target.load_state_dict(source.state_dict())
        assert_close(ours(inputs), theirs(inputs))


@pytest.mark.parametrize("kwargs", [{}, {"num_layers": 3, "proj_size": 1, "batch_first": True}])
def test_prints_like_torch(kwargs):
    theirs, ours = pair("LSTM", 3, 4, **kwargs)
    assert repr(ours) == repr(theirs)
