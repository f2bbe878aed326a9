"""Rows of unequal length in a batch that is padded only to its longest."""

import numpy as np

from varlen.data import batch

x = np.arange(1, 10)
slices = [x[:length] for length in range(5)]  # 0 to 4 steps

batched = next(batch(slices, 5, dynamic_pad=True))

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
