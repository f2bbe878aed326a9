"""The cells of the catalogue by short names, as the command line knows them."""

import re
from collections.abc import Callable

from torch import nn

from varlen import cells
from varlen.errors import ConfigError, did_you_mean
from varlen.rnn import RNNCell
from varlen.train._adapted_cells import (
    NTMOfRows,
    PhasedBySteps,
    bidirectional_grid_lstm,
    grid_lstm,
    time_freq_lstm,
)

CELLS: dict[str, Callable[[int, int], RNNCell]] = {
    "basic_lstm": cells.BasicLSTMCell,
    "bidirectional_grid_lstm": bidirectional_grid_lstm,
    "cfn": cells.CFNCell,
    "cifg": cells.CoupledInputForgetGateLSTMCell,
    "cudnn_gru": cells.CudnnCompatibleGRUCell,
    "cudnn_lstm": cells.CudnnCompatibleLSTMCell,
    "glstm": lambda size, units: cells.GLSTMCell(
        size, units, number_of_groups=_groups(size, units)
    ),
    "grid_lstm": grid_lstm,
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
    "ntm": NTMOfRows,
    "peephole_lstm": lambda size, units: cells.LSTMCell(size, units, use_peepholes=True),
    "phased_lstm": PhasedBySteps,
    "rnn": cells.BasicRNNCell,
    "slstm": cells.SLSTMCell,
    "sru": cells.SRUCell,
    "time_freq_lstm": time_freq_lstm,
    "ugrnn": cells.UGRNNCell,
    "weight_norm_lstm": cells.WeightNormLSTMCell,
}
"""What makes a cell of an input size and a number of units."""

OVERFLOWING = ("layer_norm_basic_lstm", "layer_norm_lstm")
"""Cells whose gradients are infinite where sequences begin with zeros, as TensorFlow's are."""


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


def drops_candidate(name: str) -> bool:
    """Whether a cell has a candidate, which recurrent dropout is for."""
    return bool(getattr(make_cell(name, 16, 16), "drops_candidate", False))


def check_cell_name(name: str) -> None:
    """Refuses the name of no cell, and says where a cell or wrapper of the catalogue is instead.

    Raises:
        ConfigError: there is none of this name.
    """
    if name in CELLS:
        return
    plain = _plain(name)
    for known, make in CELLS.items():
        if plain in (_plain(known), _plain(getattr(make, "__name__", ""))):
            raise ConfigError(f"cell: no cell {name!r}", hint=f"did you mean {known!r}?")
    for public, found in vars(cells).items():
        if plain == _plain(public) and isinstance(found, type) and issubclass(found, nn.Module):
            is_of_grids = public.startswith("Conv")
            reason = "takes steps that are grids" if is_of_grids else "needs more than a name to be"
            raise ConfigError(
                f"cell: {public} cannot be chosen by name: it {reason}",
                hint=_INSTEAD.get(public, _IN_PYTHON),
            )
    raise ConfigError(f"cell: no cell {name!r}", hint=did_you_mean(name, CELLS))


_INSTEAD = {
    "DeviceWrapper": "say --device",
    "DropoutWrapper": "say --dropout",
    "MultiRNNCell": "say --layers",
    "RecurrentDropoutWrapper": "say --recurrent-dropout",
}
_IN_PYTHON = (
    "in Python, varlen.train.CELLS takes more: a name, and what makes a cell of an input size and "
    "units; or write a loop of your own around varlen.dynamic_rnn, which takes every cell"
)


def _plain(name: str) -> str:
    """A name without what may be forgotten: capitals, underscores, and what kind of thing it is."""
    return re.sub(r"_|-|cell$|(cell)?wrapper$", "", name.lower())


def _groups(size: int, units: int) -> int:
    """Four groups, as in the paper, or as many as go into both sizes."""
    return next(groups for groups in (4, 2, 1) if size % groups == 0 and units % groups == 0)
