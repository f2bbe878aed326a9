"""TensorFlow 1 variables into cells, and out of them."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from varlen.errors import CheckpointError
from varlen.tf1._scopes import join, own_scopes, variable_names

OLD_NAMES = {"kernel": "weights", "bias": "biases"}
"""What variables were called before TensorFlow 1.2."""


def load_variables(module: nn.Module, variables: Mapping[str, Any], scope: str = "") -> None:
    """Copies TensorFlow 1 variables into the parameters of a cell.

    Each direction and each layer of a bidirectional network is loaded by itself:

        load_variables(cell_fw, variables, scope="bidirectional_rnn/fw")
        load_variables(cell_bw, variables, scope="bidirectional_rnn/bw")

    Args:
        module: any cell or wrapper that TensorFlow 1 had.
        variables: `{name: array}`, as a checkpoint has them. A variable that was stored in parts
            (`name/part_0`, `name/part_1`, ...) is put together, and one that has its old name
            (`weights`, `biases`) is found. Variables outside of the cell's own scope, and what an
            optimiser keeps beside a variable (`kernel/Adam`), are left alone.
        scope: what stands before the cell's own scope, as `rnn` or `bidirectional_rnn/fw`;
            `variable_names` lists what unrolls open.

    Raises:
        CheckpointError: variables are missing, have other shapes or no numbers, or are in the
            cell's scope and belong to none of its parameters. The message names all of them, and
            nothing is loaded.
        TypeError: a cell that TensorFlow 1 did not have.
    """
    names = variable_names(module, scope)
    wanted = {names[name]: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    arrays: dict[str, npt.NDArray[Any]] = {}
    problems, used = [], set()
    for variable, shape in wanted.items():
        stored = _stored_as(variable, variables)
        used.update(stored)
        try:
            if not stored:
                raise ValueError(_missing(variable, variables.keys() - wanted.keys()))
            arrays[variable] = _read(variable, [variables[name] for name in stored], shape)
        except ValueError as problem:
            problems.append(str(problem))
    problems += [
        f"{name!r}: belongs to no parameter"
        for name in _left_over(module, scope, variables, used, wanted)
    ]
    if problems:
        raise CheckpointError(
            f"{type(module).__name__}: {len(problems)} "
            f"{'variable does' if len(problems) == 1 else 'variables do'} not fit\n  "
            + "\n  ".join(problems),
            hint=_likely_scope(wanted, scope, variables),
        )
    module.load_state_dict({name: torch.from_numpy(arrays[names[name]]) for name in names})


def variables_of(module: nn.Module, scope: str = "") -> dict[str, npt.NDArray[Any]]:
    """The parameters of a cell as TensorFlow 1 variables, the inverse of `load_variables`.

    Args:
        module: any cell or wrapper that TensorFlow 1 had.
        scope: as in `load_variables`.

    Returns:
        `{name: array}`, copies, each variable of a shared cell once. What is bfloat16, which NumPy
        has not, comes as float32.

    Raises:
        TypeError: a cell that TensorFlow 1 did not have.
    """
    parameters = module.state_dict()
    return {
        variable: _as_array(parameters[name]).copy()
        for name, variable in variable_names(module, scope).items()
    }


def _stored_as(variable: str, variables: Mapping[str, Any]) -> list[str]:
    """The names under which a variable is stored: its own, its old one, or those of its parts."""
    scope, _, own = variable.rpartition("/")
    for name in (variable, join(scope, OLD_NAMES.get(own, own))):
        if name in variables:
            return [name]
        parts: list[str] = []
        while (part := f"{name}/part_{len(parts)}") in variables:
            parts.append(part)
        if parts:
            return parts
    return []


def _missing(variable: str, others: Collection[str]) -> str:
    own = variable.rpartition("/")[2]
    alike = sorted(name for name in others if name.rpartition("/")[2] == own)
    close = get_close_matches(variable, alike, n=1, cutoff=0.8)
    return f"{variable!r}: there is none" + (f". Did you mean {close[0]!r}?" if close else "")


def _read(variable: str, stored: list[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """A variable of that shape from its parts.

    Raises:
        ValueError: it is no numbers, or has another shape.
    """
    parts = [_as_array(value) for value in stored]
    shapes = [part.shape for part in parts]
    if any(part.dtype.kind != "f" for part in parts):
        raise ValueError(f"{variable!r}: expected floating numbers, found {parts[0].dtype}")
    whole = _join_parts(parts, shape)
    if whole is None:
        found = shapes[0] if len(shapes) == 1 else f"parts of {', '.join(map(str, shapes))}"
        raise ValueError(f"{variable!r}: expected shape {shape}, found {found}")
    return whole


def _join_parts(parts: list[npt.NDArray[Any]], shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
    """An array of that shape, cut along whichever axis; None if the parts make no such array."""
    if len(parts) == 1:
        return parts[0].copy() if parts[0].shape == shape else None
    for axis in range(len(shape)):
        try:
            whole = np.concatenate(parts, axis)
        except ValueError:
            continue
        if whole.shape == shape:
            return whole
    return None


def _as_array(value: Any) -> npt.NDArray[Any]:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.float() if value.dtype == torch.bfloat16 else value
    return np.asarray(value)


def _left_over(
    module: nn.Module,
    scope: str,
    variables: Mapping[str, Any],
    used: Collection[str],
    wanted: Collection[str],
) -> list[str]:
    """Variables in the cell's scope that were not used, and are no optimiser's."""
    scopes = tuple(f"{own}/" for own in own_scopes(module, scope))

    def beside_a_variable(name: str) -> bool:
        parent, _, own = name.rpartition("/")
        return not own.startswith("part_") and (parent in used or parent in wanted)

    return sorted(
        name
        for name in variables
        if name.startswith(scopes) and name not in used and not beside_a_variable(name)
    )


def _likely_scope(wanted: Collection[str], scope: str, variables: Mapping[str, Any]) -> str | None:
    """The hint where variables would be found, if all of them are missing."""
    if any(_stored_as(variable, variables) for variable in wanted):
        return None
    own = next(iter(wanted)).removeprefix(f"{scope}/" if scope else "")
    scopes = [name.removesuffix(f"/{own}") for name in variables if name.endswith(f"/{own}")]
    scopes += [""] if own in variables else []
    if not scopes:
        return None
    return f"there is such a variable with {' or '.join(f'scope={s!r}' for s in sorted(scopes))}"
