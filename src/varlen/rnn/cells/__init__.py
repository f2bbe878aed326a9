"""The cells, by family."""

from varlen.rnn.cells._basic import BasicRNNCell
from varlen.rnn.cells._coupled import CoupledInputForgetGateLSTMCell
from varlen.rnn.cells._gru import GRUCell
from varlen.rnn.cells._lstm import BasicLSTMCell, LSTMCell
from varlen.rnn.cells._nas import NASCell
from varlen.rnn.cells._ugrnn import UGRNNCell

__all__ = [
    "BasicLSTMCell",
    "BasicRNNCell",
    "CoupledInputForgetGateLSTMCell",
    "GRUCell",
    "LSTMCell",
    "NASCell",
    "UGRNNCell",
]
