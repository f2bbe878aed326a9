"""Cells and wrappers from the JSON that describes them."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from varlen import rnn
from varlen.rnn import LSTMStateTuple

# How TensorFlow stores, places or seeds a thing: without effect on what is computed by a class that
# has no such argument here.
WITHOUT_EFFECT = {"num_unit_shards", "num_proj_shards", "seed", "dropout_prob_seed", "reuse"}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "drop_everything": lambda state: True,
    "drop_c_keep_h": lambda state: (
        LSTMStateTuple(c=True, h=False) if isinstance(state, LSTMStateTuple) else True
    ),
    "half_input_plus_output": lambda inputs, outputs: 0.5 * inputs + outputs,
    "input_times_output_plus_output": lambda inputs, outputs: inputs * outputs + outputs,
}
# What a wrapper gives to the cell within, from the width of its own inputs and its arguments.
INNER_SIZES: dict[str, Callable[[int, dict[str, Any]], int]] = {
    "AttentionCellWrapper": lambda size, kwargs: kwargs.get("input_size") or size,
    "EmbeddingWrapper": lambda size, kwargs: kwargs["embedding_size"],
    "InputProjectionWrapper": lambda size, kwargs: kwargs["num_proj"],
    "NTMCell": lambda size, kwargs: size + kwargs["read_head_num"] * kwargs["memory_vector_dim"],
}


def build(spec: dict[str, Any], input_size: int, dtype: torch.dtype, by_id: dict) -> nn.Module:
    """The cell of a description; one that is described twice by its `id` is one object."""
    if "ref" in spec:
        return by_id[spec["ref"]]
    make = getattr(rnn, spec["class"])
    parameters = inspect.signature(make).parameters
    inner_size = INNER_SIZES.get(spec["class"], lambda size, kwargs: size)
    inner_size = inner_size(input_size, spec["kwargs"])
    kwargs = {
        name: _value(name, value, inner_size, dtype, by_id)
        for name, value in spec["kwargs"].items()
        if name in parameters or name not in WITHOUT_EFFECT
    }
    if next(iter(parameters)) == "input_size":
        kwargs["input_size"] = input_size
    if "dtype" in parameters and not any(isinstance(v, nn.Module) for v in kwargs.values()):
        kwargs["dtype"] = dtype
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*share weights", category=UserWarning)
        cell = make(**kwargs)
    if "id" in spec:
        by_id[spec["id"]] = cell
    return cell


def _value(name: str, value: Any, input_size: int, dtype: torch.dtype, by_id: dict) -> Any:
    if name == "cells":
        cells: list[Any] = []
        for inner in value:
            cells.append(build(inner, input_size, dtype, by_id))
            input_size = cells[-1].output_size
        return cells
    if _is_spec(value):
        return build(value, input_size, dtype, by_id)
    if name == "dtype":
        return getattr(torch, value)
    if name in ("residual_fn", "dropout_state_filter_visitor"):
        return FUNCTIONS[value]
    return value


def _is_spec(value: Any) -> bool:
    return isinstance(value, dict) and ("class" in value or "ref" in value)
