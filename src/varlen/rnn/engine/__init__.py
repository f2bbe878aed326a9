"""How a cell is run along sequences: jagged values and lengths in, the same out."""

from varlen.rnn.engine._eager import unroll

__all__ = ["unroll"]
