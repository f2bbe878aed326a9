"""Other formats than record files: rows of values out of them, and into them. Needs no torch.

A reader gives `Row`s as they come and in bounded memory. `Kinds` holds a feature to one kind in all
rows, `encode_rows` makes records of them, and `RecordFiles` makes rows of records again.
"""

from ._conllu import read_conllu
from ._csv import CsvLayout, read_csv
from ._encode import batched, encode_rows
from ._json_lines import encode_json, read_json_lines, write_json_lines
from ._kinds import Kind, Kinds, quote
from ._lines import read_lines
from ._npz import read_npz
from ._parquet import read_arrow, read_parquet, write_parquet
from ._record_files import RecordFiles
from ._row import Progress, Row
from ._text import TEXT, read_text

__all__ = [
    "TEXT",
    "CsvLayout",
    "Kind",
    "Kinds",
    "Progress",
    "RecordFiles",
    "Row",
    "batched",
    "encode_json",
    "encode_rows",
    "quote",
    "read_arrow",
    "read_conllu",
    "read_csv",
    "read_json_lines",
    "read_lines",
    "read_npz",
    "read_parquet",
    "read_text",
    "write_json_lines",
    "write_parquet",
]
