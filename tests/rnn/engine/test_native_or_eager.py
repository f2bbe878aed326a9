"""What an `update` says that the native engine must tell apart, or leave to the eager one."""

import re

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from native_cells import assert_near, results
from varlen import BasicRNNCell, LSTMStateTuple, _native, dynamic_rnn
from varlen.rnn import Products, RecurrentCell, explain

pytestmark = pytest.mark.skipif(
    not _native.NATIVE, reason="the native core is left out (VARLEN_NATIVE=0)"
)


class Cell(RecurrentCell):
    """One gate, whose `update` is a function of the gate, the state and the weights."""

    gate_names = ("hidden",)
    vector_names = ("decay",)
    product_state = 0

    def __init__(self, input_size, num_units, function, *, vector_size=None):
        super().__init__()
        self.input_size = input_size
        self.num_units = self.output_size = num_units
        self.state_size = LSTMStateTuple(num_units, num_units)
        self.w = nn.Parameter(torch.randn(input_size, num_units))
        self.r = nn.Parameter(torch.randn(num_units, num_units) / num_units**0.5)
        self.decay = nn.Parameter(torch.rand(vector_size or num_units))
        self.function = function

    def products(self):
        return Products(self.w, self.r)

    def update(self, gates, state, weights):
        h = self.function(gates.hidden, state.h, weights.decay)
        return h, LSTMStateTuple(h, state.c)


def assert_engines_agree(cell):
    inputs = torch.randn(3, 5, cell.input_size)
    found = dynamic_rnn(cell, inputs, [5, 0, 2])
    assert_close(found, dynamic_rnn(cell, inputs, [5, 0, 2], engine="eager"))


class TestSettings:
    """Cells of one class whose settings differ do not share a program."""

    @pytest.mark.parametrize(
        "activation", [nn.LeakyReLU(0.1), nn.LeakyReLU(0.9), nn.Tanh()], ids=str
    )
    def test_an_activation_that_is_a_module(self, activation):
        cell = BasicRNNCell(3, 20, activation=activation)
        assert explain(cell).engine == "native", explain(cell).reason
        assert_engines_agree(cell)

    def test_a_setting_of_a_module_that_changes(self):
        cell = BasicRNNCell(3, 20, activation=nn.LeakyReLU(0.1))
        assert_engines_agree(cell)
        cell.activation.negative_slope = 0.7
        assert_engines_agree(cell)

    def test_training_or_not(self):
        class Louder(BasicRNNCell):
            def update(self, gates, state, weights):
                output, state = super().update(gates, state, weights)
                return (2 * output if self.training else output), state

        cell = Louder(3, 20)
        for mode in (False, True, False):
            assert explain(cell.train(mode)).engine == "native"
            assert_engines_agree(cell)

    @pytest.mark.parametrize("scale", [0.3, 2.0])
    def test_an_attribute_that_is_private(self, scale):
        class Scaled(BasicRNNCell):
            def update(self, gates, state, weights):
                output, state = super().update(gates, state, weights)
                return output * self._scale, state

        for factor in (scale, -scale):
            cell = Scaled(3, 20)
            cell._scale = factor
            assert_engines_agree(cell)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x, h, d: torch.div(x, 0.3, rounding_mode="trunc"), "rounds what it divides"),
        (lambda x, h, d: torch.where(x.logical_and(h), x, h), "numbers as conditions"),
    ],
)
def test_what_has_no_operation_is_left_to_the_eager_engine(function, reason):
    cell = Cell(3, 20, function)
    assert reason in explain(cell).reason
    assert_engines_agree(cell)


def test_division_by_zero_is_that_of_torch():
    assert_engines_agree(Cell(3, 20, lambda x, h, d: torch.tanh(x / 0.0)))


class Counting(RecurrentCell):
    """A state of one number per row, which is broadcast."""

    gate_names = ("hidden",)
    product_state = 1

    def __init__(self, input_size, num_units):
        super().__init__()
        self.input_size = input_size
        self.num_units = self.output_size = num_units
        self.state_size = LSTMStateTuple(1, num_units)
        self.w = nn.Parameter(torch.randn(input_size, num_units))
        self.r = nn.Parameter(torch.randn(num_units, num_units) / num_units**0.5)

    def products(self):
        return Products(self.w, self.r)

    def update(self, gates, state, weights):
        count = state.c + 1
        h = torch.tanh(gates.hidden) / count
        return h, LSTMStateTuple(count, h)


def test_a_state_that_is_broadcast_is_left_to_the_eager_engine():
    cell = Counting(3, 40)
    assert "do not broadcast" in explain(cell).reason
    assert_engines_agree(cell)


def test_a_vector_that_is_broadcast_is_refused_by_the_core():
    cell, inputs = Cell(3, 40, lambda x, h, d: d * torch.tanh(x), vector_size=1), torch.randn(2, 3)
    expected = cell(inputs, cell.zero_state(2))
    with torch.no_grad():
        assert_close(cell(inputs, cell.zero_state(2)), expected)
    with pytest.raises(ValueError, match=r"vector: expected shape \(40,\), found \(1,\)"):
        dynamic_rnn(cell, inputs[:, None], engine="native")


