"""Which TensorFlow variable belongs to which parameter.

A parameter has its variable's name with dots for slashes, relative to the cell's own scope; this
file knows the scopes: a cell's default name, and what wrappers put around it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from varlen.errors import CheckpointError, did_you_mean
from varlen.rnn import (
    BasicLSTMCell,
    BasicRNNCell,
    CoupledInputForgetGateLSTMCell,
    DropoutWrapper,
    GRUCell,
    LSTMCell,
    MultiRNNCell,
    NASCell,
    RNNCell,
    UGRNNCell,
)

SCOPES: dict[type[RNNCell], str] = {
    BasicLSTMCell: "basic_lstm_cell",
    BasicRNNCell: "basic_rnn_cell",
    CoupledInputForgetGateLSTMCell: "coupled_input_forget_gate_lstm_cell",
    GRUCell: "gru_cell",
    LSTMCell: "lstm_cell",
    NASCell: "nas_cell",
    UGRNNCell: "ugrnn_cell",
}


def variable_names(cell: RNNCell, scope: str = "") -> dict[str, str]:
    """Each name in `cell.state_dict()` and the TensorFlow 1 variable that it comes from.

    Args:
        cell: any cell of this library.
        scope: what stands before the cell's own scope, as `rnn` or `bidirectional_rnn/fw`.

    Returns:
        `{"kernel": "rnn/lstm_cell/kernel", ...}`. Two places of one shared cell have the variable
        of the first.

    Raises:
        TypeError: a cell that TensorFlow 1 did not have.
    """
    seen: dict[RNNCell, dict[str, str]] = {}
    return dict(_names(cell, scope, seen))


def load_variables(module: RNNCell, variables: Mapping[str, Any], scope: str = "") -> None:
    """Copies TensorFlow 1 variables into the parameters of a cell.

    Args:
        module: the cell.
        variables: `{name: array}`, as a checkpoint has them; a variable that was stored in parts
            (`name/part_0`, `name/part_1`, ...) is put together. Others are left alone.
        scope: what stands before the cell's own scope, as `rnn` or `bidirectional_rnn/fw`.

    Raises:
        CheckpointError: a variable is missing or has another shape; nothing is loaded then.
    """
    wanted = module.state_dict()
    loaded = {}
    for name, variable in variable_names(module, scope).items():
        array = _find(variables, variable)
        if array.shape != tuple(wanted[name].shape):
            raise CheckpointError(
                f"expected shape {tuple(wanted[name].shape)}, found {array.shape}",
                at=f"variable {variable!r}, parameter {name!r}",
            )
        loaded[name] = torch.from_numpy(np.ascontiguousarray(array))
    module.load_state_dict(loaded)


def _names(
    cell: RNNCell, scope: str, seen: dict[RNNCell, dict[str, str]]
) -> Iterator[tuple[str, str]]:
    if isinstance(cell, DropoutWrapper):
        yield from _names(cell.cell, scope, seen)
    elif isinstance(cell, MultiRNNCell):
        for i, inner in enumerate(cell.cells):
            if inner not in seen:
                seen[inner] = dict(_names(inner, _join(scope, f"multi_rnn_cell/cell_{i}"), seen))
            for name, variable in seen[inner].items():
                yield f"cell_{i}.{name}", variable
    elif type(cell) in SCOPES:
        own = getattr(cell, "name", None) or SCOPES[type(cell)]
        for name in cell.state_dict():
            yield name, _join(scope, f"{own}/{name.replace('.', '/')}")
    else:
        raise TypeError(f"expected a cell that TensorFlow 1 has, found a {type(cell).__name__}")


def _find(variables: Mapping[str, Any], name: str) -> npt.NDArray[Any]:
    if name in variables:
        return np.asarray(variables[name])
    parts: list[npt.NDArray[Any]] = []
    while f"{name}/part_{len(parts)}" in variables:
        parts.append(np.asarray(variables[f"{name}/part_{len(parts)}"]))
    if not parts:
        raise CheckpointError(
            f"no variable named {name!r}",
            hint=did_you_mean(name, variables),
        )
    return np.concatenate(parts)


def _join(scope: str, name: str) -> str:
    return f"{scope}/{name}" if scope else name
