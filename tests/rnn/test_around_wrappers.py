"""Wrappers whose own work is done once for all steps: what they compute, where they run."""

import pickle

import pytest
import torch
from torch.testing import assert_close

from varlen import (
    BasicRNNCell,
    DeviceWrapper,
    DropoutWrapper,
    EmbeddingWrapper,
    GRUCell,
    HighwayWrapper,
    InputProjectionWrapper,
    LSTMCell,
    MultiRNNCell,
    OutputProjectionWrapper,
    ResidualWrapper,
    RNNCell,
    _native,
    bidirectional_dynamic_rnn,
    dynamic_rnn,
)
from varlen.rnn import explain

float64 = torch.float64


def lstm(input_size, num_units):
    return LSTMCell(input_size, num_units, dtype=float64)


WRAPPERS = {
    "residual": lambda: ResidualWrapper(lstm(3, 3)),
    "residual_fn": lambda: ResidualWrapper(lstm(3, 4), lambda x, y: y * x.sum(-1, keepdim=True)),
    "highway": lambda: HighwayWrapper(lstm(3, 3)),
    "highway, uncoupled": lambda: HighwayWrapper(lstm(3, 3), couple_carry_transform_gates=False),
    "input projection": lambda: InputProjectionWrapper(3, lstm(5, 4), 5, "tanh"),
    "output projection": lambda: OutputProjectionWrapper(lstm(3, 4), 2, "relu"),
    "device": lambda: DeviceWrapper(lstm(3, 4), "cpu"),
    "one in another": lambda: ResidualWrapper(
        HighwayWrapper(OutputProjectionWrapper(lstm(3, 4), 3))
    ),
    "stack": lambda: MultiRNNCell([ResidualWrapper(lstm(3, 3)), HighwayWrapper(lstm(3, 3))]),
    "around a stack": lambda: ResidualWrapper(MultiRNNCell([lstm(3, 4), lstm(4, 3)])),
    "around dropout": lambda: ResidualWrapper(DropoutWrapper(lstm(3, 3), 0.6, 0.7, 0.8)),
    "in dropout": lambda: DropoutWrapper(ResidualWrapper(lstm(3, 3)), 0.6, 0.7),
}
every_wrapper = pytest.mark.parametrize("make", WRAPPERS.values(), ids=WRAPPERS)


@every_wrapper
@pytest.mark.parametrize("lengths", [(4, 0, 2), (4, 4, 4), (0, 0, 0)])
@pytest.mark.parametrize("time_major", [False, True])
def test_all_steps_at_once_are_the_steps_one_after_the_other(make, lengths, time_major):
    torch.manual_seed(0)
    cell = make()
    inputs = torch.randn(3, 4, 3, dtype=float64)
    for row, length in enumerate(lengths):
        inputs[row, length:] = float("nan")
    inputs = inputs.transpose(0, 1).contiguous() if time_major else inputs
    noise = cell.draw_noise(torch.tensor(lengths))
    results = []
    for engine in ("eager", "auto"):
        x = inputs.clone().requires_grad_()
        given = {"time_major": time_major, "noise": noise, "engine": engine}
        outputs, state = dynamic_rnn(cell, x, lengths, **given)
        leaves = [outputs, *torch.utils._pytree.tree_leaves(state)]
        sum(leaf.sin().sum() for leaf in leaves).backward()
        results.append([*leaves, x.grad, *(p.grad for p in cell.parameters())])
        cell.zero_grad()
    assert_close(results[1], results[0], rtol=1e-12, atol=1e-12)
    assert all(leaf.isfinite().all() for leaf in results[1])


@every_wrapper
def test_backwards_too(make):
    torch.manual_seed(0)
    cell, plain = make(), BasicRNNCell(3, 1, dtype=float64)
    inputs, lengths = torch.randn(3, 4, 3, dtype=float64), (4, 0, 2)
    noise = cell.draw_noise(torch.tensor(lengths))
    eager, auto = (
        bidirectional_dynamic_rnn(plain, cell, inputs, lengths, noise_bw=noise, engine=engine)
        for engine in ("eager", "auto")
    )
    assert_close(auto, eager, rtol=1e-12, atol=1e-12)


@pytest.mark.skipif(not _native.NATIVE, reason="the native core is left out")
@every_wrapper
def test_the_cell_within_runs_natively(make):
    cell = make()
    assert explain(cell).engine == "native"
    outputs, _ = dynamic_rnn(cell, torch.randn(2, 3, 3, dtype=float64), engine="native")
    assert outputs.isfinite().all()


def test_an_eager_cell_within_is_told():
    explanation = explain(ResidualWrapper(Sums()))
    assert explanation.engine == "eager"
    assert "Sums is no RecurrentCell" in explanation


