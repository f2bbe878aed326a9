"""How a cell is run along sequences: rows of values in some layout in, the same out."""

from varlen.rnn.engine._choose import ENGINES, Engine
from varlen.rnn.engine._explain import explain
from varlen.rnn.engine._rows import Rows, as_lengths
from varlen.rnn.engine._step import native_step
from varlen.rnn.engine._unroll import unroll

__all__ = [
    "ENGINES",
    "Engine",
    "Rows",
    "as_lengths",
    "explain",
    "native_step",
    "unroll",
]
