"""How each kind of recurrent case is run: the cells of its entry, and their results by name.

A runner takes a `Setup` and returns `{name: tree}`, as the arrays of the case are named.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from varlen import rnn

from .case import Case
from .masks import recorded_noise


@dataclass
class Setup:
    """A case with its cells built and loaded, and its given arrays as tensors.

    Attributes:
        case: the case.
        cells: `cell`, `cell_fw`, `cells_fw/0`, ...
        given: the leaves of inputs and initial states, by the names of their arrays.
    """

    case: Case
    cells: dict[str, Any]
    given: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def kwargs(self) -> dict[str, Any]:
        return self.case.entry.get("unroll_kwargs", {})

    @property
    def time_axis(self) -> int:
        return 0 if self.kwargs.get("time_major") else 1

    @property
    def lengths(self) -> np.ndarray | None:
        return self.case.arrays.get("sequence_length")

    def x(self, name: str = "x") -> Any:
        """The inputs: a tensor, or a tuple of them."""
        leaves = self.leaves(name)
        return leaves[0] if len(leaves) == 1 else tuple(leaves)

    def steps(self) -> list[Any]:
        by_leaf = [leaf.unbind(self.time_axis) for leaf in self.leaves("x")]
        return list(by_leaf[0]) if len(by_leaf) == 1 else list(zip(*by_leaf, strict=True))

    def state(self, cell: Any, name: str) -> Any:
        """The given state of that name in the structure of the cell's; None if there is none."""
        leaves = self.leaves(name)
        return pack(cell.state_size, iter(leaves)) if leaves else None

    def leaves(self, name: str) -> list[torch.Tensor]:
        found: list[torch.Tensor] = []
        while f"{name}/{len(found)}" in self.given:
            found.append(self.given[f"{name}/{len(found)}"])
        return found

    def noise(self) -> Any:
        x = self.leaves("x")[0]
        full = np.full(x.shape[1 - self.time_axis], x.shape[self.time_axis])
        lengths = full if self.lengths is None else self.lengths.astype(np.int64)
        return recorded_noise(self.case, self.cells["cell"], lengths)


def pack(size: Any, leaves: Iterator[torch.Tensor]) -> Any:
    """Leaves in the structure of a size."""
    if isinstance(size, int | torch.Size):
        return next(leaves)
    parts = [pack(part, leaves) for part in size]
    return type(size)(*parts) if hasattr(size, "_fields") else type(size)(parts)


def dynamic(setup: Setup) -> dict[str, Any]:
    cell = setup.cells["cell"]
    outputs, state = rnn.dynamic_rnn(
        cell,
        setup.x(),
        setup.lengths,
        setup.state(cell, "initial_state"),
        time_major=setup.time_axis == 0,
        noise=setup.noise(),
    )
    return {"out": outputs, "final_state": state}


def static(setup: Setup) -> dict[str, Any]:
    cell = setup.cells["cell"]
    outputs, state = rnn.static_rnn(
        cell,
        setup.steps(),
        setup.state(cell, "initial_state"),
        sequence_length=setup.lengths,
        noise=setup.noise(),
    )
    return {"out": torch.stack(outputs, setup.time_axis), "final_state": state}


def by_steps(setup: Setup) -> dict[str, Any]:
    """One call of the cell per step."""
    cell = setup.cells["cell"]
    state = setup.state(cell, "initial_state")
    outputs = []
    for step in setup.steps():
        output, state = cell(step, state)
        outputs.append(output)
    return {"out": torch.stack(outputs, setup.time_axis), "final_state": state}


def call(setup: Setup) -> dict[str, Any]:
    """One call for the whole sequence, as a tensor and as a list of steps."""
    cell = setup.cells["cell"]
    leaves = setup.leaves("initial_state")
    state = None if not leaves else leaves[0] if len(leaves) == 1 else tuple(leaves)
    dtype = getattr(torch, setup.case.entry["dtype"])
    given = {"initial_state": state, "dtype": dtype, "sequence_length": setup.lengths}
    outputs, final = cell(setup.x(), **given)
    in_list, its_final = cell(list(setup.x().unbind(0)), **given)
    if setup.lengths is None or (setup.lengths == len(in_list)).all():
        torch.testing.assert_close(torch.stack(in_list), outputs)
        torch.testing.assert_close(its_final, final)
    return {"out": outputs, "final_state": final}


def bidirectional(setup: Setup) -> dict[str, Any]:
    cell_fw, cell_bw = setup.cells["cell_fw"], setup.cells["cell_bw"]
    outputs, states = rnn.bidirectional_dynamic_rnn(
        cell_fw,
        cell_bw,
        setup.x(),
        setup.lengths,
        setup.state(cell_fw, "initial_state_fw"),
        setup.state(cell_bw, "initial_state_bw"),
        time_major=setup.time_axis == 0,
    )
    return {
        "out_fw": outputs[0],
        "out_bw": outputs[1],
        "final_state_fw": states[0],
        "final_state_bw": states[1],
    }


