"""The plain twin of the native loop: the same programs, run by torch over the rows still running.

It is what the loop means, and what is differentiated where the loop cannot be (twice, for one).
"""

import torch
from torch import Tensor

from varlen.rnn.engine._arguments import Arguments
from varlen.rnn.engine._cell_program import CellProgram
from varlen.rnn.engine._layout import step_layout
from varlen.rnn.engine._rows import Rows, host_array


def unroll_reference(
    values: Tensor,
    rows: Rows,
    given: Arguments,
    program: CellProgram,
    *,
    reverse: bool,
) -> tuple[Tensor, list[Tensor]]:
    """Runs a cell's program over the real steps of a batch.

    Args:
        values: `[rows, input_size]`.
        rows: where the real steps are.
        given: of the cell and the run.
        program: of the cell.
        reverse: walks each row from its last step to its first.

    Returns:
        `(outputs, final_states)`, outputs `[rows, output units]`, zero where no step is.
    """
    layout = step_layout(host_array(rows.lengths), reverse=reverse, device=values.device)
    places = torch.from_numpy(rows.places()).to(values.device)[layout.positions]
    projected = torch.split(values.index_select(0, places) @ given.products.input, layout.counts)

    noises = [torch.split(noise[layout.positions], layout.counts) for noise in given.noises]
    states = [state.index_select(0, layout.order) for state in given.states]
    finished: list[list[Tensor]] = []
    outputs = []
    running = len(rows.lengths)
    for step, count in enumerate(layout.counts):
        if count < running:
            finished.append([state[count:] for state in states])
            states = [state[:count] for state in states]
            running = count
        drawn = [noise[step] for noise in noises]
        output, states = _step(projected[step], states, given, drawn, program)
        outputs.append(output)
    parts = zip(states, *reversed(finished), strict=True)
    final = [torch.cat(part).index_select(0, layout.rank) for part in parts]
    empty = values.new_zeros(rows.num_rows, program.output_units)
    return empty.index_copy(0, places, torch.cat(outputs)), final


def _step(
    projected: Tensor,
    states: list[Tensor],
    given: Arguments,
    drawn: list[Tensor],
    program: CellProgram,
) -> tuple[Tensor, list[Tensor]]:
    products = given.products
    both = program.units * program.num_gates
    recurrent = states[program.product_state] @ products.recurrent
    gates = torch.cat(
        [projected[:, :both] + recurrent[:, :both], recurrent[:, both:], projected[:, both:]], dim=1
    )
    if products.bias is not None:
        gates = gates + products.bias
    registers = [*torch.split(gates, program.units, dim=1), *states, *given.vectors, *drawn]
    results = program.forward.run([*registers, None])
    if program.second_forward is not None:
        operand = results[-1]
        assert operand is not None
        assert products.second is not None
        second = program.second_forward.run([*registers, operand @ products.second])
        results = [a if b is None else b for a, b in zip(results, second, strict=True)]
    next_states, output = results[: len(states)], results[len(states)]
    if output is None:
        output = next_states[program.output_state]
    assert output is not None
    assert None not in next_states
    return output, [state for state in next_states if state is not None]
