"""All cells, wrappers and states in one place, as `tf.nn.rnn_cell` was."""

from varlen.rnn import (
    BasicLSTMCell,
    BasicRNNCell,
    CoupledInputForgetGateLSTMCell,
    DropoutWrapper,
    GRUCell,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    NASCell,
    Products,
    RecurrentCell,
    RNNCell,
    UGRNNCell,
)

__all__ = [
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
]
