"""Record files and their bytes: TFRecord framing, compression, shards. Needs no torch."""

from ._paths import expand_paths, open_records
from ._reader import Record, RecordReader
from ._writer import RecordWriter, ShardedWriter

__all__ = [
    "Record",
    "RecordReader",
    "RecordWriter",
    "ShardedWriter",
    "expand_paths",
    "open_records",
]