def static_bidirectional(setup: Setup) -> dict[str, Any]:
    cell_fw, cell_bw = setup.cells["cell_fw"], setup.cells["cell_bw"]
    outputs, state_fw, state_bw = rnn.static_bidirectional_rnn(
        cell_fw,
        cell_bw,
        setup.steps(),
        setup.state(cell_fw, "initial_state_fw"),
        setup.state(cell_bw, "initial_state_bw"),
        sequence_length=setup.lengths,
    )
    return {
        "out": torch.stack(outputs, setup.time_axis),
        "final_state_fw": state_fw,
        "final_state_bw": state_bw,
    }


def _stack(setup: Setup, unroll: Callable[..., Any], inputs: Any, **kwargs: Any) -> dict[str, Any]:
    cells = {
        way: [cell for key, cell in setup.cells.items() if key.startswith(f"cells_{way}/")]
        for way in ("fw", "bw")
    }
    states = {
        way: [setup.state(cell, f"initial_state_{way}_{i}") for i, cell in enumerate(cells[way])]
        for way in cells
    }
    outputs, *finals = unroll(
        *cells.values(), inputs, *states.values(), sequence_length=setup.lengths, **kwargs
    )
    results = {"out": outputs}
    for way, states_of_layers in zip(cells, finals, strict=True):
        results |= {f"final_state_{way}_{i}": s for i, s in enumerate(states_of_layers)}
    return results


def stack(setup: Setup) -> dict[str, Any]:
    return _stack(
        setup,
        rnn.stack_bidirectional_dynamic_rnn,
        setup.x(),
        time_major=setup.time_axis == 0,
    )


def static_stack(setup: Setup) -> dict[str, Any]:
    results = _stack(setup, rnn.stack_bidirectional_rnn, setup.steps())
    return results | {"out": torch.stack(results["out"], setup.time_axis)}


class Saver:
    """Keeps states by name."""

    def __init__(self, states: dict[str, torch.Tensor]) -> None:
        self.states = states
        self.saved: dict[str, torch.Tensor] = {}

    def state(self, name: str) -> torch.Tensor:
        return self.states[name]

    def save_state(self, name: str, value: torch.Tensor) -> None:
        self.saved[name] = value


def state_saving(setup: Setup) -> dict[str, Any]:
    names = setup.case.entry["state_name"]
    flat = [names] if isinstance(names, str) else [n for part in names for n in _names(part)]
    saver = Saver(dict(zip(flat, setup.leaves("saved_state_in"), strict=True)))
    outputs, state = rnn.static_state_saving_rnn(
        setup.cells["cell"], setup.steps(), saver, names, setup.lengths
    )
    return {
        "out": torch.stack(outputs, setup.time_axis),
        "final_state": state,
        "saved_state_out": [saver.saved[name] for name in flat],
    }


def _names(part: Any) -> list[str]:
    return [part] if isinstance(part, str) else [n for inner in part for n in _names(inner)]


def raw(setup: Setup) -> dict[str, Any]:
    cell = setup.cells["cell"]
    lengths = torch.from_numpy(np.asarray(setup.lengths))
    state = setup.state(cell, "initial_state")
    loop_fn = {"dynamic": _feeding, "decoder": _decoding}[setup.case.entry["loop"]]
    emitted, final, loop_state = rnn.raw_rnn(cell, loop_fn(setup, lengths, state))
    results = {"out": emitted, "final_state": final}
    return results if loop_state is None else results | {"loop_state": loop_state}


def _feeding(setup: Setup, lengths: torch.Tensor, initial: Any) -> Callable[..., Any]:
    x = setup.x()

    def loop_fn(time: int, output: Any, state: Any, loop_state: Any) -> tuple[Any, ...]:
        step = x[:, min(time, x.shape[1] - 1)]
        return time >= lengths, step, initial if output is None else state, output, None

    return loop_fn


def _decoding(setup: Setup, lengths: torch.Tensor, initial: Any) -> Callable[..., Any]:
    """Feeds back what comes out, adds it up in the loop state, and emits a pair."""
    feedback, x0 = setup.given["feedback"], setup.x("x0")

    def loop_fn(time: int, output: Any, state: Any, loop_state: Any) -> tuple[Any, ...]:
        if output is None:
            width = setup.cells["cell"].output_size
            example = (x0.new_zeros(2 * width), x0.new_zeros(1))
            return time >= lengths, x0, initial, example, x0.new_zeros(len(x0), width)
        loop_state = loop_state + output
        emit = (torch.cat([output, -output], -1), loop_state.sum(-1, keepdim=True))
        return time >= lengths, torch.tanh(output @ feedback), state, emit, loop_state

    return loop_fn


RUNNERS: dict[str, Callable[[Setup], dict[str, Any]]] = {
    "bidirectional_dynamic_rnn": bidirectional,
    "call": call,
    "dynamic_rnn": dynamic,
    "raw_rnn": raw,
    "stack_bidirectional_dynamic_rnn": stack,
    "stack_bidirectional_rnn": static_stack,
    "static_bidirectional_rnn": static_bidirectional,
    "static_rnn": static,
    "static_state_saving_rnn": state_saving,
    "steps": by_steps,
}
