"""Recurrent cells, wrappers around them, and what runs them along time."""

from varlen.rnn._cell import LSTMStateTuple, RNNCell
from varlen.rnn.cells import BasicLSTMCell, BasicRNNCell, GRUCell, LSTMCell
from varlen.rnn.unroll import bidirectional_dynamic_rnn, dynamic_rnn, static_rnn
from varlen.rnn.wrappers import DropoutWrapper, MultiRNNCell

__all__ = [
    "BasicLSTMCell",
    "BasicRNNCell",
    "DropoutWrapper",
    "GRUCell",
    "LSTMCell",
    "LSTMStateTuple",
    "MultiRNNCell",
    "RNNCell",
    "bidirectional_dynamic_rnn",
    "dynamic_rnn",
    "static_rnn",
]
