"""What can be asked about the choice of an engine."""

from typing import Any

import torch
from torch import Tensor

from varlen.rnn._cell import RNNCell
from varlen.rnn._recurrent import RecurrentCell
from varlen.rnn.engine._around import within
from varlen.rnn.engine._cell_program import CellProgram, cell_program
from varlen.rnn.engine._choose import why_not_native
from varlen.rnn.wrappers import MultiRNNCell


class Explanation(str):
    """What `explain` says; printed, it reads as text.

    Attributes:
        engine: "native", "eager", or "mixed" for a stack with cells of both kinds.
        reason: why it is not the native one; None if it is, or in a stack.
        program: what the native engine runs; None if it cannot, or in a stack.
        parts: of the cells of a stack, which are run one after the other along all time.
    """

    engine: str
    reason: str | None
    program: CellProgram | None
    parts: tuple["Explanation", ...]


def explain(cell: Any, inputs: Tensor | None = None) -> Explanation:
    """Says which engine runs a cell, with which program, or why it is the plain one.

    Args:
        cell: any cell, or layers (`varlen.LSTM` and its kin).
        inputs: what it would be run on; None is a tensor of its dtype on the CPU.
    """
    if isinstance(cell, RNNCell):
        with torch.random.fork_rng(devices=[]):  # to ask changes no later draw
            noise = cell.draw_noise(torch.zeros(1, dtype=torch.int64))
        parts = _parts(cell, noise)
    else:
        parts = [(part, None) for part in cell.cells()]
    explanations = tuple(_explain_one(part, noise, inputs) for part, noise in parts)
    if len(explanations) == 1:
        return explanations[0]
    engines = {explanation.engine for explanation in explanations}
    text = "\n\n".join(f"cell {i} of the stack\n{text}" for i, text in enumerate(explanations))
    return _explanation(text, engines.pop() if len(engines) == 1 else "mixed", parts=explanations)


def _parts(cell: RNNCell, noise: Any) -> list[tuple[RNNCell, Any]]:
    """The cells that an unroll runs one after the other, with their noise."""
    cell, noise = cell.resolve(noise)
    inner = within(cell, noise)
    if inner is not None:
        return _parts(*inner)
    if isinstance(cell, MultiRNNCell):
        noises = noise or (None,) * len(cell.cells)
        pairs = zip(cell.cells, noises, strict=True)
        return [part for inner, its_noise in pairs for part in _parts(inner, its_noise)]
    return [(cell, noise)]


def _explain_one(cell: RNNCell, noise: Any, inputs: Tensor | None) -> Explanation:
    if inputs is None:
        inputs = torch.zeros(1, 1, 1, dtype=cell.dtype)
    reason = why_not_native(cell, inputs, noise)
    if reason is not None or not isinstance(cell, RecurrentCell):
        return _explanation(f"engine: eager\nreason: {reason}", "eager", reason=reason)
    program = cell_program(cell, noisy=noise is not None)
    return _explanation(f"engine: native\n{program}", "native", program=program)


def _explanation(
    text: str,
    engine: str,
    *,
    reason: str | None = None,
    program: CellProgram | None = None,
    parts: tuple[Explanation, ...] = (),
) -> Explanation:
    explanation = Explanation(text)
    explanation.engine = engine
    explanation.reason = reason
    explanation.program = program
    explanation.parts = parts
    return explanation
