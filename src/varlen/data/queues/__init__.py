"""TensorFlow 1's queues, without a graph: thread-safe objects, and threads that fill them."""

from varlen.data.queues._coordinator import Coordinator, LooperThread
from varlen.data.queues._producers import (
    range_input_producer,
    slice_input_producer,
    string_input_producer,
)
from varlen.data.queues._queues import (
    FIFOQueue,
    PaddingFIFOQueue,
    PriorityQueue,
    Queue,
    RandomShuffleQueue,
)
from varlen.data.queues._runner import QueueRunner

__all__ = [
    "Coordinator",
    "FIFOQueue",
    "LooperThread",
    "PaddingFIFOQueue",
    "PriorityQueue",
    "Queue",
    "QueueRunner",
    "RandomShuffleQueue",
    "range_input_producer",
    "slice_input_producer",
    "string_input_producer",
]
