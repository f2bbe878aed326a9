"""TensorFlow's batch functions over plain iterables, without its threads and queues."""

from varlen.data.iterables._batch import batch
from varlen.data.iterables._buckets import bucket, bucket_by_sequence_length
from varlen.data.iterables._joins import (
    batch_join,
    maybe_batch_join,
    maybe_shuffle_batch_join,
    shuffle_batch_join,
)
from varlen.data.iterables._padded import bucketed_batch, padded_batch
from varlen.data.iterables._state_batch import NextQueuedSequenceBatch
from varlen.data.iterables._states import batch_sequences_with_states
from varlen.data.iterables._variants import maybe_batch, maybe_shuffle_batch, shuffle_batch

__all__ = [
    "NextQueuedSequenceBatch",
    "batch",
    "batch_join",
    "batch_sequences_with_states",
    "bucket",
    "bucket_by_sequence_length",
    "bucketed_batch",
    "maybe_batch",
    "maybe_batch_join",
    "maybe_shuffle_batch",
    "maybe_shuffle_batch_join",
    "padded_batch",
    "shuffle_batch",
    "shuffle_batch_join",
]
