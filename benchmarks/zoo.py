"""Every public cell and wrapper, and one example of each of a given size."""

from inspect import isabstract
from typing import Any

from torch import nn

import varlen
from varlen import RNNCell
from varlen.rnn import RecurrentCell

INPUT_SIZE, UNITS = 128, 256
"""The size at which cells are compared."""

# Those that are not made by `cell(d, n)`, or whose point needs another argument. Convolutions have
# d numbers of input and n of state, in 8 places.
_EXAMPLES = {
    "BidirectionalGridLSTMCell": "BidirectionalGridLSTMCell("
    "d, n, feature_size=d // 2, frequency_skip=d // 2, num_frequency_blocks=[2])",
    "Conv1DLSTMCell": "Conv1DLSTMCell([8, d // 8], n // 8, [3])",
    "Conv2DLSTMCell": "Conv2DLSTMCell([4, 2, d // 8], n // 8, [3, 3])",
    "Conv3DLSTMCell": "Conv3DLSTMCell([2, 2, 2, d // 8], n // 8, [3, 3, 3])",
    "ConvLSTMCell": "ConvLSTMCell(1, [8, d // 8], n // 8, [3])",
    "DropoutWrapper": "DropoutWrapper(LSTMCell(d, n), 0.8, 0.8, 0.8)",
    "GLSTMCell": "GLSTMCell(d, n, number_of_groups=4)",
    "GridLSTMCell": "GridLSTMCell("
    "d, n, feature_size=d // 2, frequency_skip=d // 2, num_frequency_blocks=[2])",
    "IntersectionRNNCell": "IntersectionRNNCell(d, n, num_in_proj=n)",
    "MultiRNNCell": "MultiRNNCell([LSTMCell(d, n), LSTMCell(n, n)])",
    "NTMCell": "NTMCell(LSTMCell(d + 16, n), 32, 16, 1, 1)",
    "RecurrentDropoutWrapper": "RecurrentDropoutWrapper(LSTMCell(d, n), 0.8)",
    "TimeFreqLSTMCell": "TimeFreqLSTMCell(d, n, feature_size=d // 2, frequency_skip=d // 2)",
    "WeightDropWrapper": "WeightDropWrapper(LSTMCell(d, n), 0.5)",
    "ZoneoutWrapper": "ZoneoutWrapper(LSTMCell(d, n), 0.1)",
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


def code(name: str) -> str:
    """How the example of a cell is made: an expression of d, the input size, and n, the units."""
    return _EXAMPLES.get(name, f"{name}(d, n)")


def example(name: str, input_size: int = INPUT_SIZE, units: int = UNITS) -> Any:
    """A cell of this name; a wrapper is around an `LSTMCell`.

    Raises:
        LookupError: nothing is known of how to make it.
    """
    try:
        return eval(code(name), {**vars(varlen.cells), "d": input_size, "n": units})
    except (TypeError, ValueError) as error:
        raise LookupError(f"benchmarks/zoo.py cannot make it: {error}") from error
