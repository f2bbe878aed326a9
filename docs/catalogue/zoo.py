"""Every public cell and wrapper, and one example of each of a given size."""

import re
from inspect import isabstract
from typing import Any

import torch
from torch import nn

import varlen
from varlen import RNNCell
from varlen.rnn import RecurrentCell, _nest
from varlen.rnn._cell import zeros_of

INPUT_SIZE, UNITS = 128, 256
"""The size at which cells are compared."""

# Those that are not made by `cell(d, n)`, or whose point needs another argument. Convolutions have
# d numbers of input and n of state, in 8 places.
_EXAMPLES = {
    "AttentionCellWrapper": "AttentionCellWrapper(d, LSTMCell(d, n), 4)",
    "BidirectionalGridLSTMCell": "BidirectionalGridLSTMCell("
    "d, n, feature_size=d // 2, frequency_skip=d // 2, num_frequency_blocks=[2])",
    "Conv1DLSTMCell": "Conv1DLSTMCell([8, d // 8], n // 8, [3])",
    "Conv2DLSTMCell": "Conv2DLSTMCell([4, 2, d // 8], n // 8, [3, 3])",
    "Conv3DLSTMCell": "Conv3DLSTMCell([2, 2, 2, d // 8], n // 8, [3, 3, 3])",
    "ConvLSTMCell": "ConvLSTMCell(1, [8, d // 8], n // 8, [3])",
    "DeviceWrapper": "DeviceWrapper(LSTMCell(d, n), 'cpu')",
    "DropoutWrapper": "DropoutWrapper(LSTMCell(d, n), 0.8, 0.8, 0.8)",
    "EmbeddingWrapper": "EmbeddingWrapper(LSTMCell(d, n), 1000, d)",
    "FusedRNNCellAdaptor": "FusedRNNCellAdaptor(LSTMCell(d, n), use_dynamic_rnn=True)",
    "GLSTMCell": "GLSTMCell(d, n, number_of_groups=4)",
    "GridLSTMCell": "GridLSTMCell("
    "d, n, feature_size=d // 2, frequency_skip=d // 2, num_frequency_blocks=[2])",
    "HighwayWrapper": "HighwayWrapper(LSTMCell(n, n))",
    "InputProjectionWrapper": "InputProjectionWrapper(d, LSTMCell(n, n), n)",
    "IntersectionRNNCell": "IntersectionRNNCell(d, n, num_in_proj=n)",
    "MultiRNNCell": "MultiRNNCell([LSTMCell(d, n), LSTMCell(n, n)])",
    "NTMCell": "NTMCell(LSTMCell(d + 16, n), 32, 16, 1, 1)",
    "OutputProjectionWrapper": "OutputProjectionWrapper(LSTMCell(d, n), d)",
    "RecurrentDropoutWrapper": "RecurrentDropoutWrapper(LSTMCell(d, n), 0.8)",
    "ResidualWrapper": "ResidualWrapper(LSTMCell(n, n))",
    "TimeFreqLSTMCell": "TimeFreqLSTMCell(d, n, feature_size=d // 2, frequency_skip=d // 2)",
    "TimeReversedFusedRNN": "TimeReversedFusedRNN(LSTMBlockFusedCell(d, n))",
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
    is_cell = re.search(r"Cell(V\d)?$", cell.__name__) is not None
    return not is_cell or cell.__module__.startswith("varlen.rnn.wrappers")


def core(module: nn.Module) -> RNNCell:
    """The cell that takes the steps of a module that is called on whole sequences; or itself."""
    if isinstance(module, RNNCell):
        return module
    assert isinstance(module.cell, nn.Module)
    return core(module.cell)


def draw_inputs(cell: RNNCell, batch: int, steps: int) -> Any:
    """Normal ones of the cell's size, each leaf `[batch, steps, ...]`; ids for an embedding."""
    if type(cell).__name__ == "EmbeddingWrapper":
        return torch.randint(1000, (batch, steps, 1))
    return _nest.map_structure(
        lambda leaf: torch.randn_like(leaf).unflatten(0, (batch, steps)).requires_grad_(),
        zeros_of(cell.input_size, torch.empty(batch * steps, 0)),
    )


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
        raise LookupError(f"docs/catalogue/zoo.py cannot make it: {error}") from error
