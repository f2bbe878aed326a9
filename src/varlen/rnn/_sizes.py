"""The sizes of a cell, checked, with errors that name the cell."""

from varlen.rnn._parameters import check_positive
from varlen.rnn._recurrent import RecurrentCell


def set_sizes(
    cell: RecurrentCell, input_size: int, num_units: int, *, units: str = "num_units"
) -> None:
    """Gives `cell` its sizes, for one tensor as state, which is the output.

    Args:
        cell: whose constructor this is called from.
        input_size: width of the inputs.
        num_units: width of a gate.
        units: what the cell's argument for `num_units` is called.

    Raises:
        TypeError, ValueError: no int, or below 1.
    """
    owner = type(cell).__name__
    cell.input_size = check_positive(input_size, argument=f"{owner}: input_size")
    cell.num_units = check_positive(num_units, argument=f"{owner}: {units}")
    cell.state_size = cell.output_size = cell.num_units
