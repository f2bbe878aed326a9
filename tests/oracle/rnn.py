"""Cells and unrolls: outputs, final states and every gradient."""

import re
from typing import Any

import numpy as np
import torch

from varlen import tf1

from .case import Case, assert_equal
from .cells import build
from .masks import map_leaves
from .reasons import LeftOut
from .unrolls import RUNNERS, Setup

GIVEN = re.compile(r"(x|x0|feedback|saved_state_in|initial_state(_fw|_bw)?(_\d+)?)(/\d+)?")


def covers(case: Case) -> None:
    for spec in _specs(case).values():
        kwargs = spec.get("kwargs", {})
        if len(kwargs.get("num_frequency_blocks", [])) > 1 and not kwargs.get("state_is_tuple", 1):
            raise LeftOut("Q4")
        if kwargs.get("skip_connection"):
            raise LeftOut("Q9")
    lengths = case.arrays.get("sequence_length")
    if lengths is not None and len(lengths) and "x/0" in case.arrays:
        num_steps = case.arrays["x/0"].shape[Setup(case, {}).time_axis]
        if lengths.min() < 0 or lengths.max() > num_steps:
            raise LeftOut("length range")


def run(case: Case) -> None:
    setup = Setup(case, {})
    setup.given = {
        key: torch.from_numpy(array).requires_grad_(array.dtype.kind == "f")
        for key, array in case.arrays.items()
        if GIVEN.fullmatch(key)
    }
    setup.cells = _build(case, (setup.leaves("x") or setup.leaves("x0"))[-1].shape[-1])
    variables = {k.removeprefix("var/"): v for k, v in case.arrays.items() if k.startswith("var/")}
    for key, cell in setup.cells.items():
        tf1.load_variables(cell, variables, _scope(case, key))
        for tensor in cell.state_dict(keep_vars=True).values():
            tensor.requires_grad_()  # gradients of what is not trained are recorded as well
    results = RUNNERS[_unroll(case)](setup)
    found = _compare(case, results)
    _compare_gradients(case, found, setup)


def _specs(case: Case) -> dict[str, Any]:
    """The descriptions of the cells, by the names of their places."""
    specs = {key: case.entry[key] for key in ("cell", "cell_fw", "cell_bw") if key in case.entry}
    for layer, pair in enumerate(
        zip(case.entry.get("cells_fw", []), case.entry.get("cells_bw", []), strict=True)
    ):
        specs |= {
            f"cells_{way}/{layer}": spec for way, spec in zip(("fw", "bw"), pair, strict=True)
        }
    return specs


def _build(case: Case, input_size: int) -> dict[str, Any]:
    dtype = getattr(torch, case.entry["dtype"])
    by_id: dict[str, Any] = {}
    cells: dict[str, Any] = {}
    for key, spec in _specs(case).items():
        layer = int(key.partition("/")[2] or 0)
        below = [cells[f"cells_{way}/{layer - 1}"].output_size for way in ("fw", "bw") if layer]
        cells[key] = build(spec, sum(below) or input_size, dtype, by_id)
    return cells


def _unroll(case: Case) -> str:
    return case.entry.get("unroll") or case.entry["api"].split(".")[-1]


def _scope(case: Case, key: str) -> str:
    """The scope in front of a cell's own, as its unroll opens it."""
    given = case.entry.get("unroll_kwargs", {}).get("scope")
    name, _, layer = key.partition("/")
    way = name.rpartition("_")[2]
    if name in ("cells_fw", "cells_bw"):
        inner = "/bidirectional_rnn" if "dynamic" in _unroll(case) else ""
        return f"{given or 'stack_bidirectional_rnn'}/cell_{layer}{inner}/{way}"
    if name in ("cell_fw", "cell_bw"):
        return f"{given or 'bidirectional_rnn'}/{way}"
    return given or ("" if _unroll(case) == "call" else "rnn")


def _compare(case: Case, results: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Compares all leaves, and returns them by the names of their arrays."""
    found: dict[str, torch.Tensor] = {}
    for name, tree in results.items():
        leaves: list[torch.Tensor] = []
        map_leaves(leaves.append, tree)
        if name in case.arrays:
            found[name] = leaves[0]
        else:
            found |= {f"{name}/{i}": leaf for i, leaf in enumerate(leaves)}
    recorded = {key.removeprefix("w_") for key in case.arrays if key.startswith("w_")}
    # Numbers of steps have no weight in the loss.
    recorded |= {
        key
        for key, array in case.arrays.items()
        if array.dtype.kind == "i" and key.rpartition("/")[0] in results
    }
    assert recorded == found.keys(), "every recorded result is found, and no other"
    for key, leaf in found.items():
        assert_equal(leaf.detach(), case.arrays[key], key)
        assert str(leaf.dtype) == f"torch.{case.arrays[key].dtype}", key
    return found


def _compare_gradients(case: Case, results: dict[str, torch.Tensor], setup: Setup) -> None:
    if "loss" not in case.arrays:
        return
    loss = sum(
        (leaf * torch.from_numpy(case.arrays[f"w_{key}"])).sum()
        for key, leaf in results.items()
        if leaf.is_floating_point()
    )
    assert_equal(loss.detach(), case.arrays["loss"], "loss")
    loss.backward()
    found = dict(setup.given)
    for key, cell in setup.cells.items():
        names = tf1.variable_names(cell, _scope(case, key))
        parameters = cell.state_dict(keep_vars=True)
        found |= {f"var/{names[n]}": parameters[n] for n in parameters}
    compared = 0
    for name, tensor in found.items():
        expected = _expected_gradient(case, name)
        # torch's None and a gradient of zeros say the same.
        gradient = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        if expected is not None:
            assert_equal(gradient.detach(), expected, f"gradient of {name}")
            compared += 1
        elif f"grad_{name}" in case.entry["grad_none"]:
            assert not gradient.any(), name
    recorded = {k.split("/part_")[0] for k in case.arrays if k.startswith("grad_")}
    assert compared == len(recorded), "every recorded gradient is compared"


def _expected_gradient(case: Case, name: str) -> np.ndarray | None:
    if f"grad_{name}" in case.arrays:
        return case.arrays[f"grad_{name}"]
    parts = []
    while f"grad_{name}/part_{len(parts)}" in case.arrays:
        parts.append(case.arrays[f"grad_{name}/part_{len(parts)}"])
    return np.concatenate(parts) if parts else None
