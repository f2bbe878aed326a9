"""TensorFlow 1's queues, without a graph: thread-safe objects, and threads that fill them."""

from varlen.data.queues._queues import (
    FIFOQueue,
    PaddingFIFOQueue,
    PriorityQueue,
    Queue,
    RandomShuffleQueue,
)

__all__ = [
    "FIFOQueue",
    "PaddingFIFOQueue",
    "PriorityQueue",
    "Queue",
    "RandomShuffleQueue",
]
