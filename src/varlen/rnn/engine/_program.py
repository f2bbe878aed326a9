"""A short vector program: arithmetic on rows as instructions over registers.

A register holds a row of numbers per sequence. The first ones are inputs, then come outputs, then
temporaries. The native loop interprets a program tile by tile; `Program.run` does the same with
whole tensors, and is its definition.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from varlen.rnn.engine._values import Values

# In the order of the enumeration in csrc/rnn/program.h. `k` is the instruction's constant.
OPERATIONS: dict[str, Callable[[Tensor, Tensor, Tensor, float], Tensor]] = {
    "copy": lambda a, b, c, k: a.clone(),
    "fill": lambda a, b, c, k: torch.full_like(a, k),
    "add": lambda a, b, c, k: a + b,
    "subtract": lambda a, b, c, k: a - b,
    "multiply": lambda a, b, c, k: a * b,
    "divide": lambda a, b, c, k: a / b,
    "add_scalar": lambda a, b, c, k: a + k,
    "scale": lambda a, b, c, k: a * k,
    "reverse": lambda a, b, c, k: k - a,
    "negate": lambda a, b, c, k: -a,
    "sigmoid": lambda a, b, c, k: torch.sigmoid(a),
    "tanh": lambda a, b, c, k: torch.tanh(a),
    "exp": lambda a, b, c, k: torch.exp(a),
    "relu": lambda a, b, c, k: torch.relu(a),
    "abs": lambda a, b, c, k: a.abs(),
    "sign": lambda a, b, c, k: a.sign(),
    "minimum": lambda a, b, c, k: a.clamp(max=k),
    "maximum": lambda a, b, c, k: a.clamp(min=k),
    "greater": lambda a, b, c, k: (a > k).to(a.dtype),
    "greater_equal": lambda a, b, c, k: (a >= k).to(a.dtype),
    "less": lambda a, b, c, k: (a < k).to(a.dtype),
    "less_equal": lambda a, b, c, k: (a <= k).to(a.dtype),
    "select": lambda a, b, c, k: torch.where(a != 0, b, c),
    "and": lambda a, b, c, k: a * b,
    "inverse_root": lambda a, b, c, k: torch.rsqrt(a),
    "expm1": lambda a, b, c, k: torch.expm1(a),
    "log": lambda a, b, c, k: torch.log(a),
    "log1p": lambda a, b, c, k: torch.log1p(a),
    "row_sum": lambda a, b, c, k: a.sum(-1, keepdim=True).expand_as(a),
}
# Adds to its target instead of writing it, for sums over the steps of a sequence.
ACCUMULATE = "accumulate"
NUMBERS = {name: number for number, name in enumerate([*OPERATIONS, ACCUMULATE])}


class Instruction(NamedTuple):
    """`target = operation(a, b, c, constant)`, all but the constant being registers."""

    operation: str
    target: int
    a: int = 0
    b: int = 0
    c: int = 0
    constant: float = 0.0


@dataclass(frozen=True)
class Program:
    """Instructions, and the names of the registers that come from outside.

    Attributes:
        inputs: names of the registers that are read.
        outputs: names of those that are written, behind the inputs. A program may leave some to
            another one.
        num_temporaries: how many registers lie behind those.
        instructions: in order.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    num_temporaries: int
    instructions: tuple[Instruction, ...]

    def run(self, inputs: Sequence[Tensor | None]) -> list[Tensor | None]:
        """The outputs for whole tensors; None for those that this program does not write."""
        registers: dict[int, Tensor] = {
            i: tensor for i, tensor in enumerate(inputs) if tensor is not None
        }
        any_input = next(iter(registers.values()))
        for operation, target, a, b, c, constant in self.instructions:
            if operation == ACCUMULATE:
                registers[target] = registers[a]
                continue
            x, y, z = (registers.get(name, any_input) for name in (a, b, c))
            registers[target] = OPERATIONS[operation](x, y, z, constant)
        first = len(self.inputs)
        return [registers.get(first + i) for i in range(len(self.outputs))]

    def __str__(self) -> str:
        names = [*self.inputs, *self.outputs, *(f"t{i}" for i in range(self.num_temporaries))]
        return "\n".join(_line(instruction, names) for instruction in self.instructions)


