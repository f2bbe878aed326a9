"""A cell on a device of its own."""

import re
from typing import Any

import torch

from varlen.rnn import _nest
from varlen.rnn._cell import RNNCell, as_cell
from varlen.rnn.wrappers._around import AroundSteps, fit_around
from varlen.rnn.wrappers._place import keep_place_of_inner

_OF_TENSORFLOW = re.compile(r"/(?:device:)?(cpu|gpu):(\d+)", re.IGNORECASE)


class DeviceWrapper(AroundSteps):
    r"""Runs a cell on a device of its own.

    The cell is moved there when it is wrapped. Inputs go there and outputs come back to where the
    inputs were, so layers of a stack may be on different devices; the state stays with the cell.

    Equations:
        $$\mathrm{output}_t, s_t = \mathrm{cell}(x_t, s_{t-1})$$

    When to choose it: stacks that do not fit on one device.

    Args:
        cell: what to wrap; its parameters are moved.
        device: a device or its name, as torch's `cuda:1` or TensorFlow's `/gpu:1` and
            `/device:GPU:1`.

    The parameters are those of `cell`, under the same names in a state dict.

    Raises:
        TypeError: not a cell.
        ValueError: a name that is no device's.
    """

    def __init__(self, cell: RNNCell, device: torch.device | str) -> None:
        super().__init__()
        self.target = _as_device(device)
        fit_around(self, as_cell(cell).to(self.target))
        keep_place_of_inner(self)

    def before(self, inputs: Any, noise: Any) -> Any:
        return _nest.map_structure(lambda leaf: leaf.to(self.target), inputs)

    def after(self, inputs: Any, outputs: Any, noise: Any) -> Any:
        home = _nest.leaves(inputs)[0].device
        return _nest.map_structure(lambda leaf: leaf.to(home), outputs)


def _as_device(device: torch.device | str) -> torch.device:
    if isinstance(device, torch.device):
        return device
    named = _OF_TENSORFLOW.fullmatch(device)
    if named:
        kind = named[1].lower()
        return torch.device("cpu") if kind == "cpu" else torch.device("cuda", int(named[2]))
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            "DeviceWrapper: device: expected a device of this machine, as 'cpu', 'cuda:1', "
            f"'/cpu:0' or '/device:GPU:1', found {device!r}"
        ) from error
