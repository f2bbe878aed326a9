"""The cells, by family."""

from varlen.rnn.cells._basic import BasicRNNCell
from varlen.rnn.cells._coupled import CoupledInputForgetGateLSTMCell
from varlen.rnn.cells._gru import GRUCell
from varlen.rnn.cells._janet import JANETCell
from varlen.rnn.cells._layer_norm import LayerNormGRUCell, LayerNormRNNCell
from varlen.rnn.cells._lstm import BasicLSTMCell, LSTMCell
from varlen.rnn.cells._min import MinGRUCell, MinLSTMCell
from varlen.rnn.cells._multiplicative import MultiplicativeLSTMCell
from varlen.rnn.cells._nas import NASCell
from varlen.rnn.cells._slstm import SLSTMCell, SLSTMStateTuple
from varlen.rnn.cells._ugrnn import UGRNNCell

__all__ = [
    "BasicLSTMCell",
    "BasicRNNCell",
    "CoupledInputForgetGateLSTMCell",
    "GRUCell",
    "JANETCell",
    "LSTMCell",
    "LayerNormGRUCell",
    "LayerNormRNNCell",
    "MinGRUCell",
    "MinLSTMCell",
    "MultiplicativeLSTMCell",
    "NASCell",
    "SLSTMCell",
    "SLSTMStateTuple",
    "UGRNNCell",
]
