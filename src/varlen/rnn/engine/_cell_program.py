"""A whole cell as plain data: its sizes, and the programs of its step and of the step's gradient.

A second product (a projection, or the candidate of a GRU) cuts the step in two: the first program
computes the product's operand and all that does not need the product, the second one the rest.
"""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import nn

from varlen.rnn._recurrent import (
    NOT_SETTINGS,
    RecurrentCell,
    all_gate_names,
    gates_type,
    group_weights,
)
from varlen.rnn.engine._program import Instruction, Program, compile_program
from varlen.rnn.engine._trace import Untraceable, trace
from varlen.rnn.engine._values import Term, Values


@dataclass(frozen=True)
class CellProgram:
    """What the native loop needs to know of a cell besides its weights.

    Attributes:
        units: width of a gate.
        num_gates: fed by inputs and state.
        num_recurrent_gates: fed by the state alone.
        num_input_gates: fed by the inputs alone.
        num_vectors: parameters of one number per unit.
        num_noises: rows of numbers that are drawn for each step.
        state_units: width of each leaf of the state.
        product_state: the leaf that goes into the recurrent product.
        second_units: width of the second product; 0: there is none.
        output_units: width of the output.
        output_state: the leaf that is the output; -1: none is.
        forward: gates, states, vectors, noises, product -> next states, output, operand.
        second_forward: the same registers, after the second product.
        backward: those, and gradients of output, next states and operand -> gradients.
        second_backward: the gradient of the product.
    """

    units: int
    num_gates: int
    num_recurrent_gates: int
    num_input_gates: int
    num_vectors: int
    num_noises: int
    state_units: tuple[int, ...]
    product_state: int
    second_units: int
    output_units: int
    output_state: int
    forward: Program
    second_forward: Program | None
    backward: Program
    second_backward: Program | None

    @property
    def all_gates(self) -> int:
        """Gates of all kinds."""
        return self.num_gates + self.num_recurrent_gates + self.num_input_gates

    @cached_property
    def json(self) -> str:
        """The program as text, for an exported model to carry."""
        return json.dumps(asdict(self))

    @staticmethod
    @lru_cache(maxsize=256)
    def from_json(text: str) -> "CellProgram":
        """The inverse of `json`."""
        fields = json.loads(text)
        for name in ("forward", "second_forward", "backward", "second_backward"):
            fields[name] = _program(fields[name])
        return CellProgram(**fields | {"state_units": tuple(fields["state_units"])})

    def __str__(self) -> str:
        parts = [
            ("step", self.forward),
            ("step, after the second product", self.second_forward),
            ("gradient, before the second product", self.second_backward),
            ("gradient", self.backward),
        ]
        return "\n".join(f"{title}:\n{_indented(part)}" for title, part in parts if part)


def _program(fields: dict[str, Any] | None) -> Program | None:
    if fields is None:
        return None
    instructions = tuple(Instruction(*instruction) for instruction in fields["instructions"])
    return Program(
        tuple(fields["inputs"]), tuple(fields["outputs"]), fields["num_temporaries"], instructions
    )


def _indented(program: Program) -> str:
    return "\n".join(f"  {line}" for line in str(program).split("\n"))


# By class and settings: the program, or why there is none. Cells alike share one.
_TRACED: dict[Any, CellProgram | str] = {}
# By class and attributes: those of the attributes that are settings.
_SETTING_NAMES: dict[tuple[type, tuple[str, ...]], tuple[str, ...]] = {}
# torch's tracer patches modules while it works, so only one thread may use it at a time.
_TRACING = threading.Lock()


def cell_program(cell: RecurrentCell, *, noisy: bool = False) -> CellProgram:
    """The program of a cell, traced when it is first asked for and when a setting has changed.

    Args:
        cell: any.
        noisy: of its steps with noise.

    Raises:
        Untraceable: with the reason.
    """
    key = (noisy, _settings(cell))
    try:
        known = _TRACED.get(key)
    except TypeError as error:
        raise Untraceable(f"a setting of it cannot be compared: {error}") from error
    if known is None:
        # A thread of its own is outside of whatever hooks and modes the caller is in.
        with _TRACING, ThreadPoolExecutor(max_workers=1) as thread:
            try:
                known = thread.submit(_trace_cell, cell, noisy).result()
            except Untraceable as reason:
                known = str(reason)
            _TRACED[key] = known
    if isinstance(known, str):
        raise Untraceable(known)
    return known


