"""The native loop on torch tensors: what it is given, and the large products around it.

Jagged tensors hold the real steps, row after row. Widths are padded to whole vectors of every
instruction set; where the widths are such already, nothing is copied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from varlen import _native
from varlen.rnn._recurrent import Products
from varlen.rnn.engine._cell_program import CellProgram
from varlen.rnn.engine._program import NUMBERS, Program
from varlen.sequences import check_lengths, live_steps

VECTOR = 16

KERNELS = ""
"""The name of the kernels to run, as `_native.rnn.kernel_names()` has them; "" is the best."""


class Saved(NamedTuple):
    """What a step leaves for its gradient; jagged, `[steps, padded units]` each."""

    gates: Tensor
    states: list[Tensor]
    operands: Tensor
    products: Tensor


def padded(units: int) -> int:
    """The next multiple of `VECTOR`."""
    return -(-units // VECTOR) * VECTOR


@lru_cache(maxsize=1024)
def _compiled(program: Program | None) -> Any:
    if program is None:
        return None
    rows = [(NUMBERS[i.operation], *i[1:]) for i in program.instructions]
    return _native.rnn.Program(
        rows, len(program.inputs), len(program.outputs), program.num_temporaries
    )


@lru_cache(maxsize=256)
def _shape(program: CellProgram) -> Any:
    return _native.rnn.Shape(
        num_gates=_num_gates(program),
        num_recurrent=program.num_gates + program.num_recurrent_gates,
        units=padded(program.units),
        true_units=program.units,
        second_units=padded(program.second_units),
        second_true_units=program.second_units,
        product_state=program.product_state,
        true_terms=program.state_units[program.product_state],
        num_parameters=program.num_vectors,
        state_units=[padded(units) for units in program.state_units],
    )


def _num_gates(program: CellProgram) -> int:
    return program.num_gates + program.num_recurrent_gates + program.num_input_gates


def saved_units(program: CellProgram) -> list[int]:
    """Widths of what a step leaves: gates, then states."""
    return [_num_gates(program) * padded(program.units), *map(padded, program.state_units)]


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def _addresses(tensors: Sequence[Tensor | None]) -> list[int]:
    return [_address(tensor) for tensor in tensors]


def _wide(tensor: Tensor, units: int) -> Tensor:
    """The last axis, which is blocks of `units`, with each block padded by zeros; contiguous."""
    missing = padded(units) - units
    if missing == 0:
        return tensor.contiguous()
    blocks = tensor.reshape(*tensor.shape[:-1], tensor.shape[-1] // units, units)
    return F.pad(blocks, (0, missing)).flatten(-2)


def _narrow(tensor: Tensor, units: int) -> Tensor:
    """The inverse of `_wide`."""
    if padded(units) == units:
        return tensor
    wide = padded(units)
    blocks = tensor.reshape(*tensor.shape[:-1], tensor.shape[-1] // wide, wide)
    return blocks[..., :units].flatten(-2)


@dataclass(frozen=True)
class Rows:
    """The real steps of a padded block.

    Attributes:
        lengths: `[batch]`, int64.
        starts: `[batch]`, where each row begins among the jagged values.
        live: the places of the real steps in the block, or None if all are real.
    """

    lengths: np.ndarray
    starts: np.ndarray
    num_steps: int
    live: Tensor | None

    @classmethod
    def of(cls, lengths: Tensor, num_steps: int) -> "Rows":
        counts = check_lengths(lengths, len(lengths), num_steps, argument="sequence_length")
        full = bool((counts == num_steps).all())
        live = None if full else torch.from_numpy(np.flatnonzero(live_steps(counts, num_steps)))
        return cls(counts, np.cumsum(counts) - counts, num_steps, live)

    def sequences(self, *, reverse: bool) -> Any:
        """For the native loop, which reads `lengths` and `starts` where they are."""
        return _native.rnn.Sequences(
            self.lengths.ctypes.data, self.starts.ctypes.data, len(self.lengths), reverse
        )

    def gather(self, block: Tensor) -> Tensor:
        """`[batch, time, ...]` to jagged values."""
        flat = block.flatten(0, 1)
        return flat.contiguous() if self.live is None else flat.index_select(0, self.live)

    def scatter(self, values: Tensor) -> Tensor:
        """Jagged values to `[batch, time, ...]`, zero elsewhere."""
        size = (len(self.lengths), self.num_steps)
        if self.live is None:
            return values.reshape(*size, *values.shape[1:])
        flat = values.new_zeros(size[0] * size[1], *values.shape[1:])
        return flat.index_copy_(0, self.live, values).reshape(*size, *values.shape[1:])


def _pack(weights: Tensor, *, transposed: bool, blocks: int = 1) -> Tensor:
    """Weights `[terms, blocks * units]` in the order in which the loop reads them, block by block.

    Transposed, each block takes `units` terms to `[terms]` columns instead.
    """
    terms, units = weights.shape[0], weights.shape[1] // blocks
    columns = padded(terms if transposed else units)
    rows = units if transposed else terms
    if transposed:
        weights = F.pad(weights, (0, 0, 0, columns - terms)).contiguous()
    else:
        weights = _wide(weights, units)
        units = columns
    packed = weights.new_empty(blocks, rows, columns)
    width = weights.shape[1]
    for block in range(blocks):
        _native.rnn.pack(
            kernels=KERNELS,
            weights=weights.data_ptr() + weights.element_size() * block * units,
            row_stride=1 if transposed else width,
            column_stride=width if transposed else 1,
            num_rows=rows,
            num_columns=columns,
            packed=packed[block].data_ptr(),
        )
    return packed


def _check(program: CellProgram, inputs: Tensor, products: Products, *others: Tensor) -> None:
    """Checks what the loop would read out of bounds, since anyone can call an operator."""
    units, gates = program.units, _num_gates(program)
    fed_by_inputs = program.num_gates + program.num_input_gates
    fed_by_state = program.num_gates + program.num_recurrent_gates
    state = program.state_units[program.product_state]
    expected = {
        "input weights": (products.input, (inputs.shape[-1], fed_by_inputs * units)),
        "recurrent weights": (products.recurrent, (state, fed_by_state * units)),
        "bias": (products.bias, (gates * units,)),
        "second weights": (products.second, (units, program.second_units)),
    }
    for name, (tensor, shape) in expected.items():
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ValueError(f"{name}: expected shape {shape}, found {tuple(tensor.shape)}")
    if (products.second is None) != (program.second_forward is None):
        raise ValueError("second weights: expected where the program has a second product")
    for tensor in (inputs, *(w for w in products if w is not None), *others):
        if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
            raise ValueError(
                f"expected torch.float32 on the CPU, found {tensor.dtype} on {tensor.device}"
            )


def forward(
    inputs: Tensor,
    lengths: Tensor,
    products: Products,
    vectors: Sequence[Tensor],
    initial_states: Sequence[Tensor],
    program: CellProgram,
    *,
    reverse: bool,
    keep: bool,
) -> tuple[Tensor, list[Tensor], Saved | None]:
    """As `unroll_reference`, and with `keep` what `backward` needs."""
    _check(program, inputs, products, *vectors, *initial_states)
    rows = Rows.of(lengths, inputs.shape[1])
    units, wide = program.units, padded(program.units)
    num_gates = _num_gates(program)
    num_recurrent = program.num_gates + program.num_recurrent_gates
    first, last = program.num_gates, program.num_gates + program.num_recurrent_gates
    values = rows.gather(inputs)
    bias = products.bias
    if bias is None:
        bias = inputs.new_zeros(num_gates * units)
    bias_wide = _wide(bias, units).reshape(num_gates, wide)

    projection_bias = torch.cat([bias_wide[:first], bias_wide[last:]]).flatten()
    projected = torch.addmm(projection_bias, values, _wide(products.input, units))
    block_of = [
        *range(first),
        *(-1 for _ in range(first, last)),
        *range(first, num_gates - last + first),
    ]
    gates = None
    if keep:
        # Where all gates begin with what the inputs gave, they are kept in its place.
        gates = projected if last == first else projected.new_empty(len(values), num_gates * wide)

    def room(units: int, *, kept: bool = True) -> Tensor | None:
        return values.new_empty(len(values), padded(units)) if kept else None

    is_output = [i == program.output_state for i in range(len(initial_states))]
    states = [
        room(n, kept=keep or out) for n, out in zip(program.state_units, is_output, strict=True)
    ]
    outputs = room(program.output_units, kept=program.output_state < 0)
    has_second = program.second_forward is not None
    operands = room(units, kept=keep and has_second)
    second_products = room(program.second_units, kept=keep and has_second)
    first_states = [_wide(s, n) for s, n in zip(initial_states, program.state_units, strict=True)]
    final_states = [state.clone() for state in first_states]
    recurrent = _pack(products.recurrent, transposed=False, blocks=max(1, num_recurrent))
    second = None if products.second is None else _pack(products.second, transposed=False)
    wide_vectors = [_wide(vector, units) for vector in vectors]
    _native.rnn.forward(
        kernels=KERNELS,
        num_threads=torch.get_num_threads(),
        sequences=rows.sequences(reverse=reverse),
        shape=_shape(program),
        program=_compiled(program.forward),
        second_program=_compiled(program.second_forward),
        recurrent=_address(recurrent),
        second=_address(second),
        projected=_address(projected),
        num_blocks=first + num_gates - last,
        block_of=block_of,
        bias=_address(bias_wide),
        parameters=_addresses(wide_vectors),
        initial_states=_addresses(first_states),
        final_states=_addresses(final_states),
        states=_addresses(states),
        outputs=_address(outputs),
        output_units=padded(program.output_units),
        gates=_address(gates),
        operands=_address(operands),
        products=_address(second_products),
    )
    jagged = outputs if outputs is not None else states[program.output_state]
    assert jagged is not None
    saved = None
    if keep:
        assert gates is not None
        saved = Saved(
            gates,
            [state for state in states if state is not None],
            values.new_empty(0) if operands is None else operands,
            values.new_empty(0) if second_products is None else second_products,
        )
        # An operator's results must not share memory; without padding `scatter` is but a view.
        jagged = jagged.clone() if rows.live is None and outputs is None else jagged
    return (
        rows.scatter(_narrow(jagged, program.output_units)),
        [
            _narrow(s, n).contiguous()
            for s, n in zip(final_states, program.state_units, strict=True)
        ],
        saved,
    )


class Gradients(NamedTuple):
    """In the order of the arguments of `forward`."""

    inputs: Tensor
    products: Products
    vectors: list[Tensor]
    initial_states: list[Tensor]


def backward(
    output_gradients: Tensor,
    final_gradients: Sequence[Tensor],
    inputs: Tensor,
    lengths: Tensor,
    products: Products,
    vectors: Sequence[Tensor],
    initial_states: Sequence[Tensor],
    saved: Saved,
    program: CellProgram,
    *,
    reverse: bool,
) -> Gradients:
    """The vector-Jacobian product of `forward`."""
    _check(program, inputs, products, output_gradients, *final_gradients, *saved.states)
    rows = Rows.of(lengths, inputs.shape[1])
    units, wide = program.units, padded(program.units)
    num_recurrent = program.num_gates + program.num_recurrent_gates
    first, last = program.num_gates, num_recurrent
    state_units = program.state_units

    jagged = _wide(rows.gather(output_gradients), program.output_units)
    first_states = [_wide(s, n) for s, n in zip(initial_states, state_units, strict=True)]
    last_gradients = [_wide(g, n) for g, n in zip(final_gradients, state_units, strict=True)]
    # Rows without a step hand the gradient of their final state through.
    first_gradients = [gradient.clone() for gradient in last_gradients]
    gates = torch.empty_like(saved.gates)
    second_gradients = torch.empty_like(saved.products)
    vector_gradients = [inputs.new_zeros(len(rows.lengths), wide) for _ in vectors]
    wide_vectors = [_wide(vector, units) for vector in vectors]
    recurrent = _pack(products.recurrent, transposed=True, blocks=max(1, num_recurrent))
    second = None if products.second is None else _pack(products.second, transposed=True)
    _native.rnn.backward(
        kernels=KERNELS,
        num_threads=torch.get_num_threads(),
        sequences=rows.sequences(reverse=reverse),
        shape=_shape(program),
        program=_compiled(program.backward),
        second_program=_compiled(program.second_backward),
        recurrent=_address(recurrent),
        second=_address(second),
        parameters=_addresses(wide_vectors),
        initial_states=_addresses(first_states),
        states=_addresses(saved.states),
        output_gradients=_address(jagged),
        output_units=padded(program.output_units),
        final_gradients=_addresses(last_gradients),
        initial_gradients=_addresses(first_gradients),
        gates=_address(saved.gates),
        products=_address(saved.products),
        gate_gradients=_address(gates),
        product_gradients=_address(second_gradients),
        parameter_gradients=_addresses(vector_gradients),
    )
    gates = _narrow(gates, units)
    fed_by_state = gates[:, : last * units]
    fed_by_inputs = (
        gates
        if first == last
        else torch.cat([gates[:, : first * units], gates[:, last * units :]], dim=1)
    )
    values = rows.gather(inputs)
    before = _states_before(
        rows, saved.states[program.product_state], first_states[program.product_state], reverse
    )
    before = before[:, : state_units[program.product_state]]
    second_weights = None
    if products.second is not None:
        operands = saved.operands[:, :units]
        second_weights = operands.t() @ second_gradients[:, : program.second_units]
    return Gradients(
        inputs=rows.scatter(fed_by_inputs @ products.input.t()),
        products=Products(
            input=values.t() @ fed_by_inputs,
            recurrent=before.t() @ fed_by_state,
            bias=None if products.bias is None else gates.sum(0),
            second=second_weights,
        ),
        vectors=[gradient.sum(0)[:units] for gradient in vector_gradients],
        initial_states=[
            _narrow(g, n).contiguous() for g, n in zip(first_gradients, state_units, strict=True)
        ],
    )


def _states_before(rows: Rows, states: Tensor, initial: Tensor, reverse: bool) -> Tensor:
    """The state that each step began with: that of its neighbour, or the initial one."""
    before = torch.empty_like(states)
    some = np.flatnonzero(rows.lengths)
    begin = rows.starts[some]
    if reverse:
        before[:-1] = states[1:]
        begin = begin + rows.lengths[some] - 1
    else:
        before[1:] = states[:-1]
    before[torch.from_numpy(begin)] = initial[torch.from_numpy(some)]
    return before
