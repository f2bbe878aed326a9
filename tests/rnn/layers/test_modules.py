"""`LSTM`, `GRU` and `RNN` as modules of torch: copies, devices, precisions, compilers, errors."""

import copy
import io
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

import varlen
from varlen import _native

MODULES = {
    "LSTM": lambda **kwargs: varlen.LSTM(3, 5, 2, bidirectional=True, proj_size=2, **kwargs),
    "GRU": lambda **kwargs: varlen.GRU(3, 5, 2, bidirectional=True, **kwargs),
    "RNN": lambda **kwargs: varlen.RNN(3, 5, 2, "relu", bidirectional=True, **kwargs),
}
every_module = pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)


@every_module
def test_copies_and_pickles(make):
    module = make()
    inputs = torch.randn(4, 2, 3)
    expected = module(inputs, lengths=[4, 2])
    buffer = io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    for other in (
        copy.deepcopy(module),
        pickle.loads(pickle.dumps(module)),
        torch.load(buffer, weights_only=False),
    ):
        assert_close(other(inputs, lengths=[4, 2]), expected)
        for mine, its in zip(module.parameters(), other.parameters(), strict=True):
            assert mine is not its


@every_module
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.bfloat16, 0.1), (torch.float16, 0.02)]
)
def test_other_precisions(make, dtype, tolerance):
    module = make()
    inputs = torch.randn(4, 2, 3)
    expected, _ = module(inputs, lengths=[4, 2])
    output, _ = module.to(dtype)(inputs.to(dtype), lengths=[4, 2])
    assert output.dtype == dtype
    output.float().sum().backward()
    assert all(p.grad.dtype == dtype for p in module.parameters())
    assert_close(output.float(), expected, rtol=0, atol=tolerance)


