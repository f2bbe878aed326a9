"""Where bytes become batches: stages from record files to padded tensors, `batch`, and queues."""

from varlen.data._pipeline import Pipeline
from varlen.data._record_batch import RecordBatch
from varlen.data._stage import IndexedIterator, Stage, StageIterator
from varlen.data.iterables import (
    batch,
    batch_join,
    bucket,
    bucket_by_sequence_length,
    maybe_batch,
    shuffle_batch,
)
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
from varlen.data.sources import Interleave, Mix
from varlen.data.stages import (
    Batch,
    BucketBySequenceLength,
    Filter,
    Map,
    Pad,
    Parse,
    Prefetch,
    Records,
    Repeat,
    Shuffle,
)

__all__ = [
    "Batch",
    "BucketBySequenceLength",
    "Coordinator",
    "FIFOQueue",
    "Filter",
    "IndexedIterator",
    "Interleave",
    "LooperThread",
    "Map",
    "Mix",
    "Pad",
    "PaddingFIFOQueue",
    "Parse",
    "Pipeline",
    "Prefetch",
    "PriorityQueue",
    "Queue",
    "QueueRunner",
    "RandomShuffleQueue",
    "RecordBatch",
    "Records",
    "Repeat",
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
