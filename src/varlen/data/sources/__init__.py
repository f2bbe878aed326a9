"""Beginnings of a pipeline besides `Records`: several sources in one, arrays, tables."""

from varlen.data.sources._interleave import Interleave
from varlen.data.sources._mix import Mix

__all__ = ["Interleave", "Mix"]
