"""The cells, by family."""

from varlen.rnn.cells._basic import BasicRNNCell
from varlen.rnn.cells._gru import GRUCell
from varlen.rnn.cells._lstm import BasicLSTMCell, LSTMCell

__all__ = ["BasicLSTMCell", "BasicRNNCell", "GRUCell", "LSTMCell"]
