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
from varlen.rnn.engine._cell_program import CellProgram
from varlen.rnn.engine._program import NUMBERS, Program
from varlen.rnn.engine._rows import Rows

DTYPES = (torch.float32, torch.float64)
"""What the loop is compiled for."""

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
    products: Products,
    vectors: Sequence[Tensor],
    initial_states: Sequence[Tensor],
    program: str,
    *,
    reverse: bool,
    keep: bool,
    recompute: bool,
) -> tuple[Tensor, list[Tensor], Saved | None]:
    """As `unroll_reference`, and with `keep` what `backward` needs."""
    loaded = _load(program)
    call = _Call(loaded, values, rows, products, vectors, initial_states, reverse=reverse)
    outputs = values.new_empty(rows.num_rows, loaded.program.output_units)
    final_states = [torch.empty_like(state) for state in call.initial_states]
    saved = None
    if keep:
        room = [
            values.new_empty(call.batch.num_steps if width else 0, width)
            for width in saved_widths(loaded.program, recompute=recompute)
        ]
        gates, *states, operands, second = room
        saved = Saved(gates, states, operands, second)
    call.run("forward", final_states=final_states, outputs=outputs, saved=saved)
    return outputs, final_states, saved


def backward(
    output_gradients: Tensor | None,
    final_gradients: Sequence[Tensor | None],
    values: Tensor,
    rows: Rows,
    products: Products,
    vectors: Sequence[Tensor],
    initial_states: Sequence[Tensor],
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
    call = _Call(loaded, values, rows, products, vectors, initial_states, reverse=reverse)
    call.check(*(g for g in (output_gradients, *final_gradients) if g is not None), *saved.states)
    placed = output_gradients is None or output_gradients.is_contiguous()
    if output_gradients is not None and not placed:
        # Often an expanded number, of which only the rows of real steps need memory.
        places = torch.from_numpy(rows.places())
        output_gradients = output_gradients.index_select(0, places).contiguous()
    finals = [None if g is None else g.contiguous() for g in final_gradients]
    gradients = Gradients(
        values=torch.empty_like(call.values) if of_values else values.new_empty(0),
        products=Products._make(
            None if w is None else torch.empty_like(w, memory_format=torch.contiguous_format)
            for w in products
        ),
        vectors=[torch.empty_like(vector) for vector in call.vectors],
        initial_states=[torch.empty_like(state) for state in call.initial_states],
    )
    call.run(
        "backward",
        output_gradients=output_gradients,
        output_gradients_placed=placed,
        final_gradients=finals,
        initial_gradients=gradients.initial_states,
        saved=saved,
        input_gradients=gradients.values if of_values else None,
        gradients=_native.rnn.Gradients(
            input=_address(gradients.products.input),
            recurrent=_address(gradients.products.recurrent),
            second=_address(gradients.products.second),
            bias=_address(gradients.products.bias),
            vectors=[vector.data_ptr() for vector in gradients.vectors],
        ),
    )
    return gradients


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


class _Call:
    """The arguments of an unroll, checked and held while the core reads them."""

    def __init__(
        self,
        loaded: _Loaded,
        values: Tensor,
        rows: Rows,
        products: Products,
        vectors: Sequence[Tensor],
        initial_states: Sequence[Tensor],
        *,
        reverse: bool,
    ) -> None:
        self.dtype = values.dtype
        self.check(values, *(w for w in products if w is not None), *vectors, *initial_states)
        _check_shapes(loaded.program, values, rows, products, vectors, initial_states)
        self.values = values.contiguous()
        self.vectors = [vector.contiguous() for vector in vectors]
        self.initial_states = [state.contiguous() for state in initial_states]
        self.products = products._replace(
            bias=None if products.bias is None else products.bias.contiguous()
        )
        self.batch = _native.rnn.Batch(
            lengths=rows.lengths.data_ptr(),
            size=len(rows.lengths),
            bases=rows.bases.data_ptr(),
            time_offsets=rows.time_offsets.data_ptr(),
            num_steps=len(rows.time_offsets),
            num_rows=rows.num_rows,
            reverse=reverse,
        )
        self.cell = loaded.cell

    def check(self, *tensors: Tensor) -> None:
        """Checks what the core cannot read.

        Raises:
            ValueError: another dtype or device.
        """
        for tensor in tensors:
            if (
                tensor.dtype != self.dtype
                or self.dtype not in DTYPES
                or tensor.device.type != "cpu"
            ):
                expected = self.dtype if self.dtype in DTYPES else "torch.float32 or torch.float64"
                raise ValueError(
                    f"expected {expected} on the CPU, found {tensor.dtype} on {tensor.device}"
                )

    def run(self, direction: str, *, saved: Saved | None, **arguments: Any) -> None:
        """Calls the core; tensors go as their addresses."""
        products = self.products
        getattr(_native.rnn, f"{direction}_{str(self.dtype).removeprefix('torch.')}")(
            kernels=KERNELS,
            crew=_native.rnn.Crew(parallel_for=_parallel_for(), size=torch.get_num_threads()),
            batch=self.batch,
            cell=self.cell,
            weights=_native.rnn.Weights(
                input=_matrix(products.input),
                recurrent=_matrix(products.recurrent),
                second=_matrix(products.second),
                bias=_address(products.bias),
                vectors=_address(self.vectors),
            ),
            inputs=_address(self.values),
            initial_states=_address(self.initial_states),
            saved=_native.rnn.Saved(
                gates=0 if saved is None else _address(saved.gates),
                states=[0] * len(self.initial_states) if saved is None else _address(saved.states),
                operands=0 if saved is None else _address(saved.operands),
                products=0 if saved is None else _address(saved.products),
            ),
            **{name: _address(argument) for name, argument in arguments.items()},
        )


@cache
def _parallel_for() -> int:
    """The address of the function with which torch lends its threads; 0 if it has none."""
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    try:
        function = ctypes.CDLL(str(library)).torch_parallel_for
    except (OSError, AttributeError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _address(argument: Any) -> Any:
    """Of a tensor or a list of them; 0 for None and for what is empty."""
    if argument is None:
        return 0
    if isinstance(argument, list):
        return [_address(item) for item in argument]
    return argument.data_ptr() if isinstance(argument, Tensor) else argument


def _matrix(weights: Tensor | None) -> tuple[int, int, int, int, int] | None:
    return None if weights is None else (weights.data_ptr(), *weights.stride(), *weights.shape)


def _check_shapes(
    program: CellProgram,
    values: Tensor,
    rows: Rows,
    products: Products,
    vectors: Sequence[Tensor],
    initial_states: Sequence[Tensor],
) -> None:
    """Checks what the core would read out of bounds, since anyone can call an operator."""
    units, batch_size = program.units, len(rows.lengths)
    fed_by_inputs = program.num_gates + program.num_input_gates
    fed_by_state = program.num_gates + program.num_recurrent_gates
    state = program.state_units[program.product_state]
    if values.ndim != 2 or values.shape[0] != rows.num_rows:
        raise ValueError(f"values: expected {rows.num_rows} rows, found {tuple(values.shape)}")
    expected = [
        ("input weights", products.input, (values.shape[1], fed_by_inputs * units)),
        ("recurrent weights", products.recurrent, (state, fed_by_state * units)),
        ("bias", products.bias, (program.all_gates * units,)),
        ("second weights", products.second, (units, program.second_units)),
        *(("vector", vector, (units,)) for vector in vectors),
        *(
            ("initial state", leaf, (batch_size, width))
            for leaf, width in zip(initial_states, program.state_units, strict=True)
        ),
    ]
    for name, tensor, shape in expected:
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ValueError(f"{name}: expected shape {shape}, found {tuple(tensor.shape)}")
    if (products.second is None) != (program.second_forward is None):
        raise ValueError("second weights: expected where the program has a second product")
    if len(vectors) != program.num_vectors:
        raise ValueError(f"vectors: expected {program.num_vectors}, found {len(vectors)}")
    for name, table in (("lengths", rows.lengths), ("bases", rows.bases)):
        if table.dtype != torch.int64 or table.shape != (batch_size,) or not table.is_contiguous():
            raise ValueError(f"{name}: expected int64 of shape ({batch_size},), found {table}")
    if rows.time_offsets.dtype != torch.int64 or not rows.time_offsets.is_contiguous():
        raise ValueError(f"time_offsets: expected int64, found {rows.time_offsets.dtype}")
