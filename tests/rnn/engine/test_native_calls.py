"""The native engine in all that it is called from: layouts, dtypes, streams, threads, processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close
from torch.utils.data import DataLoader, Dataset

from native_cells import assert_near, every_cell, leaves_of_a_state, results, some_cells
from varlen import BasicLSTMCell, GRUCell, LSTMCell, LSTMStateTuple, _native, dynamic_rnn
from varlen.rnn import Products, RecurrentCell
from varlen.rnn.engine import Rows, native_step, unroll

pytestmark = pytest.mark.skipif(
    not _native.NATIVE, reason="the native core is left out (VARLEN_NATIVE=0)"
)


@every_cell
@pytest.mark.parametrize("units", [3, 16])
def test_double_precision(make, units):
    torch.manual_seed(units)
    cell = make(4, units).double()
    inputs = torch.randn(4, 6, 4)
    native = results(cell, inputs, [6, 0, 1, 4], engine="native")
    eager = results(cell, inputs, [6, 0, 1, 4], engine="eager")
    for found, expected in zip(native, eager, strict=True):
        assert_close(found, expected, rtol=1e-10, atol=1e-12)


@some_cells
@pytest.mark.parametrize("reverse", [False, True])
def test_recomputed_gates_are_those_that_would_have_been_kept(make, reverse):
    torch.manual_seed(0)
    cell = make(4, 21)
    inputs = torch.randn(5, 9, 4)
    arguments = (cell, inputs, [9, 0, 1, 4, 7])
    kept = results(*arguments, engine="native", reverse=reverse)
    again = results(*arguments, engine="native", reverse=reverse, recompute=True)
    assert all(torch.equal(a, b) for a, b in zip(kept, again, strict=True))


class TestLayouts:
    """The same sequences in every layout: the same outputs in the layout's places."""

    lengths = torch.tensor([3, 0, 5, 1])

    def layouts(self):
        packed = torch.tensor([3, 2, 2, 1, 1])  # of the order 2, 0, 3, and 1 without a step
        return {
            "padded": Rows.padded(self.lengths, 6),
            "time_major": Rows.time_major(self.lengths, 6),
            "jagged": Rows.jagged(self.lengths),
            "packed": Rows.packed(packed, torch.tensor([1, 0, 2])),
        }

    @pytest.mark.parametrize("engine", ["native", "eager"])
    @pytest.mark.parametrize("layout", ["padded", "time_major", "jagged"])
    def test_equals_each_sequence_alone(self, engine, layout):
        torch.manual_seed(0)
        cell, rows = GRUCell(3, 17), self.layouts()[layout]
        values = torch.full((rows.num_rows, 3), float("nan"))
        places = rows.places()
        values[places] = torch.randn(len(places), 3)
        outputs, state = unroll(
            cell, values, rows, cell.zero_state(4), None, reverse=False, engine=engine
        )
        padding = np.setdiff1d(np.arange(rows.num_rows), places)
        assert not outputs[padding].any()
        starts = self.lengths.cumsum(0) - self.lengths
        for b, (start, length) in enumerate(zip(starts, self.lengths, strict=True)):
            where = places[start : start + length]
            alone, last = dynamic_rnn(cell, values[where][None], engine="eager")
            assert_close(outputs[where], alone[0])
            assert_close(state[b], last[0])

    def test_packed_places_are_those_of_torch(self):
        sequences = [torch.randn(n, 2) for n in (2, 5, 1)]
        packed = torch.nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False)
        rows = Rows.packed(packed.batch_sizes, packed.sorted_indices)
        assert rows.lengths.tolist() == [2, 5, 1]
        assert_close(packed.data[rows.places()], torch.cat(sequences))

    def test_a_block_that_is_not_contiguous(self):
        cell, inputs = GRUCell(3, 8), torch.randn(3, 4, 6)[..., ::2]
        assert_close(
            dynamic_rnn(cell, inputs, engine="native"), dynamic_rnn(cell, inputs, engine="eager")
        )


class TestSingleStep:
    @every_cell
    def test_equals_the_plain_step(self, make):
        torch.manual_seed(0)
        cell = make(3, 33)
        inputs = torch.randn(4, 3)
        leaves = leaves_of_a_state(cell, 4, torch.randn_like)
        plain = cell(inputs, cell.pack_state(leaves))  # with a graph
        with torch.no_grad():
            output, next_leaves = native_step(cell, inputs, cell.products(), leaves)
            found = cell(inputs, cell.pack_state(leaves))
        assert torch.equal(output, found[0])
        assert_close((output, cell.pack_state(next_leaves)), plain)

    @pytest.mark.parametrize("units", [16, 256, 272, 1000])
    def test_a_stream_equals_a_sequence(self, units):
        """Weights are read unpacked here and packed there, in another order of memory alone."""
        torch.manual_seed(0)
        cell, inputs = LSTMCell(units, units), torch.randn(1, 5, units)
        with torch.no_grad():
            state, outputs = cell.zero_state(1), []
            for t in range(5):
                output, state = cell(inputs[:, t], state)
                outputs.append(output)
            expected, last = dynamic_rnn(cell, inputs)
        assert torch.equal(torch.stack(outputs, 1), expected)
        assert torch.equal(state.c, last.c)

    def test_weights_are_read_anew_each_time(self):
        cell, inputs = BasicLSTMCell(4, 16), torch.randn(1, 4)
        with torch.no_grad():
            before, _ = cell(inputs, cell.zero_state(1))
            cell.kernel.data.mul_(2)  # which leaves no version behind
            after, _ = cell(inputs, cell.zero_state(1))
            assert not torch.equal(before, after)
            assert_close(after, cell.requires_grad_(False)(inputs, cell.zero_state(1))[0])

    def test_a_state_that_does_not_fit_is_refused(self):
        cell = LSTMCell(3, 4)
        bad = LSTMStateTuple(torch.zeros(2, 4), torch.zeros(1, 4))
        with torch.no_grad(), pytest.raises(ValueError, match="state, leaf 1: expected"):
            cell(torch.zeros(2, 3), bad)


