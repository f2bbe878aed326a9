"""Rows of unequal length through a queue: one thread puts them in, a batch of them comes out."""

import numpy as np

from varlen.data import Coordinator, PaddingFIFOQueue, QueueRunner

x = np.arange(1, 10)
slices = iter([x[:length] for length in range(5)])  # 0 to 4 steps

queue = PaddingFIFOQueue(capacity=10, dtypes="int64", shapes=[[None]])
runner = QueueRunner(queue, [lambda: queue.enqueue(next(slices))])

coordinator = Coordinator()
threads = runner.create_threads(coordinator, start=True)
batched = queue.dequeue_many(5)
coordinator.request_stop()
coordinator.join(threads)

print("Batch shape:", batched.shape)
print(batched)

assert batched.shape == (5, 4)
assert batched.tolist() == [
    [0, 0, 0, 0],
    [1, 0, 0, 0],
    [1, 2, 0, 0],
    [1, 2, 3, 0],
    [1, 2, 3, 4],
]
