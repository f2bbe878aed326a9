"""How a cell is run along sequences: padded blocks and lengths in, the same out."""

from varlen.rnn.engine._choose import ENGINES, Engine, explain
from varlen.rnn.engine._unroll import unroll

__all__ = ["ENGINES", "Engine", "explain", "unroll"]
