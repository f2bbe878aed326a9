"""The stages of a pipeline, a file each."""

from varlen.data.stages._batch import Batch, BucketBySequenceLength
from varlen.data.stages._chunk import Chunk
from varlen.data.stages._filter import Filter
from varlen.data.stages._follow_plan import FollowPlan
from varlen.data.stages._indexed_records import IndexedRecords
from varlen.data.stages._limit_length import LimitLength
from varlen.data.stages._map import Map
from varlen.data.stages._pad import Pad
from varlen.data.stages._parse import Parse
from varlen.data.stages._permute import Permute
from varlen.data.stages._prefetch import Prefetch
from varlen.data.stages._records import Records
from varlen.data.stages._repeat import Repeat
from varlen.data.stages._shuffle import Shuffle
from varlen.data.stages._sort_by_length import SortByLength
from varlen.data.stages._to_device import ToDevice
from varlen.data.stages._unpadded import Jagged, Nest, Pack
from varlen.data.stages._window import Window

__all__ = [
    "Batch",
    "BucketBySequenceLength",
    "Chunk",
    "Filter",
    "FollowPlan",
    "IndexedRecords",
    "Jagged",
    "LimitLength",
    "Map",
    "Nest",
    "Pack",
    "Pad",
    "Parse",
    "Permute",
    "Prefetch",
    "Records",
    "Repeat",
    "Shuffle",
    "SortByLength",
    "ToDevice",
    "Window",
]
