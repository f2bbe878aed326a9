import numpy as np
import pytest
import torch

from varlen import (
    BasicRNNCell,
    CheckpointError,
    CoupledInputForgetGateLSTMCell,
    DropoutWrapper,
    GRUCell,
    LSTMCell,
    MultiRNNCell,
    RNNCell,
)
from varlen.tf1 import load_variables, variable_names, variables_of


def stack():
    return MultiRNNCell(
        [DropoutWrapper(LSTMCell(3, 4, num_proj=2), 0.5), BasicRNNCell(2, 5, name="top")]
    )


def variables(cell, scope):
    shapes = {n: p.shape for n, p in cell.state_dict().items()}
    return {
        name: np.random.default_rng(1).normal(size=shapes[own]).astype(np.float32)
        for own, name in variable_names(cell, scope).items()
    }


def test_names_have_the_scopes_of_tensorflow():
    assert variable_names(stack(), "rnn") == {
        "cell_0.kernel": "rnn/multi_rnn_cell/cell_0/lstm_cell/kernel",
        "cell_0.bias": "rnn/multi_rnn_cell/cell_0/lstm_cell/bias",
        "cell_0.projection.kernel": "rnn/multi_rnn_cell/cell_0/lstm_cell/projection/kernel",
        "cell_1.kernel": "rnn/multi_rnn_cell/cell_1/top/kernel",
        "cell_1.bias": "rnn/multi_rnn_cell/cell_1/top/bias",
    }
    assert variable_names(BasicRNNCell(3, 4)) == {
        "kernel": "basic_rnn_cell/kernel",
        "bias": "basic_rnn_cell/bias",
    }


def test_loads_every_variable_into_its_place():
    cell = stack()
    given = variables(cell, "enc/fw")
    load_variables(cell, given | {"global_step": np.int64(3)}, scope="enc/fw")
    for own, name in variable_names(cell, "enc/fw").items():
        np.testing.assert_array_equal(cell.state_dict()[own], given[name])


@pytest.mark.parametrize(("axis", "num_parts"), [(0, 1), (0, 2), (0, 7), (1, 3)])
def test_puts_parts_together(axis, num_parts):
    cell = BasicRNNCell(3, 4)
    kernel = np.arange(28, dtype=np.float32).reshape(7, 4)
    parts = np.array_split(kernel, num_parts, axis)
    given = {f"basic_rnn_cell/kernel/part_{i}": part for i, part in enumerate(parts)}
    load_variables(cell, given | {"basic_rnn_cell/bias": np.zeros(4, np.float32)})
    np.testing.assert_array_equal(cell.kernel.detach(), kernel)


@pytest.mark.filterwarnings("ignore:.*share weights")
def test_a_shared_cell_has_the_variables_of_its_first_place():
    cell = BasicRNNCell(4, 4)
    names = variable_names(MultiRNNCell([cell, cell]), "rnn")
    assert names["cell_1.kernel"] == "rnn/multi_rnn_cell/cell_0/basic_rnn_cell/kernel"


def problems(cell, given, scope="rnn"):
    """The lines of the error, after which the cell is as before."""
    before = {name: tensor.clone() for name, tensor in cell.state_dict().items()}
    with pytest.raises(CheckpointError) as error:
        load_variables(cell, given, scope)
    for name, tensor in cell.state_dict().items():
        assert torch.equal(tensor, before[name])
    return str(error.value).split("\n  ")


def test_says_all_that_is_missing_misshapen_or_left_over_and_loads_nothing():
    given = variables(stack(), "rnn")
    top = "rnn/multi_rnn_cell/cell_1/top"
    bottom = "rnn/multi_rnn_cell/cell_0/lstm_cell"
    del given[f"{bottom}/kernel"]
    given[f"{bottom}/bias"] = np.zeros(7, np.float32)
    given[f"{top}/bias"] = np.zeros(5, np.int64)
    given[f"{bottom}/w_f_diag"] = np.zeros(4, np.float32)
    given["rnn/multi_rnn_cell/cell_2/gru_cell/gates/bias"] = np.zeros(4, np.float32)
    assert problems(stack(), given) == [
        "MultiRNNCell: 5 variables do not fit",
        f"'{bottom}/kernel': there is none",
        f"'{bottom}/bias': expected shape (16,), found (7,)",
        f"'{top}/bias': expected floating numbers, found int64",
        f"'{bottom}/w_f_diag': belongs to no parameter",
        "'rnn/multi_rnn_cell/cell_2/gru_cell/gates/bias': belongs to no parameter",
    ]


def test_says_in_which_scope_the_variables_are():
    given = variables(LSTMCell(3, 4), "bidirectional_rnn/fw")
    *_, hint = problems(LSTMCell(3, 4), given, "rnn")
    assert hint == "there is such a variable with scope='bidirectional_rnn/fw'"
    given |= variables(LSTMCell(3, 4), "")
    *_, hint = problems(LSTMCell(3, 4), given, "rnn")
    assert hint == "there is such a variable with scope='' or scope='bidirectional_rnn/fw'"
    assert problems(LSTMCell(3, 4), {}) == [
        "LSTMCell: 2 variables do not fit",
        "'rnn/lstm_cell/kernel': there is none",
        "'rnn/lstm_cell/bias': there is none",
    ]


