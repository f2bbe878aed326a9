"""`LSTM`, `GRU` and `RNN`: torch's layers, with lengths."""

import torch

from varlen.rnn._recurrent import RecurrentCell
from varlen.rnn.layers._base import RecurrentLayers
from varlen.rnn.layers._cells import GRULayerCell, LayerWeights, LSTMLayerCell, RNNLayerCell


class LSTM(RecurrentLayers):
    """`torch.nn.LSTM` that stops each row at its own length.

    Constructor, parameters, initial values, `state_dict` and results are those of
    `torch.nn.LSTM`. `forward` takes `lengths=` besides, and jagged nested tensors.

    Args:
        input_size: width of the inputs.
        hidden_size: width of the memory `c`, and of the output if there is no projection.
        num_layers: layers on top of each other.
        bias: False leaves the biases out.
        batch_first: padded inputs and outputs are `[batch, time, features]`.
        dropout: probability of a zero in the outputs of all layers but the last, in training.
            It is drawn for real steps only, so padding does not change a draw.
        bidirectional: a second set of weights goes from each row's last real step to its first;
            outputs stand side by side.
        proj_size: width that the output is projected to (Sak et al. 2014); 0 is no projection.
        device: of the parameters.
        dtype: of the parameters; None is torch's default.
        recompute: saves memory in training: only states are kept for the gradient, and the gates
            are computed again.

    The parameters of layer k are `weight_ih_lk` `[4 * hidden_size, layer's input]` (input, forget,
    candidate, output), `weight_hh_lk` `[4 * hidden_size, proj_size or hidden_size]`, `bias_ih_lk`
    and `bias_hh_lk` `[4 * hidden_size]`, and with a projection `weight_hr_lk` `[proj_size,
    hidden_size]`; those of the other direction end in `_reverse`.
    """

    num_gates = 4
    state_names = ("h_0", "c_0")
    mode = "LSTM"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        recompute: bool = False,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            num_layers=num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            proj_size=proj_size,
            device=device,
            dtype=dtype,
            recompute=recompute,
        )

    def make_cell(self, weights: LayerWeights) -> RecurrentCell:
        return LSTMLayerCell(weights)


class GRU(RecurrentLayers):
    """`torch.nn.GRU` that stops each row at its own length.

    The reset gate multiplies after the product with the state, as in torch (in `varlen.GRUCell`
    before it, as in TensorFlow 1 and the paper). Otherwise as `varlen.LSTM`, with the rows of the
    weights in the order reset, update, candidate.

    Args:
        input_size: width of the inputs.
        hidden_size: width of the state and the output.
        num_layers: layers on top of each other.
        bias: False leaves the biases out.
        batch_first: padded inputs and outputs are `[batch, time, features]`.
        dropout: as in `varlen.LSTM`.
        bidirectional: as in `varlen.LSTM`.
        device: of the parameters.
        dtype: of the parameters; None is torch's default.
        recompute: as in `varlen.LSTM`.
    """

    num_gates = 3
    state_names = ("h_0",)
    mode = "GRU"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        recompute: bool = False,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            num_layers=num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            proj_size=0,
            device=device,
            dtype=dtype,
            recompute=recompute,
        )

    def make_cell(self, weights: LayerWeights) -> RecurrentCell:
        return GRULayerCell(weights)


class RNN(RecurrentLayers):
    """`torch.nn.RNN` that stops each row at its own length. Otherwise as `varlen.LSTM`.

    Args:
        input_size: width of the inputs.
        hidden_size: width of the state and the output.
        num_layers: layers on top of each other.
        nonlinearity: "tanh" or "relu".
        bias: False leaves the biases out.
        batch_first: padded inputs and outputs are `[batch, time, features]`.
        dropout: as in `varlen.LSTM`.
        bidirectional: as in `varlen.LSTM`.
        device: of the parameters.
        dtype: of the parameters; None is torch's default.
        recompute: as in `varlen.LSTM`.

    Raises:
        ValueError: another nonlinearity.
    """

    num_gates = 1
    state_names = ("h_0",)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        recompute: bool = False,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity: expected 'tanh' or 'relu', found {nonlinearity!r}")
        super().__init__(
            input_size,
            hidden_size,
            num_layers=num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            proj_size=0,
            device=device,
            dtype=dtype,
            recompute=recompute,
        )
        self.nonlinearity = nonlinearity
        self.mode = f"RNN_{nonlinearity.upper()}"

    def make_cell(self, weights: LayerWeights) -> RecurrentCell:
        return RNNLayerCell(weights, nonlinearity=self.nonlinearity)