def test_a_setting_that_is_a_tensor_is_no_constant():
    class Scaled(GRUCell):
        def __init__(self):
            super().__init__(3, 4)
            self.register_buffer("scale", torch.tensor(0.5))

        def update(self, gates, state, weights):
            output, state = super().update(gates, state, weights)
            return output * self.scale, state

    cell, inputs = Scaled(), torch.randn(2, 3, 3)
    before, _ = dynamic_rnn(cell, inputs)
    cell.scale.fill_(2)
    assert_close(dynamic_rnn(cell, inputs)[0], 4 * before)


def test_numbers_made_in_the_update_are_constants():
    class Halved(GRUCell):
        def update(self, gates, state, weights):
            output, state = super().update(gates, state, weights)
            return output * torch.tensor(0.5), state

    cell, inputs = Halved(3, 4), torch.randn(2, 3, 3)
    native = dynamic_rnn(cell, inputs, engine="native")
    assert_close(native, dynamic_rnn(cell, inputs, engine="eager"))


class Swapping(RecurrentCell):
    """Each gate is in the gradient of the other: neither may be overwritten early."""

    gate_names = ("left", "right")

    def __init__(self, input_size, num_units):
        super().__init__()
        self.input_size = input_size
        self.num_units = self.state_size = self.output_size = num_units
        self.w = torch.nn.Parameter(0.3 * torch.randn(input_size, 2 * num_units))
        self.r = torch.nn.Parameter(0.3 * torch.randn(num_units, 2 * num_units))

    def products(self):
        return Products(self.w, self.r)

    def update(self, gates, state, weights):
        state = torch.tanh(gates.left * gates.right)
        return state, state


def test_gradients_in_the_place_of_their_gates():
    torch.manual_seed(0)
    cell, inputs = Swapping(3, 20), torch.randn(4, 5, 3)
    single = results(cell, inputs, [5, 0, 2, 4], engine="native")
    assert_near(single, results(cell.double(), inputs, [5, 0, 2, 4], engine="eager"))


def test_a_gradient_of_one_number_for_all():
    """As of `outputs.sum()`, whose gradient has no memory of its own."""
    cell, inputs = GRUCell(3, 20), torch.randn(4, 5, 3)
    for engine in ("native", "eager"):
        outputs, _ = dynamic_rnn(cell, inputs, [5, 0, 2, 4], engine=engine)
        cell.zero_grad()
        outputs.sum().backward()
        found = [p.grad.clone() for p in cell.parameters()]
        if engine == "native":
            expected = found
    assert_close(found, expected)


def test_outputs_may_be_changed_in_place():
    cell, inputs = LSTMCell(3, 16), torch.randn(4, 5, 3)
    outputs, _ = dynamic_rnn(cell, inputs, engine="native")
    torch.relu_(outputs).sum().backward()
    found = cell.kernel.grad.clone()
    cell.zero_grad()
    torch.relu(dynamic_rnn(cell, inputs, engine="eager")[0]).sum().backward()
    assert_close(found, cell.kernel.grad)


def test_one_long_sequence_is_shared_by_the_threads():
    """With so many units, the members of a team each take some of them, at every step."""
    torch.manual_seed(0)
    cell, inputs = LSTMCell(8, 700, num_proj=130), torch.randn(1, 12, 8)
    threads = torch.get_num_threads()
    found = []
    try:
        for number in (1, 2, 3, 5):
            torch.set_num_threads(number)
            found.append(results(cell, inputs, [12], engine="native"))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for one in found[1:] for a, b in zip(one, found[0], strict=True))
    assert_near(found[0], results(cell.double(), inputs, [12], engine="eager"))


class Unrolled(Dataset):
    """Runs a cell in whatever process the loader works."""

    def __init__(self):
        torch.manual_seed(0)
        self.cell, self.inputs = LSTMCell(4, 64), torch.randn(6, 9, 4)

    def __len__(self):
        return 6

    def __getitem__(self, item):
        with torch.no_grad():
            return dynamic_rnn(self.cell, self.inputs[item : item + 1], engine="native")[0][0]


def test_runs_in_workers_of_a_loader():
    data = Unrolled()
    here = [data[i] for i in range(6)]  # and the parent has used its threads
    found = [batch[0] for batch in DataLoader(data, num_workers=2)]
    assert_close(found, here)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_can_go_on():
    """Where the parent has used several threads, which the child lacks."""
    torch.manual_seed(0)
    cell, inputs = LSTMCell(16, 128), torch.randn(8, 24, 16)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with torch.no_grad():
            expected = dynamic_rnn(cell, inputs, engine="native")[0]
            child = os.fork()
            if child == 0:
                signal.alarm(60)  # ends a child that waits for them
                found = dynamic_rnn(cell, inputs, engine="native")[0]
                os._exit(0 if torch.equal(found, expected) else 1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        torch.set_num_threads(threads)


def test_compiles_and_exports():
    """In a process of its own: the checks of annotations are nothing for a compiler to see."""
    script = Path(__file__).parent / "compiling.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_without_the_core_it_is_said_once_that_this_is_slow():
    script = """
import torch, warnings
from varlen import GRUCell, dynamic_rnn
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(3):
        dynamic_rnn(GRUCell(2, 3), torch.zeros(1, 2, 2))
print(*(warning.message for warning in caught))
"""
    environment = os.environ | {"VARLEN_NATIVE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.count("native core is left out") == 1
