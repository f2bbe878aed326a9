"""The native loop on torch tensors: what it is given, and room for what it leaves.

Jagged tensors hold the real steps, sequence after sequence, with widths padded to whole vectors of
every instruction set. Everything else keeps its own layout and is read and written where it is.
"""

import ctypes
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from varlen import _native
from varlen.rnn._recurrent import Products
from varlen.rnn.engine._arguments import Arguments
from varlen.rnn.engine._cell_program import CellProgram
from varlen.rnn.engine._checks import check_call, check_kind
from varlen.rnn.engine._program import NUMBERS, Program
from varlen.rnn.engine._rows import Rows

VECTOR = 16

KERNELS = ""
"""The name of the kernels to run, as `_native.rnn.kernel_names()` has them; "" is the best."""


class Saved(NamedTuple):
    """What the steps leave for the gradient; jagged, `[steps, padded units]` each.

    What is computed again instead, or is not there, is empty.
    """

    gates: Tensor
    states: list[Tensor]
    operands: Tensor
    products: Tensor


class Gradients(NamedTuple):
    """Of the arguments of `forward`."""

    values: Tensor
    products: Products
    vectors: list[Tensor]
    initial_states: list[Tensor]


def padded(units: int) -> int:
    """The next multiple of `VECTOR`."""
    return -(-units // VECTOR) * VECTOR


def saved_widths(program: CellProgram, *, recompute: bool) -> list[int]:
    """Of gates, states, operands and products; 0 for what is not kept."""
    kept = 0 if recompute else 1
    second = kept if program.second_forward is not None else 0
    return [
        kept * program.all_gates * padded(program.units),
        *map(padded, program.state_units),
        second * padded(program.units),
        second * padded(program.second_units),
    ]


def forward(
    values: Tensor,
    rows: Rows,
    given: Arguments,
    program: str,
    *,
    reverse: bool,
    keep: bool,
    recompute: bool,
) -> tuple[Tensor, list[Tensor], Saved | None]:
    """As `unroll_reference`, and with `keep` what `backward` needs."""
    check_call(program, values, rows, given)
    outputs = values.new_empty(len(values), _load(program).program.output_units)
    final_states, saved = run_forward(
        values.contiguous(),
        outputs,
        make_batch(rows, reverse=reverse),
        given,
        program,
        keep=keep,
        recompute=recompute,
    )
    return outputs, final_states, saved


def run_forward(
    values: Tensor,
    outputs: Tensor | None,
    batch: Any,
    given: Arguments,
    program: str,
    *,
    keep: bool = False,
    recompute: bool = False,
) -> tuple[list[Tensor], Saved | None]:
    """`forward` of what has been checked; it fills `outputs`, if there are any."""
    loaded = _load(program)
    final_states = [state.new_empty(*state.shape) for state in given.states]
    saved = None
    if keep:
        room = [
            values.new_empty(batch.num_steps if width else 0, width)
            for width in saved_widths(loaded.program, recompute=recompute)
        ]
        gates, *states, operands, second = room
        saved = Saved(gates, states, operands, second)
    _call(
        "forward",
        loaded.cell,
        values,
        batch,
        given,
        saved,
        final_states=_addresses(final_states),
        outputs=_address(outputs),
    )
    return final_states, saved


def backward(
    output_gradients: Tensor | None,
    final_gradients: Sequence[Tensor | None],
    values: Tensor,
    rows: Rows,
    given: Arguments,
    saved: Saved,
    program: str,
    *,
    reverse: bool,
    of_values: bool,
) -> Gradients:
    """The vector-Jacobian product of `forward`; it overwrites `saved.gates`.

    Args:
        of_values: whether the gradient of `values` is wanted; else it is empty.
    """
    loaded = _load(program)
    check_call(program, values, rows, given)
    check_kind(values, *(g for g in (output_gradients, *final_gradients) if g is not None))
    check_kind(values, *saved.states)
    placed = output_gradients is None or output_gradients.is_contiguous()
    if output_gradients is not None and not placed:
        # Often an expanded number, of which only the rows of real steps need memory.
        places = torch.from_numpy(rows.places())
        output_gradients = output_gradients.index_select(0, places).contiguous()
    finals = [None if g is None else g.contiguous() for g in final_gradients]
    of_products = Products._make(None if w is None else _room_like(w) for w in given.products)
    of_vectors = [_room_like(vector) for vector in given.vectors]
    of_states = [_room_like(state) for state in given.states]
    of_inputs = _room_like(values) if of_values else values.new_empty(0)
    _call(
        "backward",
        loaded.cell,
        values.contiguous(),
        make_batch(rows, reverse=reverse),
        given,
        saved,
        output_gradients=_address(output_gradients),
        output_gradients_placed=placed,
        final_gradients=_addresses(finals),
        initial_gradients=_addresses(of_states),
        input_gradients=_address(of_inputs),
        gradients=_native.rnn.Gradients(
            input=_address(of_products.input),
            recurrent=_address(of_products.recurrent),
            second=_address(of_products.second),
            bias=_address(of_products.bias),
            vectors=_addresses(of_vectors),
        ),
    )
    return Gradients(of_inputs, of_products, of_vectors, of_states)


def make_batch(rows: Rows, *, reverse: bool) -> Any:
    """The core's copy of where the steps are.

    Raises:
        ValueError: a length out of range, or two steps in one place.
    """
    return _native.rnn.Batch(
        lengths=rows.lengths.data_ptr(),
        size=len(rows.lengths),
        bases=rows.bases.data_ptr(),
        time_offsets=rows.time_offsets.data_ptr(),
        num_steps=len(rows.time_offsets),
        num_rows=rows.num_rows,
        reverse=reverse,
    )


class _Loaded(NamedTuple):
    program: CellProgram
    cell: Any


@lru_cache(maxsize=256)
def _load(text: str) -> _Loaded:
    """A cell's program for the core, once for each."""
    program = CellProgram.from_json(text)
    cell = _native.rnn.Cell(
        num_gates=program.num_gates,
        num_recurrent_gates=program.num_recurrent_gates,
        num_input_gates=program.num_input_gates,
        units=program.units,
        num_vectors=program.num_vectors,
        num_noises=program.num_noises,
        state_units=program.state_units,
        product_state=program.product_state,
        second_units=program.second_units,
        output_units=program.output_units,
        output_state=program.output_state,
        forward=_compiled(program.forward),
        second_forward=_compiled(program.second_forward),
        backward=_compiled(program.backward),
        second_backward=_compiled(program.second_backward),
    )
    return _Loaded(program, cell)


def _compiled(program: Program | None) -> Any:
    if program is None:
        return None
    rows = [(NUMBERS[i.operation], *i[1:]) for i in program.instructions]
    return _native.rnn.Program(
        rows, len(program.inputs), len(program.outputs), program.num_temporaries
    )


def _call(
    direction: str,
    cell: Any,
    values: Tensor,
    batch: Any,
    given: Arguments,
    saved: Saved | None,
    **addresses: Any,
) -> None:
    """Calls the core. What is copied here to lie in one piece lives until it returns."""
    products = given.products
    bias = None if products.bias is None else products.bias.contiguous()
    vectors = [vector.contiguous() for vector in given.vectors]
    noises = [_widened(noise) for noise in given.noises]
    initial_states = [state.contiguous() for state in given.states]
    core = _native.rnn
    function = core.forward_float32 if direction == "forward" else core.backward_float32
    if values.dtype == torch.float64:
        function = core.forward_float64 if direction == "forward" else core.backward_float64
    function(
        kernels=KERNELS,
        crew=_crew(torch.get_num_threads()),
        batch=batch,
        cell=cell,
        weights=core.Weights(
            input=_matrix(products.input),
            recurrent=_matrix(products.recurrent),
            second=None if products.second is None else _matrix(products.second),
            bias=_address(bias),
            vectors=_addresses(vectors),
            noises=_addresses(noises),
        ),
        inputs=values.data_ptr(),
        initial_states=_addresses(initial_states),
        saved=None
        if saved is None
        else core.Saved(
            gates=_address(saved.gates),
            states=_addresses(saved.states),
            operands=_address(saved.operands),
            products=_address(saved.products),
        ),
        **addresses,
    )


@lru_cache(maxsize=64)
def _crew(num_threads: int) -> Any:
    return _native.rnn.Crew(parallel_for=_parallel_for(), size=num_threads)


@cache
def _parallel_for() -> int:
    """The address of the function with which torch lends its threads; 0 if it has none."""
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    try:
        function = ctypes.CDLL(str(library)).torch_parallel_for
    except (OSError, AttributeError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _address(tensor: Tensor | None) -> int:
    """0 for None and for what is empty."""
    return 0 if tensor is None else tensor.data_ptr()


def _addresses(tensors: Sequence[Tensor | None]) -> list[int]:
    return [_address(tensor) for tensor in tensors]


def _matrix(weights: Tensor) -> tuple[int, int, int, int, int]:
    return weights.data_ptr(), *weights.stride(), *weights.shape


def _widened(noise: Tensor) -> Tensor:
    """Rows as wide as the core's own, with zeros behind the units."""
    units = noise.shape[1]
    if padded(units) == units:
        return noise.contiguous()
    wide = noise.new_zeros(len(noise), padded(units))
    wide[:, :units] = noise
    return wide


def _room_like(tensor: Tensor) -> Tensor:
    return tensor.new_empty(tensor.shape)
