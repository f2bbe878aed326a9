"""Cells and unrolls: outputs, final states and every gradient."""

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from varlen import rnn, tf1
from varlen.rnn import DropoutWrapper, LSTMStateTuple, MultiRNNCell, RNNCell
from varlen.rnn.wrappers._dropout import DropoutNoise

from .case import Case, LeftOut, assert_equal

CLASSES = {
    name: getattr(rnn, name)
    for name in rnn.__all__
    if isinstance(getattr(rnn, name), type) and issubclass(getattr(rnn, name), RNNCell)
}
# How TensorFlow stores or seeds a thing, without effect on what is computed by a class that has no
# such argument here.
WITHOUT_EFFECT = {"num_unit_shards", "num_proj_shards", "seed"}
FUNCTIONS = {
    "drop_everything": lambda state: True,
    "drop_c_keep_h": lambda state: (
        LSTMStateTuple(c=True, h=False) if isinstance(state, LSTMStateTuple) else True
    ),
}


def covers(case: Case) -> None:
    for key in ("cell", "cell_fw", "cell_bw"):
        if key in case.entry:
            check_spec(case.entry[key])
    if case.kind == "rnn":
        if case.entry["unroll"] not in ("dynamic_rnn", "static_rnn"):
            raise LeftOut(f"unroll {case.entry['unroll']!r} is not covered yet")
    elif case.entry["api"].split(".")[-1] not in UNROLLS:
        raise LeftOut(f"{case.entry['api']} is not covered yet")
    lengths = case.arrays.get("sequence_length")
    if lengths is not None and len(lengths):
        num_steps = case.arrays["x/0"].shape[_time_axis(case)]
        if lengths.min() < 0 or lengths.max() > num_steps:
            raise LeftOut("a length outside of 0 to T is an error here (tests/rnn/test_unroll.py)")


def check_spec(spec: dict[str, Any]) -> None:
    if "ref" in spec:
        return
    if spec["class"] not in CLASSES:
        raise LeftOut(f"{spec['class']} is not covered yet")
    known = inspect.signature(CLASSES[spec["class"]]).parameters
    for name, value in spec["kwargs"].items():
        if name not in known and name not in WITHOUT_EFFECT:
            raise LeftOut(f"{spec['class']}({name}=...) is not covered yet")
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict) and ("class" in inner or "ref" in inner):
                check_spec(inner)


def build(spec: dict[str, Any], input_size: int, dtype: torch.dtype, by_id: dict) -> RNNCell:
    if "ref" in spec:
        return by_id[spec["ref"]]
    known = inspect.signature(CLASSES[spec["class"]]).parameters
    kwargs = {k: v for k, v in spec["kwargs"].items() if k in known or k not in WITHOUT_EFFECT}
    if spec["class"] == "MultiRNNCell":
        cells = []
        for inner in kwargs.pop("cells"):
            cells.append(build(inner, input_size, dtype, by_id))
            input_size = cells[-1].output_size
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*share weights", category=UserWarning)
            cell = MultiRNNCell(cells, **kwargs)
    elif spec["class"] == "DropoutWrapper":
        inner = build(kwargs.pop("cell"), input_size, dtype, by_id)
        if "dtype" in kwargs:
            kwargs["dtype"] = getattr(torch, kwargs["dtype"])
        if "dropout_state_filter_visitor" in kwargs:
            kwargs["dropout_state_filter_visitor"] = FUNCTIONS[
                kwargs["dropout_state_filter_visitor"]
            ]
        cell = DropoutWrapper(inner, **kwargs)
    else:
        cell = CLASSES[spec["class"]](input_size, **kwargs, dtype=dtype)
    if "id" in spec:
        by_id[spec["id"]] = cell
    return cell


def _scopes(case: Case) -> dict[str, str]:
    """The scope in front of each cell's own, as the kind of unroll opens it."""
    scope = case.entry["unroll_kwargs"].get("scope")
    if case.kind == "bidirectional":
        scope = scope or "bidirectional_rnn"
        return {"cell_fw": f"{scope}/fw", "cell_bw": f"{scope}/bw"}
    return {"cell": scope or "rnn"}


def _time_axis(case: Case) -> int:
    return 0 if case.entry["unroll_kwargs"].get("time_major") else 1


