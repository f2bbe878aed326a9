import numpy as np
import pytest
import torch

from varlen import BasicRNNCell, CheckpointError, DropoutWrapper, LSTMCell, MultiRNNCell, RNNCell
from varlen.tf1 import load_variables, variable_names


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


def test_puts_parts_together():
    cell = BasicRNNCell(3, 4)
    kernel = np.arange(28, dtype=np.float32).reshape(7, 4)
    load_variables(
        cell,
        {
            "basic_rnn_cell/kernel/part_0": kernel[:4],
            "basic_rnn_cell/kernel/part_1": kernel[4:],
            "basic_rnn_cell/bias": np.zeros(4, np.float32),
        },
    )
    np.testing.assert_array_equal(cell.kernel.detach(), kernel)


@pytest.mark.filterwarnings("ignore:.*share weights")
def test_a_shared_cell_has_the_variables_of_its_first_place():
    cell = BasicRNNCell(4, 4)
    names = variable_names(MultiRNNCell([cell, cell]), "rnn")
    assert names["cell_1.kernel"] == "rnn/multi_rnn_cell/cell_0/basic_rnn_cell/kernel"


def test_says_what_is_missing_or_misshapen_and_loads_nothing():
    cell = LSTMCell(3, 4)
    before = cell.kernel.detach().clone()
    given = variables(cell, "rnn")
    with pytest.raises(CheckpointError, match=r"no variable named 'lstm_cell/kernel'\n.*Did you"):
        load_variables(cell, given)
    given["rnn/lstm_cell/bias"] = np.zeros(7)
    with pytest.raises(
        CheckpointError,
        match=r"expected shape \(16,\), found \(7,\)\n  at variable 'rnn/lstm_cell/bias'",
    ):
        load_variables(cell, given, scope="rnn")
    assert torch.equal(cell.kernel, before)


def test_refuses_a_cell_that_tensorflow_did_not_have():
    class Own(RNNCell):
        input_size = state_size = output_size = 1

        def forward(self, inputs, state):
            return inputs, state

    with pytest.raises(TypeError, match="expected a cell that TensorFlow 1 has, found a Own"):
        variable_names(Own())