def test_autocast_leaves_the_layers_their_precision():
    module = varlen.LSTM(3, 5)
    inputs = torch.randn(4, 2, 3)
    expected, _ = module(inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_close(module(inputs)[0], expected)
        low = torch.nn.Linear(3, 3)(inputs)
        assert low.dtype == torch.bfloat16
        output, (h, c) = module(low)
        module(low, (h.bfloat16(), c.bfloat16()))
    assert output.dtype == h.dtype == torch.float32


@pytest.mark.skipif(not _native.NATIVE, reason="a compiler sees the native loop as an operator")
def test_compiles_and_exports():
    """In a process of its own: the checks of annotations are nothing for a compiler to see."""
    script = Path(__file__).parent / "compiling.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@every_module
def test_runs_as_a_function_of_its_parameters(make):
    module, inputs = make(), torch.randn(4, 2, 3)
    parameters = {name: 0.5 * p.detach() for name, p in module.named_parameters()}
    found = torch.func.functional_call(module, parameters, (inputs, None, [4, 2]))
    module.load_state_dict(parameters)
    assert_close(found, module(inputs, None, [4, 2]))

    stacked = {name: torch.stack([p, 2 * p]) for name, p in parameters.items()}
    ensemble = torch.vmap(
        lambda parameters: torch.func.functional_call(module, parameters, (inputs,))[0]
    )(stacked)
    assert_close(ensemble[0], module(inputs)[0])


def test_parametrised_weights_are_read_at_every_call():
    module, inputs = varlen.GRU(3, 5), torch.randn(4, 2, 3)
    before, _ = module(inputs)
    torch.nn.utils.parametrizations.weight_norm(module, "weight_hh_l0")
    assert_close(module(inputs)[0], before)
    with torch.no_grad():
        module.parametrizations.weight_hh_l0.original0.mul_(2)
    output, _ = module(inputs)
    assert not torch.allclose(output, before)
    output.sum().backward()
    assert module.parametrizations.weight_hh_l0.original0.grad.any()


def test_meta_device_and_moving():
    module = varlen.LSTM(3, 4, device="meta")
    assert module.weight_ih_l0.is_meta
    module = module.to_empty(device="cpu")
    module.reset_parameters()
    module.flatten_parameters()
    assert (module.weight_ih_l0.abs() <= 0.5).all()
    assert module(torch.randn(2, 1, 3))[0].shape == (2, 1, 4)


class TestRefuses:
    @pytest.mark.parametrize(
        ("kwargs", "message"),
        [
            ({"hidden_size": 0}, "hidden_size: expected at least 1, found 0"),
            ({"input_size": -1}, "input_size: expected at least 1, found -1"),
            ({"num_layers": 0}, "num_layers: expected at least 1, found 0"),
            ({"dropout": 1.5}, "dropout: expected a number from 0 to 1, found 1.5"),
            ({"proj_size": 4}, "proj_size: expected from 0 .* to 3, .* found 4"),
            ({"proj_size": -1}, "proj_size: expected from 0 .* found -1"),
            ({"dtype": torch.int32}, "dtype: expected a floating one, found torch.int32"),
        ],
    )
    def test_arguments(self, kwargs, message):
        with pytest.raises(ValueError, match=message):
            varlen.LSTM(**({"input_size": 3, "hidden_size": 4} | kwargs))

    @pytest.mark.wrong_types
    def test_arguments_of_wrong_types(self):
        with pytest.raises(ValueError, match="dropout: expected a number from 0 to 1, found True"):
            varlen.GRU(3, 4, 2, dropout=True)
        with pytest.raises(TypeError, match=r"hidden_size: expected an int, found 4.0"):
            varlen.GRU(3, 4.0)
        with pytest.raises(TypeError, match=r"proj_size: expected an int, found 2.0"):
            varlen.LSTM(3, 4, proj_size=2.0)
        with pytest.raises(
            ValueError, match="nonlinearity: expected 'tanh' or 'relu', found 'elu'"
        ):
            varlen.RNN(3, 4, nonlinearity="elu")

    def test_inputs_of_another_width(self):
        with pytest.raises(
            ValueError, match=r"GRU: expected input whose last axis is 3, .* found 5"
        ):
            varlen.GRU(3, 4)(torch.randn(2, 2, 5))

    def test_inputs_of_another_precision(self):
        with pytest.raises(ValueError, match=r"expected input of torch.float32, .* torch.float64"):
            varlen.GRU(3, 4)(torch.randn(2, 2, 3, dtype=torch.float64))
        with pytest.raises(ValueError, match=r"expected input of torch.float32, .* torch.int64"):
            varlen.GRU(3, 4)(torch.ones(2, 2, 3, dtype=torch.int64))

    def test_inputs_elsewhere(self):
        with pytest.raises(ValueError, match=r"expected input on cpu, .*, found meta"):
            varlen.GRU(3, 4)(torch.randn(2, 2, 3, device="meta"))

    def test_another_number_of_axes(self):
        with pytest.raises(ValueError, match=r"of 3 \(time, batch, features\), .* \(1, 2, 2, 3\)"):
            varlen.GRU(3, 4)(torch.randn(1, 2, 2, 3))
        with pytest.raises(ValueError, match=r"of 3 \(batch, time, features\), .* \(3,\)"):
            varlen.GRU(3, 4, batch_first=True)(torch.randn(3))

    @pytest.mark.wrong_types
    def test_what_is_no_tensor(self):
        with pytest.raises(TypeError, match=r"expected input that is a tensor .* found a list"):
            varlen.GRU(3, 4)([[1.0, 2.0, 3.0]])

    def test_states_that_do_not_fit(self):
        x, h = torch.randn(5, 2, 3), torch.zeros(1, 2, 4)
        with pytest.raises(ValueError, match=r"hx: expected shape \(1, 2, 4\), found \(1, 3, 4\)"):
            varlen.GRU(3, 4)(x, torch.zeros(1, 3, 4))
        with pytest.raises(ValueError, match=r"hx: expected shape \(1, 4\), found \(1, 2, 4\)"):
            varlen.GRU(3, 4)(x[:, 0], h)
        with pytest.raises(TypeError, match=r"hx: expected a pair \(h_0, c_0\), found a Tensor"):
            varlen.LSTM(3, 4)(x, h)
        with pytest.raises(TypeError, match=r"a pair \(h_0, c_0\), found a tuple of 1"):
            varlen.LSTM(3, 4)(x, (h,))
        with pytest.raises(ValueError, match=r"hx, c_0: expected shape \(1, 2, 4\), found \(2, 2,"):
            varlen.LSTM(3, 4)(x, (h, torch.zeros(2, 2, 4)))
        with pytest.raises(
            ValueError, match=r"hx, h_0: expected a tensor of torch.float32, .*float64"
        ):
            varlen.LSTM(3, 4)(x, (h.double(), h))
        with pytest.raises(TypeError, match="hx: expected a tensor, found a tuple"):
            varlen.RNN(3, 4)(x, (h, h))


@every_module
def test_recomputed_gates_give_the_same_gradients(make):
    module, inputs = make(), torch.randn(4, 2, 3)
    found = []
    for module.recompute in (False, True):
        module.zero_grad()
        module(inputs, lengths=[4, 2])[0].sin().sum().backward()
        found.append([p.grad.clone() for p in module.parameters()])
    assert_close(*found)


def test_the_compiler_is_not_loaded_before_something_is_compiled():
    code = "import sys, varlen.rnn\nassert 'torch._dynamo' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