def _pack(structure: Any, leaves: Iterator[torch.Tensor]) -> Any:
    """Flattened leaves in the structure of a cell's state."""
    if isinstance(structure, torch.Tensor):
        return next(leaves)
    parts = [_pack(part, leaves) for part in structure]
    return type(structure)(*parts) if hasattr(structure, "_fields") else tuple(parts)


def _flat(tree: Any) -> list[torch.Tensor]:
    return [tree] if isinstance(tree, torch.Tensor) else [x for part in tree for x in _flat(part)]


def _noise(case: Case, cell: RNNCell, lengths: np.ndarray) -> DropoutNoise | None:
    """The recorded masks in the form that `draw_noise` gives."""
    masks = [case.arrays[key] for key in sorted(case.arrays) if key.startswith("mask/")]
    if any(key.startswith("noise/") for key in case.arrays):
        return _variational_noise(case, cell, int(lengths.sum()))
    if not masks:
        return None
    drawn = cell.draw_noise(torch.from_numpy(lengths))
    leaves = [leaf for leaf in _noise_leaves(drawn) if leaf is not None]
    assert len(masks) == len(leaves) * lengths.max(), "one mask per leaf and step"
    recorded = [np.stack(masks[i :: len(leaves)], axis=1) for i in range(len(leaves))]
    live = np.arange(lengths.max()) < lengths[:, None]
    replacement = iter([torch.from_numpy(mask[live].astype(bool)) for mask in recorded])
    return _replace_leaves(drawn, replacement)


def _variational_noise(case: Case, cell: RNNCell, num_steps: int) -> DropoutNoise:
    def keep(kind: str, number: int, keep_prob: float) -> torch.Tensor | None:
        uniform = case.arrays.get(f"noise/{kind}/{number}")
        if uniform is None:
            return None
        mask = np.floor(keep_prob + uniform).astype(bool)
        return torch.from_numpy(mask).expand(num_steps, *mask.shape[1:])

    drawn = cell.draw_noise(torch.tensor([num_steps]))
    numbers = iter(range(1000))

    def state(leaf: torch.Tensor | None) -> torch.Tensor | None:
        number = next(numbers)
        return None if leaf is None else keep("state", number, cell.state_keep_prob)

    return DropoutNoise(
        input=keep("input", 0, cell.input_keep_prob),
        cell=None,
        state=_map_leaves(state, drawn.state),
        output=keep("output", 0, cell.output_keep_prob),
    )


def _map_leaves(function: Any, tree: Any) -> Any:
    if tree is None or isinstance(tree, torch.Tensor):
        return function(tree)
    parts = [_map_leaves(function, part) for part in tree]
    return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)


def _noise_leaves(tree: Any) -> list[torch.Tensor | None]:
    found: list[torch.Tensor | None] = []
    _map_leaves(found.append, tree)
    return found


def _replace_leaves(tree: Any, leaves: Iterator[torch.Tensor]) -> Any:
    return _map_leaves(lambda leaf: None if leaf is None else next(leaves), tree)


def _dynamic(cells: dict, x: Any, lengths: Any, states: dict, noise: Any, time_major: bool) -> dict:
    outputs, state = rnn.dynamic_rnn(
        cells["cell"], x, lengths, states.get("initial_state"), time_major=time_major, noise=noise
    )
    return {"out": outputs, "final_state": state}


def _static(cells: dict, x: Any, lengths: Any, states: dict, noise: Any, time_major: bool) -> dict:
    axis = 0 if time_major else 1
    outputs, state = rnn.static_rnn(
        cells["cell"],
        list(x.unbind(axis)),
        states.get("initial_state"),
        sequence_length=lengths,
        noise=noise,
    )
    return {"out": torch.stack(outputs, axis), "final_state": state}


def _bidirectional(
    cells: dict, x: Any, lengths: Any, states: dict, noise: Any, time_major: bool
) -> dict:
    outputs, final = rnn.bidirectional_dynamic_rnn(
        cells["cell_fw"],
        cells["cell_bw"],
        x,
        lengths,
        states.get("initial_state_fw"),
        states.get("initial_state_bw"),
        time_major=time_major,
    )
    return {
        "out_fw": outputs[0],
        "out_bw": outputs[1],
        "final_state_fw": final[0],
        "final_state_bw": final[1],
    }