class Sums(RNNCell):
    input_size = state_size = output_size = 3

    def forward(self, inputs, state):
        return inputs + state, inputs + state


class Pairs(RNNCell):
    input_size = output_size = (2, 3)
    state_size = 1

    def forward(self, inputs, state):
        return (2 * inputs[0], 3 * inputs[1]), state


class TestResidualWrapper:
    def test_adds_inputs_to_outputs(self):
        inner = GRUCell(3, 3)
        cell, x, h = ResidualWrapper(inner), torch.randn(5, 3), torch.randn(5, 3)
        output, state = cell(x, h)
        expected, expected_state = inner(x, h)
        assert_close((output, state), (x + expected, expected_state))
        assert set(cell.state_dict()) == set(inner.state_dict())

    def test_adds_leaf_by_leaf(self):
        x = torch.randn(2, 4, 2), torch.randn(2, 4, 3)
        outputs, _ = dynamic_rnn(ResidualWrapper(Pairs()), x, [4, 1])
        assert_close(outputs[0][0], 3 * x[0][0])
        assert_close(outputs[1][1, 0], 4 * x[1][1, 0])
        assert not outputs[1][1, 1:].any()

    @pytest.mark.wrong_types
    def test_refuses_what_does_not_fit(self):
        with pytest.raises(ValueError, match=r"ResidualWrapper: cell: .* inputs, 3, found 4"):
            ResidualWrapper(GRUCell(3, 4))
        with pytest.raises(TypeError, match="ResidualWrapper: residual_fn: expected a function"):
            ResidualWrapper(GRUCell(3, 3), "sum")
        with pytest.raises(TypeError, match="expected an RNNCell, found a Linear"):
            ResidualWrapper(torch.nn.Linear(3, 3))
        with pytest.raises(ValueError, match=r"GRUCell: expected inputs of shape \(batch, 3\)"):
            dynamic_rnn(ResidualWrapper(GRUCell(3, 3)), torch.zeros(2, 4, 5))


class TestHighwayWrapper:
    @pytest.mark.parametrize("coupled", [True, False])
    def test_mixes_inputs_and_outputs(self, coupled):
        inner = GRUCell(3, 3)
        cell = HighwayWrapper(inner, coupled, 0.5)
        assert_close(cell.carry_b, torch.full((3,), 0.5))
        x, h = torch.randn(5, 3), torch.randn(5, 3)
        output, state = cell(x, h)
        y, expected_state = inner(x, h)
        carry = torch.sigmoid(x @ cell.carry_w + cell.carry_b)
        transform = 1 - carry
        if not coupled:
            assert_close(cell.transform_b, torch.full((3,), -0.5))
            transform = torch.sigmoid(x @ cell.transform_w + cell.transform_b)
        assert_close((output, state), (x * carry + y * transform, expected_state))

    def test_names_its_parameters_beside_those_of_the_cell(self):
        names = set(HighwayWrapper(BasicRNNCell(3, 3)).state_dict())
        assert names == {"carry_w", "carry_b", "cell.kernel", "cell.bias"}

    def test_refuses_what_does_not_fit(self):
        with pytest.raises(ValueError, match=r"HighwayWrapper: cell: .* inputs, 3, found 4"):
            HighwayWrapper(GRUCell(3, 4))
        with pytest.raises(ValueError, match=r"HighwayWrapper: cell: expected one .* \(2, 3\)"):
            HighwayWrapper(Pairs())


class TestProjections:
    def test_of_inputs(self):
        inner = GRUCell(2, 4)
        cell, x, h = InputProjectionWrapper(3, inner, 2), torch.randn(5, 3), torch.randn(5, 4)
        assert_close(cell(x, h), inner(x @ cell.kernel + cell.bias, h))
        squashed = InputProjectionWrapper(3, inner, 2, torch.tanh)
        x_inner = torch.tanh(x @ squashed.kernel + squashed.bias)
        assert_close(squashed(x, h), inner(x_inner, h))

    def test_of_outputs(self):
        inner = GRUCell(3, 4)
        cell, x, h = OutputProjectionWrapper(inner, 2, "relu"), torch.randn(5, 3), torch.randn(5, 4)
        y, state = inner(x, h)
        assert_close(cell(x, h), (torch.relu(y @ cell.kernel + cell.bias), state))
        assert cell.output_size == 2

    def test_can_be_pickled(self):
        cell = InputProjectionWrapper(3, OutputProjectionWrapper(GRUCell(2, 4), 2), 2)
        copy, x, h = pickle.loads(pickle.dumps(cell)), torch.randn(5, 3), torch.randn(5, 4)
        assert_close(copy(x, h), cell(x, h), rtol=0, atol=0)

    def test_have_parameters_of_the_dtype_of_the_cell(self):
        cell = InputProjectionWrapper(3, lstm(2, 4), 2)
        assert {p.dtype for p in cell.parameters()} == {float64}
        assert not cell.bias.any()
        assert set(cell.state_dict()) == {"kernel", "bias", "cell.kernel", "cell.bias"}

    def test_refuse_what_does_not_fit(self):
        with pytest.raises(
            ValueError, match=r"InputProjectionWrapper: num_proj: expected 4, .* found 2"
        ):
            InputProjectionWrapper(3, GRUCell(4, 4), 2)
        with pytest.raises(ValueError, match="InputProjectionWrapper: input_size: expected at"):
            InputProjectionWrapper(0, GRUCell(4, 4), 4)
        with pytest.raises(ValueError, match="OutputProjectionWrapper: output_size: expected"):
            OutputProjectionWrapper(GRUCell(3, 4), 0)
        with pytest.raises(ValueError, match=r"OutputProjectionWrapper: activation: .* 'tanh'"):
            OutputProjectionWrapper(GRUCell(3, 4), 2, "tan")
        cell = InputProjectionWrapper(3, GRUCell(4, 4), 4)
        with pytest.raises(ValueError, match=r"InputProjectionWrapper: expected inputs of shape"):
            dynamic_rnn(cell, torch.zeros(2, 4, 5))


