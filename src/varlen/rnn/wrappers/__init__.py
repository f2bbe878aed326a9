"""Cells around cells."""

from varlen.rnn.wrappers._dropout import DropoutWrapper
from varlen.rnn.wrappers._multi import MultiRNNCell
from varlen.rnn.wrappers._recurrent_dropout import RecurrentDropoutWrapper
from varlen.rnn.wrappers._weight_drop import WeightDrop, WeightDropWrapper
from varlen.rnn.wrappers._zoneout import ZoneoutWrapper

__all__ = [
    "DropoutWrapper",
    "MultiRNNCell",
    "RecurrentDropoutWrapper",
    "WeightDrop",
    "WeightDropWrapper",
    "ZoneoutWrapper",
]
