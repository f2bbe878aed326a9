"""TensorFlow 1's batch functions over plain iterables, without its threads and queues."""

from varlen.data.iterables._batch import batch
from varlen.data.iterables._buckets import bucket, bucket_by_sequence_length
from varlen.data.iterables._variants import batch_join, maybe_batch, shuffle_batch

__all__ = [
    "batch",
    "batch_join",
    "bucket",
    "bucket_by_sequence_length",
    "maybe_batch",
    "shuffle_batch",
]