_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "and": "and"}
_SCALAR_SIGNS = {
    "add_scalar": "+",
    "scale": "*",
    "greater": ">",
    "greater_equal": ">=",
    "less": "<",
    "less_equal": "<=",
}


def _line(instruction: Instruction, names: Sequence[str]) -> str:
    operation, target, *operands, constant = instruction
    to, (a, b, c) = names[target], (names[name] for name in operands)
    if operation == ACCUMULATE:
        return f"{to} += {a}"
    if operation in _SIGNS:
        return f"{to} = {a} {_SIGNS[operation]} {b}"
    if operation in _SCALAR_SIGNS:
        return f"{to} = {a} {_SCALAR_SIGNS[operation]} {constant:g}"
    special = {
        "copy": a,
        "fill": f"{constant:g}",
        "reverse": f"{constant:g} - {a}",
        "negate": f"-{a}",
        "minimum": f"min({a}, {constant:g})",
        "maximum": f"max({a}, {constant:g})",
        "select": f"{b} where {a} else {c}",
    }
    return f"{to} = {special.get(operation, f'{operation}({a})')}"


def compile_program(
    values: Values,
    results: Sequence[int | None],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    summed: Iterable[str] = (),
    in_place: int = 0,
) -> Program:
    """Gives the values that the results need registers and an order.

    Args:
        values: of a traced function whose inputs are `inputs`.
        results: the value of each of `outputs`; None for one that is not written.
        inputs: names of the input registers.
        outputs: names of the output registers.
        summed: outputs that are added to.
        in_place: as many outputs lie where the inputs of the same number lie, which are not read
            after that.
    """
    # An input that is handed through is saved before another result takes its place.
    results = [
        values.make("copy", result) if result is not None and result < in_place else result
        for result in results
    ]
    order = values.needed(result for result in results if result is not None)
    last_use = {
        operand: position
        for position, number in enumerate(order)
        for operand in values[number].operands
    }
    order_of = {number: position for position, number in enumerate(order)}
    # A result is computed in its own register if it can be; a second name for one, an input handed
    # through, and a sum need an instruction of their own.
    home: dict[int, int] = {}
    extra: list[Instruction] = []
    for output, result in enumerate(results):
        if result is None:
            continue
        overwrites = output < in_place and last_use.get(output, -1) > order_of.get(result, -1)
        if (
            values[result].operation == "input"
            or result in home
            or outputs[output] in summed
            or overwrites
        ):
            operation = ACCUMULATE if outputs[output] in summed else "copy"
            extra.append(Instruction(operation, len(inputs) + output, result))
            last_use[result] = len(order)
        else:
            home[result] = output

    register = {i: i for i in range(len(inputs))}
    first_temporary = len(inputs) + len(outputs)
    num_temporaries, free = 0, list[int]()
    instructions = []
    for position, number in enumerate(order):
        value = values[number]
        operands = [register[operand] for operand in value.operands]
        free += {
            register[operand]
            for operand in value.operands
            if last_use[operand] == position and register[operand] >= first_temporary
        }
        if number in home:
            register[number] = len(inputs) + home[number]
        elif free:
            register[number] = free.pop()
        else:
            register[number] = first_temporary + num_temporaries
            num_temporaries += 1
        a, b, c = (*operands, 0, 0, 0)[:3]
        instructions.append(Instruction(value.operation, register[number], a, b, c, value.constant))
    instructions += [i._replace(a=register[i.a]) for i in extra]
    return Program(tuple(inputs), tuple(outputs), num_temporaries, tuple(instructions))
