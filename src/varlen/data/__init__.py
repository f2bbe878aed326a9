"""Where bytes become batches: stages from record files to padded tensors, and `batch`."""

from varlen.data._batch import Batch, BucketBySequenceLength
from varlen.data._map import Map
from varlen.data._pad import Pad
from varlen.data._padded_batch import batch
from varlen.data._parse import Parse
from varlen.data._pipeline import Pipeline
from varlen.data._prefetch import Prefetch
from varlen.data._records import Records
from varlen.data._shuffle import Shuffle
from varlen.data._stage import Stage, StageIterator

__all__ = [
    "Batch",
    "BucketBySequenceLength",
    "Map",
    "Pad",
    "Parse",
    "Pipeline",
    "Prefetch",
    "Records",
    "Shuffle",
    "Stage",
    "StageIterator",
    "batch",
]
