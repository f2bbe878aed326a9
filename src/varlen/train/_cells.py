"""The cells of the catalogue by short names, as the command line knows them."""

from collections.abc import Callable

from varlen import cells
from varlen.errors import ConfigError, did_you_mean
from varlen.rnn import RNNCell

CELLS: dict[str, Callable[[int, int], RNNCell]] = {
    "basic_lstm": cells.BasicLSTMCell,
    "cfn": cells.CFNCell,
    "cifg": cells.CoupledInputForgetGateLSTMCell,
    "cudnn_gru": cells.CudnnCompatibleGRUCell,
    "cudnn_lstm": cells.CudnnCompatibleLSTMCell,
    "glstm": lambda size, units: cells.GLSTMCell(
        size, units, number_of_groups=_groups(size, units)
    ),
    "gru": cells.GRUCell,
    "gru_block": cells.GRUBlockCell,
    "gru_block_v2": cells.GRUBlockCellV2,
    "ind_rnn": cells.IndRNNCell,
    "indy_gru": cells.IndyGRUCell,
    "indy_lstm": cells.IndyLSTMCell,
    "intersection_rnn": lambda size, units: cells.IntersectionRNNCell(
        size, units, num_in_proj=units
    ),
    "janet": cells.JANETCell,
    "layer_norm_basic_lstm": cells.LayerNormBasicLSTMCell,
    "layer_norm_gru": cells.LayerNormGRUCell,
    "layer_norm_lstm": lambda size, units: cells.LayerNormLSTMCell(size, units, layer_norm=True),
    "layer_norm_rnn": cells.LayerNormRNNCell,
    "lstm": cells.LSTMCell,
    "lstm_block": cells.LSTMBlockCell,
    "min_gru": cells.MinGRUCell,
    "min_lstm": cells.MinLSTMCell,
    "minimal_rnn": cells.MinimalRNNCell,
    "mlstm": cells.MultiplicativeLSTMCell,
    "nas": cells.NASCell,
    "peephole_lstm": lambda size, units: cells.LSTMCell(size, units, use_peepholes=True),
    "rnn": cells.BasicRNNCell,
    "slstm": cells.SLSTMCell,
    "sru": cells.SRUCell,
    "ugrnn": cells.UGRNNCell,
    "weight_norm_lstm": cells.WeightNormLSTMCell,
}
"""What makes a cell of an input size and a number of units."""


def make_cell(name: str, input_size: int, units: int) -> RNNCell:
    """A new cell.

    Raises:
        ConfigError: there is none of this name, or it cannot be made of this size.
    """
    check_cell_name(name)
    try:
        return CELLS[name](input_size, units)
    except ValueError as error:
        raise ConfigError(str(error), at=f"cell {name!r}") from error


def check_cell_name(name: str) -> None:
    """Refuses the name of no cell.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in CELLS:
        raise ConfigError(f"cell: no cell {name!r}", hint=did_you_mean(name, CELLS))


def _groups(size: int, units: int) -> int:
    """Four groups, as in the paper, or as many as go into both sizes."""
    return next(groups for groups in (4, 2, 1) if size % groups == 0 and units % groups == 0)
