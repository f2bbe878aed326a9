"""Every public cell and wrapper, and one example of each of a given size."""

from collections.abc import Callable
from inspect import isabstract
from typing import Any

from torch import nn

import varlen
from varlen import LSTMCell, RNNCell
from varlen.rnn import RecurrentCell

INPUT_SIZE, UNITS = 128, 256
"""The size at which cells are compared."""

Make = Callable[[int, int], RNNCell]


def _of_two_bands(make: Callable[..., RNNCell], d: int, n: int, **blocks: Any) -> RNNCell:
    return make(d, n, feature_size=d // 2, frequency_skip=d // 2, **blocks)


# Those that are not made by `cell(input_size, num_units)`, or whose point needs another argument.
# Convolutions have d numbers of input and n of state, in 8 places.
_SPECIAL: dict[str, Make] = {
    "BidirectionalGridLSTMCell": lambda d, n: _of_two_bands(
        varlen.BidirectionalGridLSTMCell, d, n, num_frequency_blocks=[2]
    ),
    "Conv1DLSTMCell": lambda d, n: varlen.Conv1DLSTMCell([8, d // 8], n // 8, [3]),
    "Conv2DLSTMCell": lambda d, n: varlen.Conv2DLSTMCell([4, 2, d // 8], n // 8, [3, 3]),
    "Conv3DLSTMCell": lambda d, n: varlen.Conv3DLSTMCell([2, 2, 2, d // 8], n // 8, [3, 3, 3]),
    "ConvLSTMCell": lambda d, n: varlen.ConvLSTMCell(1, [8, d // 8], n // 8, [3]),
    "GLSTMCell": lambda d, n: varlen.GLSTMCell(d, n, number_of_groups=4),
    "GridLSTMCell": lambda d, n: _of_two_bands(varlen.GridLSTMCell, d, n, num_frequency_blocks=[2]),
    "NTMCell": lambda d, n: varlen.NTMCell(LSTMCell(d + 16, n), 32, 16, 1, 1),
    "TimeFreqLSTMCell": lambda d, n: _of_two_bands(varlen.TimeFreqLSTMCell, d, n),
    "DropoutWrapper": lambda d, n: varlen.DropoutWrapper(LSTMCell(d, n), 0.8, 0.8, 0.8),
    "IntersectionRNNCell": lambda d, n: varlen.IntersectionRNNCell(d, n, num_in_proj=n),
    "MultiRNNCell": lambda d, n: varlen.MultiRNNCell([LSTMCell(d, n), LSTMCell(n, n)]),
    "RecurrentDropoutWrapper": lambda d, n: varlen.RecurrentDropoutWrapper(LSTMCell(d, n), 0.8),
    "WeightDropWrapper": lambda d, n: varlen.WeightDropWrapper(LSTMCell(d, n), 0.5),
    "ZoneoutWrapper": lambda d, n: varlen.ZoneoutWrapper(LSTMCell(d, n), 0.1),
}


def public_cells() -> dict[str, type[nn.Module]]:
    """The classes, by name: all of `varlen.cells` that is a module and not abstract."""
    found = {name: getattr(varlen.cells, name) for name in varlen.cells.__all__}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, type)
        and issubclass(value, nn.Module)
        and not isabstract(value)
        and value not in (RNNCell, RecurrentCell)
    }


def is_wrapper(cell: type[nn.Module]) -> bool:
    """Whether it is made around other cells."""
    return "Wrapper" in cell.__name__ or cell.__module__.startswith("varlen.rnn.wrappers")


def core(module: nn.Module) -> RNNCell:
    """The cell that takes the steps of a module that is called on whole sequences; or itself."""
    found = module if isinstance(module, RNNCell) else module.cell
    assert isinstance(found, RNNCell)
    return found


def example(name: str, input_size: int = INPUT_SIZE, units: int = UNITS) -> Any:
    """A cell of this name; a wrapper is around an `LSTMCell`.

    Raises:
        LookupError: nothing is known of how to make it.
    """
    make = _SPECIAL.get(name) or getattr(varlen.cells, name)
    try:
        return make(input_size, units)
    except (TypeError, ValueError) as error:
        raise LookupError(f"benchmarks/zoo.py cannot make it: {error}") from error
