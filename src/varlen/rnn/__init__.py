"""Recurrent cells, wrappers around them, and what runs them along time."""

from varlen.rnn._cell import LSTMStateTuple, RNNCell
from varlen.rnn._recurrent import Products, RecurrentCell
from varlen.rnn.cells import (
    BasicLSTMCell,
    BasicRNNCell,
    CoupledInputForgetGateLSTMCell,
    GRUCell,
    LSTMCell,
    NASCell,
    UGRNNCell,
)
from varlen.rnn.engine import explain
from varlen.rnn.layers import GRU, LSTM, RNN
from varlen.rnn.unroll import bidirectional_dynamic_rnn, dynamic_rnn, static_rnn
from varlen.rnn.wrappers import DropoutWrapper, MultiRNNCell

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "BasicLSTMCell",
    "BasicRNNCell",
    "CoupledInputForgetGateLSTMCell",
    "DropoutWrapper",
    "GRUCell",
    "LSTMCell",
    "LSTMStateTuple",
    "MultiRNNCell",
    "NASCell",
    "Products",
    "RNNCell",
    "RecurrentCell",
    "UGRNNCell",
    "bidirectional_dynamic_rnn",
    "dynamic_rnn",
    "explain",
    "static_rnn",
]
