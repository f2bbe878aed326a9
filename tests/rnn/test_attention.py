"""Attention of a cell to its own last outputs, against a loop over rows and slots."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from varlen import AttentionCellWrapper, GRUCell, LSTMCell, MultiRNNCell, dynamic_rnn

float64 = torch.float64


def softmax(scores):
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum()


def test_equals_a_plain_loop():
    torch.manual_seed(0)
    inner = GRUCell(2, 4, dtype=float64)
    cell = AttentionCellWrapper(3, inner, 2, 5, 3)
    inputs = torch.randn(1, 6, 3, dtype=float64)
    outputs, (state, attended, memory) = dynamic_rnn(cell, inputs)

    p = {name: tensor.numpy() for name, tensor in cell.state_dict().items()}
    h, a, slots = np.zeros((1, 4)), np.zeros(5), [np.zeros(5), np.zeros(5)]
    for t in range(6):
        mixed = np.concatenate([inputs[0, t].numpy(), a]) @ p["kernel"] + p["bias"]
        y, h = (v.detach().numpy() for v in inner(torch.tensor(mixed[None]), torch.tensor(h)))
        query = h[0] @ p["attention.kernel"] + p["attention.bias"]
        scores = [
            p["attention.attn_v"] @ np.tanh(slot @ p["attention.attn_w"][0, 0] + query)
            for slot in slots
        ]
        a = sum(w * slot for w, slot in zip(softmax(np.array(scores)), slots, strict=True))
        output = (
            np.concatenate([y[0], a]) @ p["attn_output_projection.kernel"]
            + p["attn_output_projection.bias"]
        )
        slots = [*slots[1:], output]
        np.testing.assert_allclose(outputs[0, t].detach(), output, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(state.detach(), h, rtol=1e-12)
    np.testing.assert_allclose(attended[0].detach(), a, rtol=1e-12)
    np.testing.assert_allclose(memory[0].detach(), np.concatenate(slots), rtol=1e-12)


def test_sizes_come_from_the_cell():
    cell = AttentionCellWrapper(3, LSTMCell(2, 4), 3)
    assert (cell.input_size, cell.output_size) == (3, 4)
    assert cell.state_size == (LSTMCell(2, 4).state_size, 4, 12)
    assert cell.attention.kernel.shape == (8, 4)


def test_a_joined_state_is_the_same_side_by_side():
    tuples = AttentionCellWrapper(3, GRUCell(2, 4), 2)
    joined = AttentionCellWrapper(3, GRUCell(2, 4), 2, state_is_tuple=False)
    joined.load_state_dict(tuples.state_dict())
    inputs = torch.randn(2, 5, 3)
    outputs, state = dynamic_rnn(tuples, inputs, [5, 2])
    assert_close(dynamic_rnn(joined, inputs, [5, 2]), (outputs, torch.cat(state, 1)))
    assert joined.state_size == 16


def test_looks_at_all_states_of_a_stack():
    stack = MultiRNNCell([LSTMCell(3, 4), GRUCell(4, 2)])
    cell = AttentionCellWrapper(5, stack, 2)
    assert cell.attention.kernel.shape == (10, 2)
    assert dynamic_rnn(cell, torch.randn(2, 3, 5))[0].shape == (2, 3, 2)


@pytest.mark.wrong_types
def test_refuses_what_does_not_fit():
    name = "AttentionCellWrapper"
    with pytest.raises(TypeError, match="expected an RNNCell, found a Linear"):
        AttentionCellWrapper(3, torch.nn.Linear(3, 3), 2)
    for argument, given in (
        ("input_size", (0, GRUCell(3, 4), 2)),
        ("attn_length", (3, GRUCell(3, 4), 0)),
        ("attn_size", (3, GRUCell(3, 4), 2, -1)),
        ("attn_vec_size", (3, GRUCell(3, 4), 2, 3, 0)),
    ):
        with pytest.raises(ValueError, match=f"{name}: {argument}: expected at least 1"):
            AttentionCellWrapper(*given)
    with pytest.raises(ValueError, match=f"{name}: state_is_tuple=False: expected a cell whose"):
        AttentionCellWrapper(3, LSTMCell(3, 4), 2, state_is_tuple=False)
    cell = AttentionCellWrapper(3, GRUCell(3, 4), 2)
    with pytest.raises(TypeError, match=f"{name}: state: expected a tuple .* found a Tensor"):
        cell(torch.zeros(2, 3), torch.zeros(2, 4))
    with pytest.raises(ValueError, match=rf"{name}: expected inputs of shape \(batch, 3\)"):
        dynamic_rnn(cell, torch.zeros(2, 4, 5))
