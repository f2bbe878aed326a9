"""Beginnings of a pipeline besides `Records`: arrays, tables, dicts, several sources in one."""

from varlen.data.sources._arrays import Arrays
from varlen.data.sources._examples import Examples
from varlen.data.sources._interleave import Interleave
from varlen.data.sources._mix import Mix
from varlen.data.sources._parquet import Parquet
from varlen.data.sources._tables import Table

__all__ = ["Arrays", "Examples", "Interleave", "Mix", "Parquet", "Table"]
