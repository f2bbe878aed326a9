"""Record files and their bytes: TFRecord framing, compression, shards. Needs no torch."""

from ._blocks import LostBytes, RecordBlock
from ._index import RecordIndex
from ._indexed_reader import IndexedReader
from ._paths import expand_paths, open_records
from ._reader import Record, RecordReader
from ._sharded_writer import ShardedWriter
from ._sources import open_bytes
from ._writer import RecordWriter

__all__ = [
    "IndexedReader",
    "LostBytes",
    "Record",
    "RecordBlock",
    "RecordIndex",
    "RecordReader",
    "RecordWriter",
    "ShardedWriter",
    "expand_paths",
    "open_bytes",
    "open_records",
]
