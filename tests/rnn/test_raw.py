"""raw_rnn against dynamic_rnn and against a loop over single rows."""

import pytest
import torch
from torch.testing import assert_close

from varlen import DropoutWrapper, GRUCell, LSTMCell, MultiRNNCell, dynamic_rnn, raw_rnn

float64 = torch.float64
LENGTHS = torch.tensor([4, 0, 2, 6])


@pytest.fixture
def x():
    x = torch.randn(4, 7, 3, dtype=float64, generator=torch.Generator().manual_seed(1))
    for row, length in enumerate(LENGTHS.tolist()):
        x[row, length:] = float("nan")
    return x


def feeding(cell, x, lengths, state=None, emit=None):
    """The loop function that makes raw_rnn a dynamic_rnn."""

    def loop_fn(time, output, next_state, loop_state):
        if output is None:
            next_state = cell.zero_state(len(x)) if state is None else state
        return time >= lengths, x[:, min(time, x.shape[1] - 1)], next_state, output, None

    return loop_fn


def stack():
    return MultiRNNCell([LSTMCell(3, 4, num_proj=2, dtype=float64), GRUCell(2, 5, dtype=float64)])


def test_fed_with_a_batch_it_is_dynamic_rnn(x):
    cell = stack()
    results = []
    for run in (
        lambda: raw_rnn(cell, feeding(cell, x, LENGTHS))[:2],
        lambda: dynamic_rnn(cell, x[:, :6], LENGTHS),
    ):
        outputs, state = run()
        loss = outputs.square().sum() + state[1].sum() + state[0].c.sum()
        gradients = torch.autograd.grad(loss, list(cell.parameters()))
        assert all(gradient.isfinite().all() for gradient in gradients)
        results.append((outputs, state, gradients))
    (raw, *raw_rest), (outputs, *rest) = results
    assert raw.shape == (6, 4, 5)
    assert_close(raw.transpose(0, 1), outputs)
    assert_close(raw_rest, rest)


def test_a_greedy_decoder_stops_each_row_at_its_own_end():
    """What is fed back depends on the output; every row equals its own loop."""
    torch.manual_seed(0)
    cell, table = GRUCell(2, 5, dtype=float64), torch.randn(5, 2, dtype=float64)
    start = torch.randn(6, 5, dtype=float64)
    end, most = 3, 12

    def loop_fn(time, output, state, count):
        if output is None:
            example = (torch.zeros((), dtype=torch.int64), torch.zeros(5, dtype=float64))
            none = torch.zeros(6, dtype=torch.bool)
            return none, table[:1].expand(6, 2), start, example, 0
        words = output.argmax(-1)
        finished = (words == end) | torch.tensor(time >= most)
        return finished, table[words], state, (words, output), count + 1

    (words, outputs), state, count = raw_rnn(cell, loop_fn)
    assert words.dtype == torch.int64
    assert outputs.shape == (len(words), 6, 5)
    assert count == len(words) <= most
    for row in range(6):
        inputs, its_state, found = table[:1], start[row : row + 1], []
        while len(found) < most and end not in found:
            output, its_state = cell(inputs, its_state)
            found.append(int(output.argmax()))
            inputs = table[found[-1]][None]
        assert words[: len(found), row].tolist() == found
        assert not words[len(found) :, row].any()
        assert not outputs[len(found) :, row].any()
        assert_close(state[row : row + 1], its_state)
    assert len({tuple(words[:, row].tolist()) for row in range(6)}) > 1


def test_without_a_live_row_there_is_no_step(x):
    cell = stack()
    outputs, state, loop_state = raw_rnn(cell, feeding(cell, x, torch.zeros(4)))
    assert outputs.shape == (0, 4, 5)
    assert outputs.dtype == float64
    assert_close(state, cell.zero_state(4))
    assert loop_state is None
    outputs, _, _ = raw_rnn(cell, feeding(cell, x[:0], torch.zeros(0)))
    assert outputs.shape == (0, 0, 5)


def test_a_loop_state_of_none_keeps_the_one_before():
    cell = GRUCell(1, 1)

    def loop_fn(time, output, state, loop_state):
        state = torch.zeros(1, 1) if output is None else state
        finished = torch.tensor([time >= 3])
        return finished, torch.zeros(1, 1), state, output, "begun" if output is None else None

    assert raw_rnn(cell, loop_fn)[2] == "begun"


