"""TensorFlow 1's queues, without a graph: thread-safe objects, and threads that fill them."""

from varlen.data.queues._coordinator import Coordinator, LooperThread
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
]