class WithoutInputs(RecurrentCell):
    """Gates that the inputs do not feed."""

    recurrent_gate_names = ("hidden",)

    def __init__(self, input_size, num_units):
        super().__init__()
        self.input_size = input_size
        self.num_units = self.output_size = self.state_size = num_units
        self.w = nn.Parameter(torch.randn(input_size, 0))
        self.r = nn.Parameter(torch.randn(num_units, num_units) / num_units**0.5)

    def products(self):
        return Products(self.w, self.r)

    def update(self, gates, state, weights):
        h = torch.tanh(gates.hidden)
        return h, h


class WithoutState(WithoutInputs):
    """Gates that the state does not feed."""

    recurrent_gate_names = ()
    input_gate_names = ("hidden",)

    def __init__(self, input_size, num_units):
        super().__init__(input_size, num_units)
        self.w = nn.Parameter(torch.randn(input_size, num_units))
        self.r = nn.Parameter(torch.randn(num_units, 0))

    def update(self, gates, state, weights):
        h = torch.tanh(gates.hidden + 0.5 * state)
        return h, h


@pytest.mark.parametrize("make", [WithoutInputs, WithoutState])
@pytest.mark.parametrize("units", [7, 32])
def test_gates_of_one_kind_alone(make, units):
    torch.manual_seed(0)
    cell, inputs = make(5, units), torch.randn(4, 6, 5)
    # What memory held before is not what a gradient finds there.
    torch.empty(10_000).fill_(float("nan"))
    single = results(cell, inputs, [6, 0, 1, 4], engine="native")
    assert_near(single, results(cell.double(), inputs, [6, 0, 1, 4], engine="eager"))


class TestOperations:
    """What programs can say besides arithmetic, values and gradients."""

    @pytest.mark.parametrize(
        "function",
        {
            "sum": lambda x, h, d: torch.tanh(x - x.sum(-1, keepdim=True) / x.shape[-1]),
            "mean of a product": lambda x, h, d: x * (d * h).mean(dim=1, keepdim=True),
            "softmax": lambda x, h, d: x.exp() / x.exp().sum(-1, keepdim=True),
            "the sum of a sum": lambda x, h, d: (
                torch.tanh(x) * (d.mean(-1, keepdim=True) ** 2).sum(-1, keepdim=True)
            ),
            "log": lambda x, h, d: torch.log(1 + x.square()),
            "log1p": lambda x, h, d: torch.log1p(h.square()) - x.tanh(),
            "logsigmoid": lambda x, h, d: nn.functional.logsigmoid(x),
            "softplus": lambda x, h, d: nn.functional.softplus(x),
            "elu": lambda x, h, d: nn.functional.elu(x),
            "expm1": lambda x, h, d: torch.expm1(-x.square()),
            "maximum": lambda x, h, d: torch.maximum(x.tanh(), d * h),
            "minimum": lambda x, h, d: torch.minimum(x.tanh(), d * h),
            "masked_fill": lambda x, h, d: x.tanh().masked_fill(x > h, 0.25),
        }.items(),
        ids=lambda item: item[0],
    )
    @pytest.mark.parametrize("units", [3, 16, 100])
    def test_equals_eager(self, function, units):
        torch.manual_seed(units)
        cell, inputs = Cell(3, units, function[1]), torch.randn(7, 6, 3)
        lengths = [6, 0, 1, 4, 2, 6, 3]
        assert explain(cell).engine == "native", explain(cell).reason
        single = results(cell, inputs, lengths, engine="native")
        assert_near(single, results(cell.double(), inputs, lengths, engine="eager"))

    @pytest.mark.parametrize("function", [torch.maximum, torch.minimum])
    def test_a_choice_of_what_is_no_number_is_none(self, function):
        special = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0, 2.0])
        x, y = (part.reshape(-1, 1) for part in torch.cartesian_prod(special, special).T)
        cell = Cell(1, 1, lambda x, h, d: function(x, h))
        nn.init.ones_(cell.w)
        nn.init.zeros_(cell.r)
        finite = y.isfinite().all(1)  # 0 times a state that is not is NaN
        state = LSTMStateTuple(y[finite], y[finite])
        with torch.no_grad():
            outputs, _ = dynamic_rnn(cell, x[finite, None], None, state, engine="native")
        assert_close(outputs[:, 0], function(x, y)[finite], equal_nan=True)

    @pytest.mark.parametrize(
        ("function", "reason"),
        [
            (lambda x, h, d: x - x.sum(0, keepdim=True), "sums otherwise|another shape"),
            (lambda x, h, d: x - x.sum(-1)[:, None], "sums otherwise|another shape"),
            (
                lambda x, h, d: x * x.mean(-1, keepdim=True).expand(-1, 2).sum(),
                "sums otherwise|another shape",
            ),
            (lambda x, h, d: x.mean(-1, keepdim=True), "where rows of 20 units are expected"),
            (lambda x, h, d: x.view(torch.int32).view(torch.float32), "changes the shape or type"),
            (lambda x, h, d: x.reshape(-1, 10).reshape(-1, 20), "another shape|shape or type"),
        ],
    )
    def test_other_sums_and_shapes_are_left_to_the_eager_engine(self, function, reason):
        explanation = explain(Cell(3, 20, function))
        assert explanation.engine == "eager"
        assert re.search(reason, explanation.reason), explanation.reason
