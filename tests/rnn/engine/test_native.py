"""The native engine against the eager one, which is the definition."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

import varlen
from native_cells import NoisyCell, PlainCell, assert_near, every_cell, results, some_cells
from varlen import (
    DropoutWrapper,
    GRUCell,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    _native,
    dynamic_rnn,
)
from varlen.rnn import explain
from varlen.rnn.engine import Rows, _gradient, _native_loop
from varlen.rnn.engine._cell_program import cell_program
from varlen.rnn.engine._op import unroll_op

pytestmark = pytest.mark.skipif(
    not _native.NATIVE, reason="the native core is left out (VARLEN_NATIVE=0)"
)


@every_cell
@pytest.mark.parametrize(("units", "reverse"), [(1, True), (3, False), (63, True), (130, False)])
def test_equals_eager_in_double_precision(make, units, reverse):
    torch.manual_seed(units)
    for lengths in ([5], [0, 7, 1, 3], np.random.default_rng(units).integers(0, 9, 40).tolist()):
        cell = make(4, units)
        inputs = torch.randn(len(lengths), max(lengths) + 2, 4)
        single = results(cell, inputs, lengths, engine="native", reverse=reverse)
        double = results(cell.double(), inputs, lengths, engine="eager", reverse=reverse)
        assert_near(single, double)


@every_cell
@pytest.mark.parametrize(("units", "batch"), [(3, 300), (256, 70), (1000, 3)])
def test_equals_eager_at_full_size(make, units, batch):
    torch.manual_seed(units)
    cell = make(5, units)
    lengths = np.random.default_rng(1).integers(0, 6, batch).tolist()
    inputs = torch.randn(batch, 6, 5)
    single = results(cell, inputs, lengths, engine="native")
    assert_near(single, results(cell.double(), inputs, lengths, engine="eager"))


@some_cells
def test_nothing_is_read_that_was_not_written(make):
    """Torch fills new memory with NaN here."""
    torch.manual_seed(0)
    cell, inputs, lengths = make(3, 21), torch.randn(5, 6, 3), [6, 0, 1, 4, 2]
    expected = results(cell, inputs, lengths, engine="native")
    torch.use_deterministic_algorithms(True)
    try:
        assert torch.utils.deterministic.fill_uninitialized_memory
        for recompute in (False, True):
            found = results(cell, inputs, lengths, engine="native", recompute=recompute)
            assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("kernels", _native.rnn.kernel_names() if _native.NATIVE else [])
@some_cells
def test_every_instruction_set_agrees(make, kernels, monkeypatch):
    monkeypatch.setattr(_native_loop, "KERNELS", kernels)
    torch.manual_seed(1)
    cell = make(3, 40)
    inputs = torch.randn(9, 8, 3)
    lengths = [8, 0, 3, 1, 5, 7, 2, 8, 6]
    single = results(cell, inputs, lengths, engine="native")
    assert_near(single, results(cell.double(), inputs, lengths, engine="eager"))


@some_cells
@settings(max_examples=15, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=30),
    fill=st.sampled_from([1e30, float("inf"), float("nan")]),
)
def test_padding_is_invisible(make, lengths, fill):
    torch.manual_seed(0)
    cell = make(3, 5)
    tight = torch.randn(len(lengths), max(lengths), 3)
    loose = torch.full((len(lengths), max(lengths) + 3, 3), fill)
    for row, length in enumerate(lengths):
        loose[row, :length] = tight[row, :length]
    expected = results(cell, tight, lengths, engine="native")
    found = results(cell, loose, lengths, engine="native")
    steps = max(lengths)
    live = torch.arange(steps + 3) < torch.tensor(lengths)[:, None]
    for tensor in found:
        if tensor.ndim == 3:
            assert not tensor[~live].any()
    for before, after in zip(expected, found, strict=True):
        if before.ndim == 3:
            after = after[:, :steps]
            before, after = before[live[:, :steps]], after[live[:, :steps]]
        assert_close(after, before, rtol=1e-5, atol=1e-6)


@some_cells
def test_a_row_does_not_depend_on_its_batch_order_or_threads(make):
    """Bit for bit, outputs and final states of the whole call."""
    torch.manual_seed(0)
    cell = make(5, 37)
    lengths = np.random.default_rng(0).integers(1, 20, 50).tolist()
    inputs = torch.randn(50, 20, 5)
    threads = torch.get_num_threads()
    with torch.no_grad():
        outputs, _ = dynamic_rnn(cell, inputs, lengths, engine="native")
        order = torch.randperm(50)
        shuffled, _ = dynamic_rnn(cell, inputs[order], [lengths[i] for i in order], engine="native")
        assert torch.equal(shuffled, outputs[order])
        for i in (0, 13, 49):
            alone, _ = dynamic_rnn(cell, inputs[i : i + 1], lengths[i : i + 1], engine="native")
            assert torch.equal(alone[0], outputs[i])
        try:
            torch.set_num_threads(1)
            assert torch.equal(dynamic_rnn(cell, inputs, lengths, engine="native")[0], outputs)
            torch.set_num_threads(7)
            assert torch.equal(dynamic_rnn(cell, inputs, lengths, engine="native")[0], outputs)
        finally:
            torch.set_num_threads(threads)


def test_a_second_backward_pass_gives_the_same():
    cell = GRUCell(3, 20)
    inputs = torch.randn(4, 6, 3)
    outputs, _ = dynamic_rnn(cell, inputs, [6, 2, 0, 5], engine="native")
    first = torch.autograd.grad(outputs.sum(), cell.gates.kernel, retain_graph=True)
    second = torch.autograd.grad(outputs.sum(), cell.gates.kernel)
    assert_close(first, second, rtol=0, atol=0)


@pytest.mark.parametrize("hold", [lambda tensor: tensor, torch.Tensor.detach])
def test_what_a_hook_has_got_is_not_overwritten(hold):
    held = []

    def pack(tensor):
        held.append(hold(tensor))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs, _ = dynamic_rnn(LSTMCell(3, 20), torch.randn(4, 6, 3), engine="native")
    before = [tensor.clone() for tensor in held]
    outputs.sum().backward()
    assert all(torch.equal(a, b) for a, b in zip(before, held, strict=True))


def test_gradients_take_the_place_of_gates_that_nobody_holds(monkeypatch):
    answers = []
    is_last_use = _gradient._is_last_use
    monkeypatch.setattr(
        _gradient, "_is_last_use", lambda kept: answers.append(is_last_use(kept)) or answers[-1]
    )
    outputs, _ = dynamic_rnn(LSTMCell(3, 20), torch.randn(4, 6, 3), engine="native")
    outputs.sum().backward(retain_graph=True)
    outputs.sum().backward()
    assert answers == [False, True]


def test_weights_are_read_anew_after_a_step_of_the_optimiser():
    cell = LSTMCell(3, 20)
    inputs = torch.randn(4, 6, 3)
    optimizer = torch.optim.SGD(cell.parameters(), lr=0.5)
    for _ in range(3):
        outputs, _ = dynamic_rnn(cell, inputs, engine="native")
        expected, _ = dynamic_rnn(cell, inputs, engine="eager")
        assert_close(outputs, expected)
        optimizer.zero_grad()
        outputs.sum().backward()
        optimizer.step()


def test_settings_may_change_after_the_first_run():
    cell = LSTMCell(3, 5)
    inputs = torch.randn(2, 4, 3)
    before, _ = dynamic_rnn(cell, inputs, engine="native")
    cell.forget_bias = -1.0
    after, _ = dynamic_rnn(cell, inputs, engine="native")
    assert not torch.equal(before, after)
    assert_close(after, dynamic_rnn(cell, inputs, engine="eager")[0])


def test_autocast_leaves_the_cell_its_precision():
    cell = LSTMCell(3, 20)
    inputs = torch.randn(2, 4, 3)
    expected, _ = dynamic_rnn(cell, inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for engine in ("native", "eager"):
            assert_close(dynamic_rnn(cell, inputs, engine=engine)[0], expected)
        low = torch.nn.Linear(3, 3)(inputs)
        assert low.dtype == torch.bfloat16
        outputs, _ = dynamic_rnn(cell, low)
    assert outputs.dtype == torch.float32
    outputs.sum().backward()
    assert cell.kernel.grad.isfinite().all()


def test_can_be_differentiated_twice():
    cell = LSTMCell(3, 5)
    inputs = torch.randn(3, 4, 3, requires_grad=True)

    def second(cell, inputs):
        outputs, _ = dynamic_rnn(cell, inputs, [4, 0, 2])
        (first,) = torch.autograd.grad(outputs.square().sum(), inputs, create_graph=True)
        return torch.autograd.grad(first.square().sum(), cell.kernel)[0]

    single = second(cell, inputs)
    double = second(cell.double(), inputs.detach().double().requires_grad_())
    assert_near([single], [double])


def _of_state_and_values(cell, inputs):
    state = inputs.mean(1) @ cell.candidate.kernel[: cell.input_size]
    return dynamic_rnn(cell, inputs, [4, 0, 2], state)[0]


def _in_two_chunks(cell, inputs):
    _, state = dynamic_rnn(cell, inputs[:, :2], [2, 0, 1])
    return dynamic_rnn(cell, inputs[:, 2:], [2, 1, 1], state)[0]


def _of_one_state_twice(cell, inputs):
    state = inputs[:, 0].repeat(1, 2)[:, : cell.num_units]
    return dynamic_rnn(cell, inputs, [4, 0, 2], LSTMStateTuple(state, state))[0]


@pytest.mark.parametrize(
    ("make", "function"),
    [
        (lambda: GRUCell(3, 5), _of_state_and_values),
        (lambda: LSTMCell(3, 5, use_peepholes=True), _in_two_chunks),
        (lambda: LSTMCell(3, 5), _of_one_state_twice),
    ],
    ids=["state of values", "chunks", "one state twice"],
)
def test_gradients_that_have_a_graph_are_those_without(make, function):
    """Also where the arguments of a run depend on each other, or on the same weights."""
    cell, inputs = make().double(), torch.randn(3, 4, 3, dtype=torch.float64, requires_grad=True)
    for vector in cell.vectors():
        torch.nn.init.normal_(vector)
    wanted = [inputs, *cell.parameters()]
    loss = function(cell, inputs).sin().sum()
    plain = torch.autograd.grad(loss, wanted, retain_graph=True)
    assert_close(torch.autograd.grad(loss, wanted, create_graph=True), plain)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # jvp's
@pytest.mark.parametrize("lengths", [[4, 0, 2], torch.tensor([4, 0, 2]), None], ids=str)
def test_runs_under_every_function_transform(lengths):
    cell, inputs = GRUCell(3, 5).double(), torch.randn(3, 4, 3, dtype=torch.float64)

    def loss(inputs):
        given = lengths.clone() if isinstance(lengths, torch.Tensor) else lengths
        return dynamic_rnn(cell, inputs, given)[0].sin().sum()

    leaf = inputs.clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss(leaf), leaf)
    assert_close(torch.func.grad(loss)(inputs), expected)
    assert_close(torch.func.jacrev(loss)(inputs), expected)
    assert_close(torch.func.jacfwd(loss)(inputs), expected)
    _, along = torch.func.jvp(loss, (inputs,), (inputs,))
    assert_close(along, (expected * inputs).sum())
    assert_close(torch.vmap(torch.func.grad(loss))(inputs[None])[0], expected)


def test_runs_under_vmap():
    cell = GRUCell(3, 5)
    inputs = torch.randn(2, 3, 4, 3)
    found = torch.vmap(lambda x: dynamic_rnn(cell, x)[0])(inputs)
    assert_close(found[1], dynamic_rnn(cell, inputs[1])[0])


def operands(cell, lengths, num_steps):
    """What the operator takes, for random values of a padded block."""
    rows = Rows.padded(torch.tensor(lengths), num_steps)
    values = torch.randn(rows.num_rows, cell.input_size)
    products = [w if w is None else w.detach() for w in cell.products()]
    states = [torch.randn(len(lengths), n) for n in cell_program(cell).state_units]
    vectors = [vector.detach() for vector in cell.vectors()]
    for tensor in (values, *products, *vectors, *states):
        if tensor is not None:
            tensor.requires_grad_()
    tables = (rows.lengths, rows.bases, rows.time_offsets)
    noisy = cell_program(cell, noisy=bool(cell.noise_names))
    noises = [torch.randn(sum(lengths), cell.num_units) for _ in cell.noise_names]
    return [values, *tables, *products, vectors, noises, states, noisy.json]


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize(
    "cell", [LSTMCell(3, 5, num_proj=2, use_peepholes=True), NoisyCell(3, 5)], ids=["LSTM", "noisy"]
)
def test_the_operator_passes_the_checks_of_torch(cell, recompute):
    torch.library.opcheck(unroll_op, (*operands(cell, [4, 0, 2], 4), False, True, recompute))


def test_the_operator_refuses_what_it_would_read_out_of_bounds():
    cell = GRUCell(3, 5)
    values, lengths, bases, offsets, *rest = operands(cell, [4, 3], 4)

    def call(values=values, lengths=lengths, bases=bases, offsets=offsets):
        unroll_op(values, lengths, bases, offsets, *rest, False, False, False)

    call()
    with pytest.raises(ValueError, match=r"input weights: expected shape \(4, 15\)"):
        call(values=torch.randn(8, 4))
    with pytest.raises(ValueError, match="found 9 in row 1"):
        call(lengths=torch.tensor([4, 9]))
    with pytest.raises(ValueError, match="step 0 of row 1 is at place 3, which is taken"):
        call(bases=torch.tensor([0, 3]))
    with pytest.raises(ValueError, match="step 1 of row 0 is at place 70"):
        call(offsets=torch.tensor([0, 70, 1, 2]))
    with pytest.raises(ValueError, match="bases: expected int64 of shape"):
        call(bases=torch.tensor([0]))
    with pytest.raises(ValueError, match=r"expected torch.float64 on the CPU, found torch.float32"):
        call(values=values.double())


def test_stacks_run_layer_by_layer():
    stack = MultiRNNCell([DropoutWrapper(LSTMCell(3, 20), 0.5), GRUCell(20, 9)]).eval()
    inputs = torch.randn(4, 6, 3)
    native = dynamic_rnn(stack, inputs, [6, 0, 2, 5], engine="native")
    assert_close(native, dynamic_rnn(stack, inputs, [6, 0, 2, 5], engine="eager"))


def test_several_threads_may_call_at_once():
    cell = LSTMCell(8, 64)
    inputs = torch.randn(20, 30, 8)
    with torch.no_grad():
        expected, _ = dynamic_rnn(cell, inputs, engine="eager")
    failures = []

    def work():
        for _ in range(5):
            with torch.no_grad():
                outputs, _ = dynamic_rnn(cell, inputs, engine="native")
            if not torch.allclose(outputs, expected, atol=1e-5):
                failures.append(outputs)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures


def dropped_states():
    """A stack whose states are dropped, which no other cell does in its place."""
    return DropoutWrapper(MultiRNNCell([LSTMCell(3, 4)]), state_keep_prob=0.5)


class TestExplain:
    def test_prints_the_program(self):
        explanation = explain(LSTMCell(3, 4))
        assert explanation.engine == "native"
        assert explanation.reason is None
        assert "c = " in explanation.replace("next_c", "c")
        assert explanation.program.units == 4

    @pytest.mark.parametrize(
        ("cell", "inputs", "reason"),
        [
            (LSTMCell(3, 4, dtype=torch.bfloat16), None, "computes in torch.float32"),
            (dropped_states(), None, "draws noise in every step"),
            (GRUCell(3, 4, activation=torch.erf), None, "it uses erf, for which programs have no"),
        ],
    )
    def test_has_the_reason(self, cell, inputs, reason):
        explanation = explain(cell, inputs)
        assert explanation.engine == "eager"
        assert reason in explanation
        x = torch.zeros(1, 1, 3, dtype=cell.dtype)
        with pytest.raises(ValueError, match=r"engine='native': .*"):
            dynamic_rnn(cell, x, engine="native")

    def test_of_a_stack(self):
        stack = MultiRNNCell([dropped_states(), GRUCell(4, 5)])
        explanation = explain(stack)
        assert explanation.engine == "mixed"
        assert [part.engine for part in explanation.parts] == ["eager", "native"]
        assert (
            "cell 0 of the stack\nengine: eager\nreason: DropoutWrapper draws noise" in explanation
        )
        assert explain(stack.eval()).engine == "native"

    def test_of_layers(self):
        explanation = explain(varlen.LSTM(3, 4, 2, bidirectional=True))
        assert explanation.engine == "native"
        assert len(explanation.parts) == 4

    def test_of_a_cell_that_reads_values(self):
        class Reads(PlainCell):
            def update(self, gates, state, weights):
                if gates.both.sum() > 0:
                    return super().update(gates, state, weights)
                return state.h, state

        assert "it cannot be traced" in explain(Reads(3, 4))


@pytest.mark.wrong_types
def test_an_unknown_engine_is_refused():
    with pytest.raises(
        ValueError, match="engine: expected one of auto, eager, native, found 'gpu'"
    ):
        dynamic_rnn(GRUCell(3, 4), torch.zeros(1, 1, 3), engine="gpu")