UNROLLS = {
    "dynamic_rnn": _dynamic,
    "static_rnn": _static,
    "bidirectional_dynamic_rnn": _bidirectional,
}


def run(case: Case) -> None:
    dtype = getattr(torch, case.entry["dtype"])
    xs = [torch.from_numpy(x).requires_grad_() for x in case.leaves("x")]
    lengths = case.arrays.get("sequence_length")
    axis = _time_axis(case)
    batch, num_steps = xs[0].shape[1 - axis], xs[0].shape[axis]

    scopes = _scopes(case)
    by_id: dict[str, RNNCell] = {}
    cells = {key: build(case.entry[key], xs[0].shape[-1], dtype, by_id) for key in scopes}
    variables = {k.removeprefix("var/"): v for k, v in case.arrays.items() if k.startswith("var/")}
    for key, cell in cells.items():
        tf1.load_variables(cell, variables, scopes[key])

    states, state_leaves = {}, {}
    for key in ("initial_state", "initial_state_fw", "initial_state_bw"):
        arrays = case.leaves(key)
        if arrays is not None:
            leaves = [torch.from_numpy(a).requires_grad_() for a in arrays]
            state_leaves.update({f"{key}/{i}": leaf for i, leaf in enumerate(leaves)})
            cell = cells["cell" + key.removeprefix("initial_state")]
            states[key] = _pack(cell.zero_state(0), iter(leaves))

    all_lengths = np.full(batch, num_steps) if lengths is None else lengths.astype(np.int64)
    noise = _noise(case, cells["cell"], all_lengths) if "cell" in cells else None
    name = case.entry.get("unroll") or case.entry["api"].split(".")[-1]
    x = xs[0] if len(xs) == 1 else tuple(xs)
    results = UNROLLS[name](cells, x, lengths, states, noise, axis == 0)
    _compare(case, results)
    _compare_gradients(case, results, cells, scopes, xs, state_leaves)


def _compare(case: Case, results: dict[str, Any]) -> None:
    for key, tree in results.items():
        leaves = _flat(tree)
        assert len(leaves) == len(case.leaves(key) or []), f"number of leaves of {key}"
        for i, leaf in enumerate(leaves):
            assert_equal(leaf.detach(), case.arrays[f"{key}/{i}"], f"{key}/{i}")


def _compare_gradients(
    case: Case, results: dict, cells: dict, scopes: dict, xs: list, state_leaves: dict
) -> None:
    if "loss" not in case.arrays:
        return
    loss = sum(
        (leaf * torch.from_numpy(case.arrays[f"w_{key}/{i}"])).sum()
        for key, tree in results.items()
        for i, leaf in enumerate(_flat(tree))
    )
    assert_equal(loss.detach(), case.arrays["loss"], "loss")
    loss.backward()
    found = {f"x/{i}": x.grad for i, x in enumerate(xs)}
    found.update({name: leaf.grad for name, leaf in state_leaves.items()})
    for key, cell in cells.items():
        names = tf1.variable_names(cell, scopes[key])
        parameters = cell.state_dict(keep_vars=True)
        found.update({f"var/{names[n]}": parameters[n].grad for n in parameters})
    compared = 0
    for name, gradient in found.items():
        expected = _expected_gradient(case, name)
        if expected is None:
            continue
        if gradient is None:  # torch's None and a gradient of zeros say the same
            gradient = torch.zeros(expected.shape, dtype=torch.float64)
        assert_equal(gradient, expected, f"gradient of {name}")
        compared += 1
    recorded = {k.split("/part_")[0] for k in case.arrays if k.startswith("grad_")}
    assert compared == len(recorded), "every recorded gradient is compared"


def _expected_gradient(case: Case, name: str) -> np.ndarray | None:
    if f"grad_{name}" in case.arrays:
        return case.arrays[f"grad_{name}"]
    parts = []
    while f"grad_{name}/part_{len(parts)}" in case.arrays:
        parts.append(case.arrays[f"grad_{name}/part_{len(parts)}"])
    return np.concatenate(parts) if parts else None