class TestEmbeddingWrapper:
    @pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
    @pytest.mark.parametrize("axis", [True, False])
    def test_looks_ids_up(self, dtype, axis):
        inner = GRUCell(3, 4)
        cell = EmbeddingWrapper(inner, 6, 3)
        ids, lengths = torch.tensor([[5, 0, 200], [1, 2, 3]], dtype=dtype), [2, 3]
        outputs, state = dynamic_rnn(cell, ids[..., None] if axis else ids, lengths)
        vectors = cell.embedding[torch.tensor([[5, 0, 0], [1, 2, 3]])]
        assert_close((outputs, state), dynamic_rnn(inner, vectors, lengths))

    def test_fills_its_table(self):
        table = EmbeddingWrapper(GRUCell(50, 4), 100, 50).embedding
        assert table.abs().max() <= 3**0.5
        assert abs(table.std() - 1) < 0.05
        ones = EmbeddingWrapper(GRUCell(3, 4), 5, 3, torch.nn.init.ones_)
        assert_close(ones.embedding, torch.ones(5, 3))

    @pytest.mark.parametrize("wrong", [6, -1])
    def test_refuses_ids_out_of_range(self, wrong):
        cell = EmbeddingWrapper(GRUCell(3, 4), 6, 3)
        with pytest.raises(ValueError, match=f"expected ids from 0 to 5, found {wrong}"):
            dynamic_rnn(cell, torch.tensor([[0, wrong]]))

    def test_refuses_what_does_not_fit(self):
        cell = EmbeddingWrapper(GRUCell(3, 4), 6, 3)
        with pytest.raises(TypeError, match="expected ids of an integer type, found"):
            dynamic_rnn(cell, torch.zeros(2, 3, 1))
        with pytest.raises(ValueError, match=r"expected ids of shape \(batch,\) or"):
            dynamic_rnn(cell, torch.zeros(2, 3, 2, dtype=torch.int64))
        with pytest.raises(ValueError, match=r"EmbeddingWrapper: embedding_size: .* 3, .* found 2"):
            EmbeddingWrapper(GRUCell(3, 4), 6, 2)
        with pytest.raises(ValueError, match="EmbeddingWrapper: embedding_classes: expected"):
            EmbeddingWrapper(GRUCell(3, 4), 0, 3)


class TestDeviceWrapper:
    @pytest.mark.parametrize(
        ("name", "device"),
        [
            ("cpu", "cpu"),
            ("/cpu:0", "cpu"),
            ("/device:CPU:0", "cpu"),
            (torch.device("cpu"), "cpu"),
            ("meta", "meta"),
        ],
    )
    def test_moves_the_cell(self, name, device):
        inner = GRUCell(3, 4)
        cell = DeviceWrapper(inner, name)
        assert {p.device.type for p in inner.parameters()} == {device}
        assert set(cell.state_dict()) == set(inner.state_dict())

    def test_takes_the_inputs_along(self):
        cell = DeviceWrapper(GRUCell(3, 4), "meta")
        assert cell.before(torch.zeros(2, 3), None).device.type == "meta"
        assert cell.zero_state(2).device.type == "meta"

    @pytest.mark.parametrize("name", ["/tpu:0", "nowhere", "/job:worker/task:1"])
    def test_refuses_what_is_no_device(self, name):
        with pytest.raises(ValueError, match="DeviceWrapper: device: expected a device of this"):
            DeviceWrapper(GRUCell(3, 4), name)