def _settings(module: nn.Module) -> tuple[Any, ...]:
    """Everything that `update` may read but parameters: attributes, and those of inner modules."""
    attributes = vars(module)
    place = (type(module), tuple(attributes))
    names = _SETTING_NAMES.get(place)
    if names is None:
        others = getattr(module, "not_settings", NOT_SETTINGS)
        names = _SETTING_NAMES[place] = tuple(n for n in place[1] if n not in others)
    key = (place[0], names, tuple(map(attributes.__getitem__, names)))
    inner = attributes["_modules"]
    if not inner:
        return key
    parts = tuple(None if part is None else _settings(part) for part in inner.values())
    return (*key, tuple(inner), parts)


class _Step:
    """`update` as a function of a flat list of tensors, the last of which is the second product."""

    def __init__(self, cell: RecurrentCell, noisy: bool) -> None:
        self.cell = cell
        self.gates = all_gate_names(type(cell))
        leaves = cell.unpack_state(cell.zero_state(0))
        grouped = cell.group_state(leaves)
        self.state_units = tuple(leaf.shape[1] for leaf in leaves)
        self.states: tuple[str, ...] = getattr(grouped, "_fields", None) or ("state",)
        self.vectors = cell.vector_names
        self.noises = cell.noise_names if noisy else ()
        self.inputs = (*self.gates, *self.states, *self.vectors, *self.noises, "product")
        self.second_units = 0
        if cell.second_name is not None:
            weights = cell.products().second
            assert weights is not None, "a cell with second_name has second weights"
            self.second_units = weights.shape[1]

    @property
    def widths(self) -> list[int]:
        """Of `inputs`."""
        units = [self.cell.num_units]
        return [
            *(units * len(self.gates)),
            *self.state_units,
            *(units * (len(self.vectors) + len(self.noises))),
            self.second_units,
        ]

    @property
    def result_widths(self) -> list[int]:
        """Of output, next states, operand."""
        return [self.cell.output_size, *self.state_units, self.cell.num_units]

    def __call__(self, *tensors: torch.Tensor) -> list[torch.Tensor]:
        """Output, next states, and the operand of the second product if there is one."""
        gates, rest = tensors[: len(self.gates)], tensors[len(self.gates) :]
        states, rest = rest[: len(self.states)], rest[len(self.states) :]
        vectors, noises, product = rest[: len(self.vectors)], rest[len(self.vectors) : -1], rest[-1]
        operands: list[torch.Tensor] = []

        def second(operand: torch.Tensor) -> torch.Tensor:
            operands.append(operand)
            return product

        output, next_state = self.cell.update(
            gates_type(self.gates)(*gates),
            self.cell.group_state(list(states)),
            group_weights(self.cell, list(vectors), second, noises),
        )
        if len(operands) != (self.cell.second_name is not None):
            raise Untraceable(
                f"it makes {len(operands)} second products; programs have one if second_name is set"
            )
        return [output, *self.cell.ungroup_state(next_state), *operands]


