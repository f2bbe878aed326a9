"""Cells along time."""

from varlen.rnn.unroll._bidirectional import bidirectional_dynamic_rnn
from varlen.rnn.unroll._dynamic import dynamic_rnn
from varlen.rnn.unroll._static import static_rnn

__all__ = ["bidirectional_dynamic_rnn", "dynamic_rnn", "static_rnn"]