def test_noise_is_handed_in_for_a_number_of_steps(x):
    cell = DropoutWrapper(stack(), 0.5, 0.5, variational_recurrent=True)
    noise = cell.draw_noise(torch.full((4,), 6))
    live = (torch.arange(6) < LENGTHS[:, None]).flatten()
    taken = torch.utils._pytree.tree_map(lambda leaf: None if leaf is None else leaf[live], noise)
    outputs, state, _ = raw_rnn(cell, feeding(cell, x, LENGTHS), noise=noise)
    expected, expected_state = dynamic_rnn(cell, x[:, :6], LENGTHS, noise=taken)
    assert_close(outputs.transpose(0, 1), expected)
    assert_close(state, expected_state)

    with pytest.raises(ValueError, match=r"DropoutWrapper draws noise.*\n  give noise=cell.draw_"):
        raw_rnn(cell, feeding(cell, x, LENGTHS))
    few = cell.draw_noise(torch.full((4,), 5))
    with pytest.raises(ValueError, match="noise: expected some of step 5 for 4 rows of equal leng"):
        raw_rnn(cell, feeding(cell, x, LENGTHS), noise=few)
    assert raw_rnn(cell.eval(), feeding(cell, x, LENGTHS))[0].shape == (6, 4, 5)


def test_under_autocast_the_cell_keeps_its_dtype():
    cell = GRUCell(3, 4)
    x, weight = torch.randn(2, 5, 3), torch.randn(3, 3)
    expected, _ = dynamic_rnn(cell, (x @ weight).bfloat16().float(), [5, 2])

    def loop_fn(time, output, state, loop_state):
        inputs = x[:, min(time, 4)] @ weight
        assert inputs.dtype == torch.bfloat16
        state = torch.zeros(2, 4) if output is None else state
        return time >= torch.tensor([5, 2]), inputs, state, output, None

    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, state, _ = raw_rnn(cell, loop_fn)
    assert outputs.dtype == state.dtype == torch.float32
    assert_close(outputs.transpose(0, 1), expected, rtol=0.05, atol=0.05)


def changed(time_of_change, **changes):
    """A sound loop function with something wrong at one time."""
    names = ("finished", "next_input", "next_state", "emit_output", "next_loop_state")

    def loop_fn(time, output, state, loop_state):
        state = torch.zeros(2, 4) if output is None else state
        values = (torch.tensor([time > 1] * 2), torch.zeros(2, 3), state, output, None)
        results = dict(zip(names, values, strict=True))
        results.update(changes if time == time_of_change else {})
        return tuple(results.values())

    return loop_fn


@pytest.mark.parametrize(
    ("time", "changes", "error", "message"),
    [
        (1, {"emit_output": None}, ValueError, "emit_output of loop_fn at time 1: expected what"),
        (
            1,
            {"emit_output": torch.zeros(2, 3)},
            ValueError,
            r"emit_output .* \(2, 4\), found \(2, 3",
        ),
        (
            2,
            {"emit_output": (torch.zeros(2, 4),)},
            TypeError,
            "emit_output of loop_fn at time 2: ex",
        ),
        (
            0,
            {"next_state": (torch.zeros(2, 4),)},
            TypeError,
            "next_state of loop_fn at time 0: expe",
        ),
        (
            0,
            {"next_state": None},
            TypeError,
            "next_state of loop_fn at time 0: .* found a NoneType",
        ),
        (
            1,
            {"next_state": torch.zeros(2, 1)},
            ValueError,
            "next_state of loop_fn at time 1: expec",
        ),
        (
            0,
            {"finished": torch.zeros(2)},
            TypeError,
            "finished of loop_fn at time 0: expected bool",
        ),
        (
            0,
            {"finished": torch.tensor(False)},
            ValueError,
            r"finished .* expected shape \(batch,\)",
        ),
        (1, {"finished": torch.tensor([True])}, ValueError, r"finished .*\(2,\), found \(1,\)"),
        (1, {"more": 6}, TypeError, r"loop_fn at time 1: expected \(finished, .*\), found 6"),
        (
            0,
            {"next_input": torch.zeros(2, 5)},
            ValueError,
            r"GRUCell: expected inputs of shape \(b",
        ),
    ],
)
def test_says_what_is_wrong_and_when(time, changes, error, message):
    assert raw_rnn(GRUCell(3, 4), changed(9))[0].shape == (2, 2, 4)
    with pytest.raises(error, match=message):
        raw_rnn(GRUCell(3, 4), changed(time, **changes))


@pytest.mark.wrong_types
def test_wants_a_cell_and_a_function():
    with pytest.raises(TypeError, match="loop_fn: expected a function, found a int"):
        raw_rnn(GRUCell(3, 4), 3)
    with pytest.raises(TypeError, match="cell: expected an RNNCell"):
        raw_rnn(lambda x: x, changed(9))