def _trace_cell(cell: RecurrentCell, noisy: bool) -> CellProgram:
    step = _Step(cell, noisy)
    num_states = len(step.states)
    values, results = trace(step, step.widths, step.result_widths)
    product = len(step.inputs) - 1
    is_second = [values.depends(result, product) for result in results]
    if cell.second_name is not None and is_second[1 + num_states]:
        raise Untraceable("the operand of its second product depends on the product")

    output, *next_states = results[: 1 + num_states]
    output_state = next_states.index(output) if output in next_states else -1
    # Registers are in the order next states, output, operand.
    order = [*range(1, 1 + num_states), 0, *range(1 + num_states, len(results))]
    wanted = [i for i in order if not (i == 0 and output_state >= 0)]
    names = ("result", *(f"next_{name}" for name in step.states), "operand")
    outputs = tuple(names[i] for i in [*range(1, 1 + num_states), 0, 1 + num_states])

    def forward(second: bool) -> Program:
        chosen = {i for i in wanted if is_second[i] == second}
        return _compile(values, results, chosen, order, inputs=step.inputs, outputs=outputs)

    second_units = step.second_units
    # What is made of a product of another width than the units cannot depend on gates, and a
    # state of that width takes part after the product only.
    apart = second_units not in (0, cell.num_units)
    _check_widths(step, values, results)
    first = [i for i in range(len(results)) if not (apart and is_second[i])]
    second = [i for i in range(len(results)) if is_second[i]]
    later = [product] + [
        len(step.gates) + i for i, n in enumerate(step.state_units) if n != cell.num_units
    ]
    first_noise = len(step.gates) + num_states + len(step.vectors)
    drawn = range(first_noise, first_noise + len(step.noises))
    sooner = [i for i in range(len(step.inputs)) if i not in later and i not in drawn]
    return CellProgram(
        units=cell.num_units,
        num_gates=len(cell.gate_names),
        num_recurrent_gates=len(cell.recurrent_gate_names),
        num_input_gates=len(cell.input_gate_names),
        num_vectors=len(step.vectors),
        num_noises=len(step.noises),
        state_units=step.state_units,
        product_state=cell.product_state,
        second_units=second_units,
        output_units=cell.output_size,
        output_state=output_state,
        forward=forward(second=False),
        second_forward=forward(second=True) if second_units else None,
        backward=_backward(step, names, first, by=sooner),
        second_backward=_backward(step, names, second, by=later) if second_units else None,
    )


def _check_widths(step: _Step, values: Values, results: list[Term]) -> None:
    """Checks that nothing is broadcast: the loop walks along the units of all rows alike.

    Raises:
        Untraceable: something is.
    """
    widths, units = step.widths, step.cell.num_units
    product = len(widths) - 1
    for result, width in zip(results, step.result_widths, strict=False):
        made = step.second_units if values.depends(result, product) else units
        read = {width for i, width in enumerate(widths) if values.depends(result, i)}
        if made != width or not read <= {width}:
            raise Untraceable(
                f"it makes a result of {width} units of rows of {sorted(read | {made})}: programs "
                "do not broadcast"
            )


def _compile(
    values: Values,
    results: list[Term],
    chosen: set[int],
    order: list[int],
    *,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
) -> Program:
    numbers = [values.number(results[i]) if i in chosen else None for i in order]
    numbers += [None] * (len(outputs) - len(numbers))
    return compile_program(values, numbers, inputs=inputs, outputs=outputs)


def _backward(step: _Step, names: tuple[str, ...], of: list[int], *, by: list[int]) -> Program:
    """The vector-Jacobian product of some results by some inputs."""
    num_inputs = len(step.inputs)
    gradients = tuple(f"d_{name}" for name in names)

    def pulled_back(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        inputs, cotangents = tensors[:num_inputs], tensors[num_inputs:]

        def chosen(*free: torch.Tensor) -> list[torch.Tensor]:
            given = dict(zip(by, free, strict=True))
            results = step(*(given.get(i, inputs[i]) for i in range(num_inputs)))
            return [results[i] for i in of]

        _, pull = torch.func.vjp(chosen, *(inputs[i] for i in by))[:2]
        pulled: tuple[torch.Tensor, ...] = pull([cotangents[i] for i in of])
        return pulled

    widths = [*step.widths, *step.result_widths]
    values, results = trace(pulled_back, widths, [step.widths[i] for i in by])
    written = dict(zip(by, map(values.number, results), strict=True))
    return compile_program(
        values,
        [written.get(i) for i in range(num_inputs)],
        inputs=(*step.inputs, *gradients),
        outputs=tuple(f"d_{name}" for name in step.inputs),
        summed={f"d_{name}" for name in step.vectors},
        in_place=len(step.gates),
    )
