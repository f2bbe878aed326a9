"""A cell along time that stops each row at its own length."""

import numpy as np
import torch

from varlen import LSTMCell, dynamic_rnn

X = np.random.default_rng(0).normal(size=(2, 10, 8))
lengths = [10, 6]
X[1, 6:] = 0  # the second row has 6 steps; what stands behind them is ignored

cell = LSTMCell(8, 64, dtype=torch.float64)
outputs, last_states = dynamic_rnn(cell, X, sequence_length=lengths)

print("Outputs:", tuple(outputs.shape))
print("Zeros past step 6 of the second row:", bool((outputs[1, 6:] == 0).all()))
print("The state is that of step 6:", bool((last_states.h[1] == outputs[1, 5]).all()))

assert outputs.shape == (2, 10, 64)
assert (outputs[1, 6:] == 0).all()
assert (outputs[1, 5] != 0).all()
assert (last_states.h[1] == outputs[1, 5]).all()
assert (last_states.h[0] == outputs[0, 9]).all()
