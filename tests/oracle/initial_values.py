"""Initial values of fresh cells: constants, and the range, mean and spread of random ones."""

from typing import Any

import torch
from torch import Tensor

from varlen import tf1

from .case import Case
from .cells import build
from .reasons import LeftOut

NUM_CELLS = 8
"""How many fresh cells are looked at: TensorFlow's are one draw, of few numbers at times."""


def covers(case: Case) -> None:
    if "initializer" in str(case.entry["cell"]):
        raise LeftOut("initialiser")


def run(case: Case) -> None:
    torch.manual_seed(0)
    spec, width = case.entry["cell"], case.entry["input_depth"]
    cells = [build(spec, width, torch.float64, {}) for _ in range(NUM_CELLS)]
    names = tf1.variable_names(cells[0], "rnn")
    drawn = {
        variable: torch.stack([cell.state_dict()[name] for cell in cells])
        for name, variable in names.items()
    }
    about = dict(case.entry["variables"])
    numbers = {name: about.pop(name) for name in list(about) if not isinstance(about[name], dict)}
    drawn = _in_parts(drawn, about)
    assert drawn.keys() == about.keys()
    for variable, draw in about.items():
        # A phase ends where its period does, wherever that is, which `_check_number` looks at.
        _check(drawn[variable], draw, variable, extremes=not variable.endswith("/phase"))
    for name, number in numbers.items():
        _check_number(name, number, drawn)


def _check_number(name: str, recorded: float, drawn: dict[str, Tensor]) -> None:
    """What is recorded of a PhasedLSTMCell beside its variables."""
    period, phase = (
        next(tensor for variable, tensor in drawn.items() if variable.endswith(f"/{own}"))
        for own in ("period", "phase")
    )
    if name == "log(period) mean":
        logs = period.log()
        assert abs(logs.mean() - recorded) <= 6 * logs.std() / period.shape[1] ** 0.5
    else:
        assert name == "max(phase/period)"
        assert 0.9 < (phase / period).max() <= 1


def _in_parts(drawn: dict[str, Tensor], recorded: dict[str, Any]) -> dict[str, Tensor]:
    """Parameters cut by rows as TensorFlow's partitioned variables are."""
    parts: dict[str, Tensor] = {}
    for variable, tensor in drawn.items():
        names = [name for name in recorded if name.startswith(f"{variable}/part_")]
        if not names:
            parts[variable] = tensor
            continue
        rows = [recorded[f"{variable}/part_{i}"]["shape"][0] for i in range(len(names))]
        for i, part in enumerate(tensor.split(rows, dim=1)):
            parts[f"{variable}/part_{i}"] = part
    return parts


def _check(drawn: Tensor, about: dict[str, Any], variable: str, *, extremes: bool) -> None:
    """Draws `[cells, ...]` against what is known of one draw, of few numbers or many."""
    assert list(drawn.shape[1:]) == about["shape"], variable
    if "constant" in about:  # which was read in single precision
        assert (drawn == about["constant"]).all() or (
            drawn.float() == torch.tensor(about["constant"], dtype=torch.float32)
        ).all(), variable
        return
    size = drawn[0].numel()
    slack = 6 / size**0.5
    spread = about["max"] - about["min"]
    assert abs(drawn.mean() - about["mean"]) <= slack * about["std"], variable
    assert abs(drawn.std() / about["std"] - 1) <= slack, variable
    if not extremes:
        return
    assert drawn.max() <= about["max"] + spread * min(1, 12 / size), variable
    assert drawn.min() >= about["min"] - spread * min(1, 12 / size), variable