def test_a_cell_of_another_name_is_suggested():
    given = variables(LSTMCell(3, 4, name="my_lstm_cell"), "rnn")
    _, first, *_ = problems(LSTMCell(3, 4), given)
    assert first == (
        "'rnn/lstm_cell/kernel': there is none. Did you mean 'rnn/my_lstm_cell/kernel'?"
    )


def test_what_an_optimiser_keeps_and_what_is_of_others_is_left_alone():
    cell = GRUCell(3, 4)
    given = variables(cell, "rnn")
    others = ["beta1_power", "rnn/gru_cell/gates/kernel/Adam", "rnn/gru_cell_1/candidate/bias"]
    load_variables(cell, given | dict.fromkeys(others, np.zeros(3)), "rnn")
    assert variables_of(cell, "rnn").keys() == given.keys()


def test_finds_old_names_whole_and_in_parts():
    cell = LSTMCell(3, 4, num_proj=2)
    given = variables(cell, "rnn")
    scope = "rnn/lstm_cell"
    old = {
        f"{scope}/weights/part_0": given[f"{scope}/kernel"][:2],
        f"{scope}/weights/part_1": given[f"{scope}/kernel"][2:],
        f"{scope}/biases": given[f"{scope}/bias"],
        f"{scope}/projection/weights": given[f"{scope}/projection/kernel"],
    }
    load_variables(cell, old, "rnn")
    for name, array in variables_of(cell, "rnn").items():
        np.testing.assert_array_equal(array, given[name])
    assert problems(cell, old | {f"{scope}/bias": given[f"{scope}/bias"]}) == [
        "LSTMCell: 1 variable does not fit",
        f"'{scope}/biases': belongs to no parameter",
    ]


def test_parts_that_do_not_make_the_whole():
    cell = BasicRNNCell(3, 4)
    given = {
        "basic_rnn_cell/kernel/part_0": np.zeros((4, 4)),
        "basic_rnn_cell/kernel/part_1": np.zeros((3, 5)),
        "basic_rnn_cell/bias/part_0": np.zeros(2),
        "basic_rnn_cell/bias/part_2": np.zeros(2),
    }
    assert problems(cell, given, "") == [
        "BasicRNNCell: 3 variables do not fit",
        "'basic_rnn_cell/kernel': expected shape (7, 4), found parts of (4, 4), (3, 5)",
        "'basic_rnn_cell/bias': expected shape (4,), found (2,)",
        "'basic_rnn_cell/bias/part_2': belongs to no parameter",
    ]


def test_shards_are_variables_of_their_own():
    cell = CoupledInputForgetGateLSTMCell(3, 4, num_unit_shards=2)
    names = variables_of(cell, "rnn")
    scope = "rnn/coupled_input_forget_gate_lstm_cell"
    assert {name: array.shape for name, array in names.items()} == {
        f"{scope}/W_0": (4, 12),
        f"{scope}/W_1": (3, 12),
        f"{scope}/B": (12,),
    }
    other = CoupledInputForgetGateLSTMCell(3, 4, num_unit_shards=2)
    load_variables(other, names, "rnn")
    assert torch.equal(other.W_1, cell.W_1)


@pytest.mark.parametrize("scope", ["", "stack_bidirectional_rnn/cell_1/bidirectional_rnn/bw"])
def test_variables_out_and_in_again(scope):
    cell, other = stack(), stack()
    found = variables_of(cell, scope)
    assert list(found) == list(variable_names(cell, scope).values())
    load_variables(other, found, scope)
    for name, tensor in cell.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)
    found[next(iter(found))][:] = 0  # a copy, not a view
    assert cell.state_dict()["cell_0.kernel"].any()


def test_arrays_that_cannot_be_written_and_tensors_are_read():
    cell = BasicRNNCell(3, 4)
    kernel = np.ones((7, 4), np.float64)
    kernel.flags.writeable = False
    bias = torch.ones(4, requires_grad=True)
    load_variables(cell, {"basic_rnn_cell/kernel": kernel, "basic_rnn_cell/bias": bias})
    assert cell.kernel.dtype == torch.float32
    assert cell.kernel.eq(1).all()
    assert cell.bias.eq(1).all()


def test_refuses_a_cell_that_tensorflow_did_not_have():
    class Own(RNNCell):
        input_size = state_size = output_size = 1

        def forward(self, inputs, state):
            return inputs, state

    with pytest.raises(TypeError, match="expected a cell that TensorFlow 1 has, found a Own"):
        variable_names(Own())


def test_bfloat16_comes_as_float32_and_goes_back():
    cell, other = GRUCell(2, 3, dtype=torch.bfloat16), GRUCell(2, 3, dtype=torch.bfloat16)
    variables = variables_of(cell)
    assert {array.dtype for array in variables.values()} == {np.dtype("float32")}
    load_variables(other, variables)
    assert all(map(torch.equal, other.parameters(), cell.parameters()))
