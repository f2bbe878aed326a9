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
from varlen.rnn.unroll import (
    bidirectional_dynamic_rnn,
    detach_state,
    dynamic_rnn,
    raw_rnn,
    reverse_sequence,
    stack_bidirectional_dynamic_rnn,
    stack_bidirectional_rnn,
    static_bidirectional_rnn,
    static_rnn,
    static_state_saving_rnn,
    transpose_batch_time,
)
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
    "detach_state",
    "dynamic_rnn",
    "explain",
    "raw_rnn",
    "reverse_sequence",
    "stack_bidirectional_dynamic_rnn",
    "stack_bidirectional_rnn",
    "static_bidirectional_rnn",
    "static_rnn",
    "static_state_saving_rnn",
    "transpose_batch_time",
]
