"""Whole recurrent layers with torch's contract."""

from varlen.rnn.layers._layers import GRU, LSTM, RNN

__all__ = ["GRU", "LSTM", "RNN"]
