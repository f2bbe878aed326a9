"""Where bytes become batches: stages from record files to padded tensors, `batch`, and queues."""

from varlen.data._batch import Batch, BucketBySequenceLength
from varlen.data._batch_variants import batch_join, maybe_batch, shuffle_batch
from varlen.data._buckets import bucket, bucket_by_sequence_length
from varlen.data._map import Map
from varlen.data._pad import Pad
from varlen.data._padded_batch import batch
from varlen.data._parse import Parse
from varlen.data._pipeline import Pipeline
from varlen.data._prefetch import Prefetch
from varlen.data._records import Records
from varlen.data._shuffle import Shuffle
from varlen.data._stage import Stage, StageIterator
from varlen.data.queues import (
    Coordinator,
    FIFOQueue,
    LooperThread,
    PaddingFIFOQueue,
    PriorityQueue,
    Queue,
    QueueRunner,
    RandomShuffleQueue,
    range_input_producer,
    slice_input_producer,
    string_input_producer,
)

__all__ = [
    "Batch",
    "BucketBySequenceLength",
    "Coordinator",
    "FIFOQueue",
    "LooperThread",
    "Map",
    "Pad",
    "PaddingFIFOQueue",
    "Parse",
    "Pipeline",
    "Prefetch",
    "PriorityQueue",
    "Queue",
    "QueueRunner",
    "RandomShuffleQueue",
    "Records",
    "Shuffle",
    "Stage",
    "StageIterator",
    "batch",
    "batch_join",
    "bucket",
    "bucket_by_sequence_length",
    "maybe_batch",
    "range_input_producer",
    "shuffle_batch",
    "slice_input_producer",
    "string_input_producer",
]
