"""Cells around cells."""

from varlen.rnn.wrappers._dropout import DropoutWrapper
from varlen.rnn.wrappers._multi import MultiRNNCell

__all__ = ["DropoutWrapper", "MultiRNNCell"]
